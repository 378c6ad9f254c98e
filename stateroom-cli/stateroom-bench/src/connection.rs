//! One connection to a room: sends messages when they are due, and counts what it receives.
//!
//! *Invariant:* sending and receiving run in one task and never wait for each other. Responses are received even from a server
//! that stops reading until its own messages are read.
use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use fastrand::Rng;
use futures_util::{
    SinkExt, Stream, StreamExt,
    future::{Either, select},
    sink::Sink,
};
use parking_lot::Mutex;
use tokio::{sync::mpsc, time::timeout};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::{
    config::Pattern,
    connector::Socket,
    counters::LATE_THRESHOLD,
    deduplicator::{Deduplicator, MarkerKind},
    error_counts::DisconnectReason,
    marker::Marker,
    pacer::exponential,
    run_state::RunState,
};

/// Maximum number of messages that are due and not yet written. Further ones are not sent.
pub(crate) const SEND_QUEUE_CAPACITY: usize = 1 << 14;
/// Maximum number of messages in one write.
const MAX_WRITE_BATCH: usize = 64;
/// Maximum time for the server to answer a close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// Maximum of a random message length, as a multiple of the mean.
const MAX_SIZE_FACTOR: f64 = 8.0;

/// Number of open connections in a room.
pub(crate) type RoomSize = Arc<AtomicU32>;

/// One connection to a room.
pub(crate) struct Connection {
    pub(crate) id: u32,
    pub(crate) room_size: RoomSize,
    pub(crate) state: Arc<RunState>,
    /// Without a rate: its own send queue, to schedule the next message when the previous one is answered.
    pub(crate) own_queue: Option<mpsc::WeakSender<u64>>,
    /// Without markers: the messages sent and not yet answered.
    pub(crate) unanswered: Mutex<VecDeque<Marker>>,
}

impl Connection {
    /// Sends and receives until the send queue is closed or the connection ends. The queue contains the times, in nanoseconds
    /// since the run began, at which messages are scheduled to be sent.
    pub(crate) async fn run(self, socket: Socket, queue: mpsc::Receiver<u64>) {
        let (sink, stream) = socket.split();
        let (receive, send) = (std::pin::pin!(self.receive(stream)), std::pin::pin!(self.send(sink, queue)));
        let reason = match select(receive, send).await {
            Either::Left((reason, _)) => Some(reason),
            Either::Right((Ok(()), receive)) => {
                let _ = timeout(CLOSE_TIMEOUT, receive).await;
                None
            }
            // A close frame may have arrived before the write failed.
            Either::Right((Err(error), receive)) => {
                let reason = timeout(CLOSE_TIMEOUT, receive).await.ok().filter(|reason| reason.code.is_some());
                Some(reason.unwrap_or_else(|| DisconnectReason::lost(Some(error))))
            }
        };
        self.room_size.fetch_sub(1, Ordering::Relaxed);
        if let Some(reason) = reason {
            self.state.error_counts().count_disconnect(reason);
        }
    }

    async fn send(
        &self,
        mut sink: impl Sink<Message, Error = Error> + Unpin,
        mut queue: mpsc::Receiver<u64>,
    ) -> Result<(), Error> {
        let mut random = Rng::with_seed(self.id.into());
        let (mut number, mut writable_since, mut batch) = (0, 0, Vec::new());
        while queue.recv_many(&mut batch, MAX_WRITE_BATCH).await > 0 {
            for intended in batch.drain(..) {
                number += 1;
                let size_factor = match self.state.pattern {
                    Pattern::Chat => exponential(&mut random).min(MAX_SIZE_FACTOR),
                    _ => 1.0,
                };
                let marker = Marker { run: self.state.run, connection: self.id, number, intended };
                let message = self.state.message(&marker, size_factor);
                if !self.state.has_markers() {
                    self.unanswered.lock().push_back(marker);
                }
                self.record_send(intended, writable_since);
                self.write(sink.feed(Message::text(message)), &mut writable_since).await?;
            }
            self.write(sink.flush(), &mut writable_since).await?;
        }
        sink.close().await
    }

    /// Writes, and updates the time since which the socket is writable if it was not.
    async fn write(
        &self,
        writing: impl Future<Output = Result<(), Error>>,
        writable_since: &mut u64,
    ) -> Result<(), Error> {
        let begin = self.state.now();
        writing.await?;
        let end = self.state.now();
        if end - begin > LATE_THRESHOLD {
            *writable_since = end;
        }
        Ok(())
    }

    /// Counts a message that is sent now. While the socket is not writable, the server is responsible for the delay.
    fn record_send(&self, intended: u64, writable_since: u64) {
        let at = self.state.now();
        let delay = at.saturating_sub(intended.max(writable_since));
        let recipients = match self.state.pattern {
            Pattern::Echo => 1,
            _ => self.room_size.load(Ordering::Relaxed).into(),
        };
        if let Some(mut counters) = self.state.counters(self.id) {
            counters.record_send(intended, at, delay, recipients);
        }
    }

    /// Receives until the connection ends. Returns the reason.
    async fn receive(&self, mut stream: impl Stream<Item = Result<Message, Error>> + Unpin) -> DisconnectReason {
        let mut deduplicator = Deduplicator::new(&self.state, self.id);
        while let Some(message) = stream.next().await {
            match message {
                Ok(Message::Text(text)) => self.record_message(&text, &mut deduplicator),
                Ok(Message::Binary(bytes)) => self.record_message(&String::from_utf8_lossy(&bytes), &mut deduplicator),
                Ok(Message::Close(frame)) => return DisconnectReason::closed(frame),
                Ok(_) => {}
                Err(error) => return DisconnectReason::lost(Some(error)),
            }
        }
        DisconnectReason::lost(None)
    }

    /// Counts a received message and, without a rate, schedules the next one if this is the response.
    fn record_message(&self, text: &str, deduplicator: &mut Deduplicator<'_>) {
        let at = self.state.now();
        let Some(mut counters) = self.state.counters(self.id) else { return };
        let (mut has_marker, mut is_answered) = (false, false);
        let oldest = if self.state.has_markers() { None } else { self.unanswered.lock().pop_front() };
        for marker in Marker::find(text).chain(oldest) {
            has_marker = true;
            match deduplicator.classify(&marker) {
                MarkerKind::Response { is_own } => {
                    counters.record_response(marker.intended, at, is_own);
                    is_answered |= is_own;
                }
                MarkerKind::Duplicate => counters.record_duplicate(marker.intended),
                MarkerKind::Misdirected => counters.misdirected += 1,
                MarkerKind::Foreign => {}
            }
        }
        if !has_marker {
            counters.unexpected.record(text);
        }
        let is_next_due = is_answered && at < self.state.until();
        if let Some(queue) = self.own_queue.as_ref().filter(|_| is_next_due).and_then(mpsc::WeakSender::upgrade) {
            // Never full: nothing else is scheduled.
            counters.queued += u64::from(queue.try_send(at).is_ok());
        }
    }
}
