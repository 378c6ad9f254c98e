//! One client of a room: says what is due, and hears what there is to hear.
//!
//! Both in one task, and neither waits for the other: a server that does not read until it is read from is heard.
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
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
use tokio::{sync::mpsc, time::timeout};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::{
    args::Pattern,
    connector::Socket,
    counters::LATE,
    deduplicator::{Deduplicator, MarkerKind},
    error_counts::DisconnectReason,
    marker::Marker,
    run_state::RunState,
    schedule::exponential,
};

/// So many messages may be due that the socket does not take; those after them are not sent.
pub(crate) const DUE_AT_ONCE: usize = 1 << 14;
/// So many messages are written at once.
const IN_A_WRITE: usize = 64;
/// How long a server may take to answer a close.
const FAREWELL: Duration = Duration::from_secs(1);
/// At random lengths, the longest message is so many times the mean.
const LONGEST: f64 = 8.0;

/// How many are in a room.
pub(crate) type RoomSize = Arc<AtomicU32>;

/// One client.
pub(crate) struct Connection {
    pub(crate) number: u32,
    pub(crate) members: RoomSize,
    pub(crate) state: Arc<RunState>,
    /// When it answers to being answered: orders to itself.
    pub(crate) again: Option<mpsc::WeakSender<u64>>,
    /// Without marks: its messages that have no answer yet.
    pub(crate) unanswered: Mutex<VecDeque<Marker>>,
}

impl Connection {
    /// Stays in the room until no more orders can come, or the server ends it.
    pub(crate) async fn stay(self, socket: Socket, orders: mpsc::Receiver<u64>) {
        let (sink, stream) = socket.split();
        let (listen, speak) = (std::pin::pin!(self.listen(stream)), std::pin::pin!(self.speak(sink, orders)));
        let end = match select(listen, speak).await {
            Either::Left((end, _)) => Some(end),
            Either::Right((Ok(()), listen)) => {
                let _ = timeout(FAREWELL, listen).await;
                None
            }
            // What cannot be written to may have said why.
            Either::Right((Err(error), listen)) => {
                let end = timeout(FAREWELL, listen).await.ok().filter(|end| end.code.is_some());
                Some(end.unwrap_or_else(|| DisconnectReason::broken(Some(error))))
            }
        };
        self.members.fetch_sub(1, Ordering::Relaxed);
        if let Some(end) = end {
            self.state.errors().end(end);
        }
    }

    /// Says what is due, several in one write. The orders are the times when messages were meant to be sent.
    async fn speak(
        &self,
        mut sink: impl Sink<Message, Error = Error> + Unpin,
        mut orders: mpsc::Receiver<u64>,
    ) -> Result<(), Error> {
        let mut random = Rng::with_seed(self.number.into());
        let (mut number, mut free_since, mut due) = (0, 0, Vec::new());
        while orders.recv_many(&mut due, IN_A_WRITE).await > 0 {
            for intended in due.drain(..) {
                number += 1;
                let size = match self.state.pattern {
                    Pattern::Chat => exponential(&mut random).min(LONGEST),
                    _ => 1.0,
                };
                let message = self.state.message(self.number, number, intended, size);
                if !self.state.marks() {
                    let marker = Marker { run: self.state.run, connection: self.number, number, intended };
                    self.unanswered().push_back(marker);
                }
                self.sends(intended, free_since);
                self.write(sink.feed(Message::text(message)), &mut free_since).await?;
            }
            self.write(sink.flush(), &mut free_since).await?;
        }
        sink.close().await
    }

    /// Writes, and notes since when the socket is free if it was not.
    async fn write(&self, writing: impl Future<Output = Result<(), Error>>, free_since: &mut u64) -> Result<(), Error> {
        let begin = self.state.now();
        writing.await?;
        let end = self.state.now();
        if end - begin > LATE {
            *free_since = end;
        }
        Ok(())
    }

    /// A message leaves. As long as the socket was not free, its delay is the server's.
    fn sends(&self, intended: u64, free_since: u64) {
        let at = self.state.now();
        let late = at.saturating_sub(intended.max(free_since));
        let recipients = match self.state.pattern {
            Pattern::Echo => 1,
            _ => self.members.load(Ordering::Relaxed).into(),
        };
        if let Some(mut counters) = self.state.counters(self.number) {
            counters.sends(intended, at, late, recipients);
        }
    }

    /// Hears everything, to the connection's end.
    async fn listen(&self, mut stream: impl Stream<Item = Result<Message, Error>> + Unpin) -> DisconnectReason {
        let mut deduplicator = Deduplicator::new(&self.state, self.number);
        while let Some(message) = stream.next().await {
            match message {
                Ok(Message::Text(text)) => self.hear(&text, &mut deduplicator),
                Ok(Message::Binary(bytes)) => self.hear(&String::from_utf8_lossy(&bytes), &mut deduplicator),
                Ok(Message::Close(frame)) => return DisconnectReason::closed(frame),
                Ok(_) => {}
                Err(error) => return DisconnectReason::broken(Some(error)),
            }
        }
        DisconnectReason::broken(None)
    }

    fn unanswered(&self) -> MutexGuard<'_, VecDeque<Marker>> {
        self.unanswered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, text: &str, deduplicator: &mut Deduplicator<'_>) {
        let at = self.state.now();
        let Some(mut counters) = self.state.counters(self.number) else { return };
        let (mut known, mut answered) = (false, false);
        let next = if self.state.marks() { None } else { self.unanswered().pop_front() };
        for marker in Marker::find(text).chain(next) {
            known = true;
            match deduplicator.hear(&marker) {
                MarkerKind::Answer { own } => {
                    counters.hears(marker.intended, at, own);
                    answered |= own;
                }
                MarkerKind::Repeat => counters.repeats(marker.intended),
                MarkerKind::Astray => counters.astray += 1,
                MarkerKind::Foreign => {}
            }
        }
        if !known {
            counters.strange.see(text);
        }
        let more = answered && at < self.state.until();
        if let Some(orders) = self.again.as_ref().filter(|_| more).and_then(mpsc::WeakSender::upgrade) {
            // There is space: nothing else is due.
            counters.ordered += u64::from(orders.try_send(at).is_ok());
        }
    }
}
