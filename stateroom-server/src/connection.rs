//! One WebSocket connection: its task reads, keeps the heartbeat, writes what the socket did not take at once, and closes.
//!
//! *Invariant:* the room waits for no connection, and a connection waits only for its own client and its own room.
mod deadlines;
mod heartbeat;
mod reader;
mod stream;

use std::{
    cell::RefCell,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::upgrade::Upgraded;
use stateroom::MessagePayload;
use tokio::{
    task::yield_now,
    time::{Instant, Sleep, sleep_until},
};

use self::{
    deadlines::Deadlines,
    heartbeat::{Heartbeat, HeartbeatAction},
    reader::{FrameReader, ReadOutcome},
    stream::Stream,
};
use crate::{
    metrics::Metrics,
    outbound::Outbound,
    rate_limit::limiter::RateLimiter,
    room::seat::Seat,
    settings::Limit,
    shared::Shared,
    websocket::{close::CloseCause, compression::Compression, frame},
};

/// How often a connection reads before others get their turn.
const READS: usize = 4;

/// How many bytes are read at a time: they may be thousands of frames, of which not one is a message.
const READ_BYTES: usize = 16 << 10;

thread_local! {
    /// What is read goes through one buffer a thread, and is gone from it before the next connection reads.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES]);
}

/// Runs a connection that has just been upgraded, to its end.
pub(crate) async fn serve(
    shared: &Shared,
    upgraded: Upgraded,
    room_id: &str,
    seat: Seat,
    outbound: Arc<Outbound>,
    compression: Option<Compression>,
) {
    let settings = shared.settings();
    let (stream, ahead) = Stream::from_upgraded(upgraded);
    outbound.attach(stream.socket());
    let now = Instant::now();
    let mut connection = Connection {
        room_id,
        stream,
        frames: FrameReader::new(&settings.limits, compression.as_ref(), ahead),
        burst: outbound.burst(),
        messages: Vec::new(),
        outbound,
        seat: Some(seat),
        heartbeat: Heartbeat::new(settings.heartbeat_interval, settings.heartbeat_timeout, now),
        deadlines: Deadlines::new(&settings.limits, now),
        allowance: RateLimiter::new(&settings.limits, now),
        unheard: false,
        closing: None,
        metrics: shared.metrics(),
        close_time: settings.limits.close_time,
        sleep: Box::pin(sleep_until(now)),
    };
    poll_fn(|context| connection.poll(context)).await;
}

struct Connection<'a> {
    room_id: &'a str,
    stream: Stream,
    frames: FrameReader,
    /// How many messages are taken at a time.
    burst: usize,
    /// Empty between reads; kept for its memory.
    messages: Vec<MessagePayload>,
    outbound: Arc<Outbound>,
    /// The place in the room, as long as it is not being closed.
    seat: Option<Seat>,
    heartbeat: Heartbeat,
    deadlines: Deadlines,
    /// How much the client may still send, if that is limited.
    allowance: Option<RateLimiter>,
    /// Whether the client is not read from because of what waits for it: then its taking that is its sign of life.
    unheard: bool,
    closing: Option<CloseHandshake>,
    metrics: &'a Metrics,
    close_time: Duration,
    sleep: Pin<Box<Sleep>>,
}

/// A connection that is being closed.
struct CloseHandshake {
    /// When it is dropped, whatever the client does.
    deadline: Instant,
    /// How far the client is.
    peer: PeerState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PeerState {
    /// Its close frame is awaited; messages before that are not looked at.
    Open,
    /// What it sends can no longer be understood; its end is awaited.
    Unreadable,
    /// It has closed.
    Closed,
}

/// The connection has ended.
struct Disconnected;

/// What was read at a time.
struct ReadBurst {
    /// How many bytes have come for it.
    length: usize,
    ending: ReadOutcome,
    /// What the protocol itself answers.
    replies: Vec<u8>,
}

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        let cause = self.outbound.closing();
        let reason = cause.as_ref().map_or("vanished", CloseCause::label);
        ::metrics::counter!("stateroom_closes_total", "reason" => reason).increment(1);
        // The room may still hold the outbound; the socket must not stay open for that.
        self.outbound.end();
    }
}

impl Connection<'_> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.outbound.register(context);
        for _ in 0..READS {
            // Reading and the time may both give something to write.
            let again = self.write(context).and_then(|()| Ok(self.read(context)? | self.tick(context)?));
            match again {
                Ok(true) if self.frames.has_more() => break,
                Ok(true) => {}
                Ok(false) => return Poll::Pending,
                Err(Disconnected) => return Poll::Ready(()),
            }
        }
        // There may be more where that came from, without end; others get their turn first. Only yielding has the
        // runtime look whether something has arrived for them, too; a task that wakes itself just comes again.
        pin!(yield_now()).poll(context)
    }

    /// Writes what waits. Disconnected when all is written and both sides have closed.
    fn write(&mut self, context: &mut Context<'_>) -> Result<(), Disconnected> {
        let drained = self.outbound.poll_drain(|slices| self.stream.poll_write(context, slices));
        if drained.progress && self.unheard {
            self.heartbeat.alive(Instant::now());
        }
        if drained.closing && self.closing.is_none() {
            self.start_closing(PeerState::Open);
        }
        let done = match (drained.done, &self.closing) {
            // Nothing more is said, and the client knows by that, as its own close frame would not be understood.
            (Poll::Ready(Ok(())), Some(CloseHandshake { peer: PeerState::Unreadable, .. })) if drained.closing => {
                self.stream.poll_shutdown(context)
            }
            (Poll::Ready(Ok(())), _) => self.stream.poll_flush(context),
            (other, _) => other,
        };
        match (done, &self.closing) {
            (Poll::Ready(Err(_)), _) => Err(Disconnected),
            (Poll::Ready(Ok(())), Some(CloseHandshake { peer: PeerState::Closed, .. })) => Err(Disconnected),
            (Poll::Ready(Ok(())) | Poll::Pending, _) => Ok(()),
        }
    }

    /// Reads once, if anything has come. Says whether it has.
    fn read(&mut self, context: &mut Context<'_>) -> Result<bool, Disconnected> {
        let read = match &self.closing {
            None => self.poll_burst(context),
            Some(CloseHandshake { peer: PeerState::Closed, .. }) => Poll::Pending,
            Some(CloseHandshake { peer, .. }) => {
                let peer = *peer;
                self.poll_discard(context, peer)
            }
        };
        match read {
            Poll::Ready(read) => read.map(|()| true),
            Poll::Pending => Ok(false),
        }
    }

    /// Reads one burst and tells the room.
    fn poll_burst(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Disconnected>> {
        let Some(seat) = &self.seat else { return Poll::Pending };
        self.unheard = !self.outbound.may_read();
        if self.unheard {
            self.pause();
            if !self.outbound.is_waiting() {
                // It has said much, and the room is busy with that.
                self.heartbeat.alive(Instant::now());
            }
            return Poll::Pending;
        }
        if seat.poll_space(context).is_pending() {
            // The room is busy; that the client is not heard is not its fault.
            self.heartbeat.alive(Instant::now());
            self.pause();
            return Poll::Pending;
        }
        let ReadBurst { length, ending, replies } = ready!(self.poll_frames(context))?;
        let ending = self.take_note(length, ending);
        if let Some(seat) = &self.seat {
            seat.send(&mut self.messages);
        }
        match ending {
            ReadOutcome::Drained | ReadOutcome::More => self.outbound.write_control(&replies),
            ReadOutcome::ClosedByPeer => {
                self.outbound.close_by_peer(replies);
                self.start_closing(PeerState::Closed);
            }
            ReadOutcome::Broken(cause) => {
                self.outbound.write_control(&replies);
                cause.limit().into_iter().for_each(Limit::exceeded);
                tracing::debug!(room = self.room_id, reason = %cause, "a connection is closed");
                // By the room, once that has dealt with what was said before.
                match self.seat.take() {
                    Some(seat) => seat.leave(cause),
                    None => self.outbound.close(cause),
                }
                self.start_closing(PeerState::Unreadable);
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Nothing is read, for no fault of the client.
    fn pause(&mut self) {
        let now = Instant::now();
        self.deadlines.pause(now);
        if let Some(allowance) = &mut self.allowance {
            allowance.pause(now);
        }
    }

    /// Takes note of what has come: it is a sign of life, and may be more than the client may send.
    fn take_note(&mut self, length: usize, ending: ReadOutcome) -> ReadOutcome {
        let now = Instant::now();
        self.metrics.received_bytes.increment(length as u64);
        self.heartbeat.alive(now);
        self.deadlines.heard(!self.messages.is_empty(), self.frames.is_unfinished(), now);
        if let Ok(Some(due)) = self.deadlines.next(now)
            && due < self.sleep.deadline()
        {
            self.sleep.as_mut().reset(due);
        }
        let Some(allowance) = &mut self.allowance else { return ending };
        // A ping is answered, as a message may be.
        let messages = self.messages.len() + self.frames.take_pings();
        match allowance.spend(messages, length, now) {
            Ok(()) => ending,
            Err(limit) => {
                self.messages.clear();
                ReadOutcome::Broken(CloseCause::TooFast { limit })
            }
        }
    }

    /// Reads into `messages`, from the socket, or what is left over of the last read.
    fn poll_frames(&mut self, context: &mut Context<'_>) -> Poll<Result<ReadBurst, Disconnected>> {
        BUFFER.with_borrow_mut(|buffer| {
            let length = if self.frames.has_more() {
                0
            } else {
                match ready!(self.stream.poll_read(context, buffer)) {
                    Ok(length @ 1..) => length,
                    Ok(0) | Err(_) => return Poll::Ready(Err(Disconnected)),
                }
            };
            let input = buffer.get(..length).unwrap_or_default();
            let mut replies = Vec::new();
            let ending = self.frames.read(input, self.burst, &mut self.messages, &mut replies);
            Poll::Ready(Ok(ReadBurst { length, ending, replies }))
        })
    }

    /// Reads on while closing, only to see the client's end of it.
    fn poll_discard(&mut self, context: &mut Context<'_>, peer: PeerState) -> Poll<Result<(), Disconnected>> {
        if peer == PeerState::Unreadable {
            return BUFFER.with_borrow_mut(|buffer| match ready!(self.stream.poll_read(context, buffer)) {
                Ok(1..) => Poll::Ready(Ok(())),
                Ok(0) | Err(_) => Poll::Ready(Err(Disconnected)),
            });
        }
        let ReadBurst { ending, .. } = ready!(self.poll_frames(context))?;
        self.messages.clear();
        if let Some(closing) = &mut self.closing {
            match ending {
                ReadOutcome::Drained | ReadOutcome::More => {}
                ReadOutcome::ClosedByPeer => closing.peer = PeerState::Closed,
                ReadOutcome::Broken(_) => closing.peer = PeerState::Unreadable,
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Does what the time says. Says whether there may be something to write.
    fn tick(&mut self, context: &mut Context<'_>) -> Result<bool, Disconnected> {
        let mut written = false;
        while self.sleep.as_mut().poll(context).is_ready() {
            let now = Instant::now();
            let next = match &self.closing {
                Some(closing) if closing.deadline <= now => {
                    Limit::CloseTime.exceeded();
                    return Err(Disconnected);
                }
                Some(closing) => Some(closing.deadline),
                None => match self.heartbeat.beat(now) {
                    HeartbeatAction::Ping => {
                        self.outbound.write_control(&frame::PING);
                        written = true;
                        Some(now)
                    }
                    HeartbeatAction::Lost => {
                        self.close(CloseCause::HeartbeatLost, PeerState::Open);
                        written = true;
                        Some(now)
                    }
                    HeartbeatAction::Wait(next) => match self.deadlines.next(now) {
                        Ok(due) => next.into_iter().chain(due).min(),
                        Err(cause) => {
                            self.close(cause, PeerState::Open);
                            written = true;
                            Some(now)
                        }
                    },
                },
            };
            // Without anything to wait for, look again now and then.
            self.sleep.as_mut().reset(next.unwrap_or_else(|| now + Duration::from_secs(3600)));
        }
        Ok(written)
    }

    fn close(&mut self, cause: CloseCause, peer: PeerState) {
        self.outbound.close(cause);
        self.start_closing(peer);
    }

    /// Gives up the place in the room, and gives the client some time for its end of the closing.
    fn start_closing(&mut self, peer: PeerState) {
        if let Some(cause) = self.outbound.closing() {
            cause.limit().into_iter().for_each(Limit::exceeded);
            tracing::debug!(room = self.room_id, reason = %cause, "a connection is closed");
        }
        self.seat = None;
        let deadline = Instant::now() + self.close_time;
        self.closing = Some(CloseHandshake { deadline, peer });
        self.sleep.as_mut().reset(deadline);
    }
}
