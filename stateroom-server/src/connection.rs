//! One WebSocket connection: its task reads, keeps the heartbeat, writes what the socket did not accept at once, and closes.
//!
//! *Invariant:* a room never waits for a connection, and a connection waits only for its own client and its own room.
mod deadlines;
mod heartbeat;
mod parser;
mod stream;

use std::{
    cell::RefCell,
    future::Future,
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
    parser::{FrameParser, ReadOutcome},
    stream::Stream,
};
use crate::{
    metrics::Metrics,
    outbound::Outbound,
    rate_limit::{bucket::Rate, limiter::RateLimiter},
    room::seat::Seat,
    settings::Limit,
    shared::Shared,
    websocket::{close::CloseCause, compression::Compression, encode},
};

/// Number of reads before the task yields.
const READS_PER_POLL: usize = 4;

/// Maximum number of bytes per read. They may contain thousands of frames without a single message.
const READ_BYTES: usize = 16 << 10;

thread_local! {
    /// The read buffer of the thread's connections. A connection leaves nothing in it.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES]);
}

/// A connection, as a future that completes when it has ended.
///
/// A type of its own, because an `async` function would hold its arguments beside the connection they are moved to.
pub(crate) struct Connection<'a> {
    room_id: &'a str,
    stream: Stream,
    frames: FrameParser,
    /// Maximum number of messages per read.
    burst: usize,
    /// Empty between reads; kept for its capacity.
    messages: Vec<MessagePayload>,
    outbound: Arc<Outbound>,
    /// The seat in the room, until the connection is being closed.
    seat: Option<Seat>,
    heartbeat: Heartbeat,
    deadlines: Deadlines,
    /// The rate limit of the client, if there is one.
    rate_limiter: Option<RateLimiter<2>>,
    /// Whether reading is paused because messages are queued for the client. Accepting those is its sign of life then.
    is_paused: bool,
    closing: Option<CloseHandshake>,
    metrics: &'a Metrics,
    close_time: Duration,
    sleep: Pin<Box<Sleep>>,
}

/// The progress of the closing handshake.
struct CloseHandshake {
    /// When the connection is dropped unconditionally.
    deadline: Instant,
    /// The state of the client's side.
    peer: PeerState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PeerState {
    /// Its close frame is awaited; messages before it are discarded.
    Open,
    /// Its frames can no longer be parsed; the end of the stream is awaited.
    Unreadable,
    /// It has sent its close frame.
    Closed,
}

/// The connection has ended, and its task with it.
struct Disconnected;

/// The result of one read.
struct ReadBurst {
    /// Number of bytes read.
    length: usize,
    ending: ReadOutcome,
    /// Replies of the protocol itself.
    replies: Vec<u8>,
}

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        let cause = self.outbound.closing();
        let reason = cause.as_ref().map_or("vanished", CloseCause::label);
        ::metrics::counter!("stateroom_closes_total", "reason" => reason).increment(1);
        // The room may still hold the outbound queue, which must not keep the socket open.
        self.outbound.end();
    }
}

impl Future for Connection<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.outbound.register(context);
        for _ in 0..READS_PER_POLL {
            // Both reading and timers may produce output.
            let again = self.write(context).and_then(|()| Ok(self.read(context)? | self.tick(context)?));
            match again {
                Ok(true) if self.frames.has_more() => break,
                Ok(true) => {}
                Ok(false) => return Poll::Pending,
                Err(Disconnected) => return Poll::Ready(()),
            }
        }
        // More input may follow without end. Yielding, unlike waking this task, makes the runtime poll its sockets.
        pin!(yield_now()).poll(context)
    }
}

impl<'a> Connection<'a> {
    /// Takes over an upgraded connection. Without a seat, it has to be closed already.
    pub(crate) fn new(
        shared: &'a Shared,
        upgraded: Upgraded,
        room_id: &'a str,
        seat: Option<Seat>,
        outbound: Arc<Outbound>,
        compression: Option<&Compression>,
    ) -> Self {
        let settings = shared.settings();
        let (stream, ahead) = Stream::from_upgraded(upgraded);
        outbound.attach(stream.socket());
        let now = Instant::now();
        Connection {
            room_id,
            stream,
            frames: FrameParser::new(&settings.limits, compression, ahead),
            burst: outbound.burst(),
            messages: Vec::new(),
            outbound,
            seat,
            heartbeat: Heartbeat::new(settings.heartbeat_interval, settings.heartbeat_timeout, now),
            deadlines: Deadlines::new(&settings.limits, now),
            rate_limiter: RateLimiter::new(Rate::of_client(&settings.limits), now),
            is_paused: false,
            closing: None,
            metrics: shared.metrics(),
            close_time: settings.limits.close_time,
            sleep: Box::pin(sleep_until(now)),
        }
    }

    /// Writes the queue. Fails when all is written and both sides have closed.
    fn write(&mut self, context: &mut Context<'_>) -> Result<(), Disconnected> {
        let drained = self.outbound.poll_drain(|slices| self.stream.poll_write(context, slices));
        if drained.progress && self.is_paused {
            self.heartbeat.alive(Instant::now());
        }
        if drained.progress
            && let Some(closing) = &mut self.closing
        {
            // The close frame comes after what is queued.
            closing.deadline = Instant::now() + self.close_time;
        }
        self.deadlines.set_stalled_since(drained.stalled_since);
        if drained.stalled_since.is_some() {
            self.wake_for_deadlines(Instant::now());
        }
        if drained.closing && self.closing.is_none() {
            let gives_up = self.outbound.closing() == Some(CloseCause::NoMemory);
            self.start_closing(if gives_up { PeerState::Unreadable } else { PeerState::Open });
        }
        let done = match (drained.done, &self.closing) {
            // Ends the stream, since the client's own close frame cannot be parsed.
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

    /// Reads once. Returns whether there was input.
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

    /// Reads once and passes the messages to the room.
    fn poll_burst(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Disconnected>> {
        let Some(seat) = &self.seat else { return Poll::Pending };
        self.is_paused = !self.outbound.may_read();
        if self.is_paused {
            self.pause();
            if !self.outbound.is_waiting() {
                // The room is still busy with the client's own messages.
                self.heartbeat.alive(Instant::now());
            }
            return Poll::Pending;
        }
        if seat.poll_space(context).is_pending() {
            // The room is busy, which must not count as the client's silence.
            self.heartbeat.alive(Instant::now());
            self.pause();
            return Poll::Pending;
        }
        let ReadBurst { length, ending, replies } = ready!(self.poll_frames(context))?;
        let ending = self.record_input(length, ending);
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
                tracing::debug!(room = self.room_id, reason = %cause, "closing a connection");
                // The room closes it once it has handled the messages before.
                match self.seat.take() {
                    Some(seat) => seat.leave(cause),
                    None => self.outbound.close(cause),
                }
                self.start_closing(PeerState::Unreadable);
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Pauses the client's deadlines and rate limit while the server does not read.
    fn pause(&mut self) {
        let now = Instant::now();
        self.deadlines.pause(now);
        if let Some(rate_limiter) = &mut self.rate_limiter {
            rate_limiter.pause(now);
        }
    }

    /// Wakes the task at the next deadline.
    fn wake_for_deadlines(&mut self, now: Instant) {
        if let Ok(Some(due)) = self.deadlines.next(now)
            && due < self.sleep.deadline()
        {
            self.sleep.as_mut().reset(due);
        }
    }

    /// Records input: it is a sign of life and counts towards the limits.
    fn record_input(&mut self, length: usize, ending: ReadOutcome) -> ReadOutcome {
        let now = Instant::now();
        self.metrics.received_bytes.increment(length as u64);
        self.heartbeat.alive(now);
        self.deadlines.record_input(!self.messages.is_empty(), self.frames.is_incomplete(), now);
        self.wake_for_deadlines(now);
        let Some(rate_limiter) = &mut self.rate_limiter else { return ending };
        // A ping costs an answer, as a message may.
        let messages = self.messages.len() + self.frames.take_pings();
        match rate_limiter.spend([messages, length], now) {
            Ok(()) => ending,
            Err(limit) => {
                self.messages.clear();
                ReadOutcome::Broken(CloseCause::TooFast { limit })
            }
        }
    }

    /// Reads into `messages`, from the socket or from the rest of the last read.
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
            self.outbound.set_incoming(self.frames.kept_bytes());
            Poll::Ready(Ok(ReadBurst { length, ending, replies }))
        })
    }

    /// Reads and discards input until the client's close frame.
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

    /// Handles timers. Returns whether there may be output.
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
                        self.outbound.write_control(&encode::PING);
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
            // Without a deadline, check again after a while.
            self.sleep.as_mut().reset(next.unwrap_or_else(|| now + Duration::from_secs(3600)));
        }
        Ok(written)
    }

    fn close(&mut self, cause: CloseCause, peer: PeerState) {
        self.outbound.close(cause);
        self.start_closing(peer);
    }

    /// Leaves the room and starts the timeout of the closing handshake.
    fn start_closing(&mut self, peer: PeerState) {
        if let Some(cause) = self.outbound.closing() {
            cause.limit().into_iter().for_each(Limit::exceeded);
            tracing::debug!(room = self.room_id, reason = %cause, "closing a connection");
        }
        self.seat = None;
        if peer == PeerState::Unreadable {
            self.frames.discard();
            self.outbound.set_incoming(0);
        }
        let deadline = Instant::now() + self.close_time;
        self.closing = Some(CloseHandshake { deadline, peer });
        self.sleep.as_mut().reset(deadline);
    }
}
