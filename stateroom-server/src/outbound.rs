//! What waits for one client: the writing half of its connection.
//!
//! The room writes straight into a plain TCP socket as long as nothing waits; what the socket does not take waits here
//! and is written by the connection's own task when it can be. Anything else than a plain TCP socket always goes through
//! the queue.
//!
//! *Invariant:* writing never waits, and what waits is bounded: more than that closes the client, and nobody else notices.
pub(crate) mod outbox;
mod queue;

use std::{
    io::{self, IoSlice},
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::task::AtomicWaker;
use parking_lot::{Mutex, MutexGuard};
use tokio::net::tcp::OwnedWriteHalf;

pub(crate) use self::queue::Load;
use self::{
    outbox::Batch,
    queue::{PIECES, Queue},
};
use crate::{
    metrics::Metrics,
    settings::{Limit, Limits},
    websocket::{close::CloseCause, compression::Encoding, frame},
};

/// The part of what may wait for a client that it may have said before the room handles it. With the half that may wait
/// already, and the burst that comes on top, that leaves place for about eight answers to each message.
const UNHANDLED: usize = 32;

/// What waits for one client, shared by its room and its connection.
#[derive(Debug)]
pub(crate) struct Outbound {
    state: Mutex<OutboundState>,
    /// The connection's task: woken when there is something to write, to close, or room to read again.
    connection: AtomicWaker,
    max_bytes: usize,
    max_messages: usize,
    encoding: Encoding,
    metrics: Arc<Metrics>,
}

#[derive(Debug, Default)]
struct OutboundState {
    /// The socket, while it may be written to directly.
    socket: Option<Arc<OwnedWriteHalf>>,
    queue: Queue,
    /// What the client has said and the room has not handled yet: it may be answered.
    unhandled: Load,
    close: Option<CloseCause>,
}

/// What came of writing what waits.
pub(crate) struct DrainProgress {
    /// Whether anything was written.
    pub(crate) progress: bool,
    /// Ready when nothing waits any more.
    pub(crate) done: Poll<io::Result<()>>,
    /// Whether the connection is being closed.
    pub(crate) closing: bool,
}

impl Outbound {
    /// For a client that is about to join.
    pub(crate) fn new(limits: &Limits, encoding: Encoding, metrics: Arc<Metrics>) -> Self {
        Outbound {
            state: Mutex::default(),
            connection: AtomicWaker::new(),
            max_bytes: limits.outbound_bytes,
            max_messages: limits.outbound_messages,
            encoding,
            metrics,
        }
    }

    /// How messages to the client are written.
    pub(crate) fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Says that the client is behind `socket`, or behind something that only its connection can write to.
    pub(crate) fn attach(&self, socket: Option<Arc<OwnedWriteHalf>>) {
        self.lock().socket = socket;
    }

    /// Writes a batch of the room. `handled` is what the client had said and the room has now dealt with.
    ///
    /// Returns whether the client keeps up; if not, it is being closed.
    pub(crate) fn write(&self, batch: &Batch<'_>, handled: Load) -> bool {
        let mut state = self.lock();
        let was_paused = self.is_loaded(&state);
        state.unhandled.subtract(handled);
        if state.close.is_none() {
            let written = if state.queue.is_empty() { state.write_directly(batch) } else { 0 };
            let before = state.queue.waiting.bytes;
            state.queue.push_rest(batch, written);
            self.measure(before, &state);
            if let Some(limit) = self.overrun(&state) {
                drop(state);
                self.close(CloseCause::TooSlow { limit });
                return false;
            }
        }
        // The connection waits for its socket by itself once it knows that there is something to write.
        let wake = !state.queue.is_empty() || (was_paused && !self.is_loaded(&state));
        drop(state);
        if wake {
            self.connection.wake();
        }
        true
    }

    /// Sends what the protocol itself says: a ping, pongs. Waits its turn as all else does, and counts as no message.
    pub(crate) fn write_control(&self, bytes: &[u8]) {
        let mut state = self.lock();
        if state.close.is_some() || bytes.is_empty() {
            return;
        }
        let written = if state.queue.is_empty() { state.try_write(&[IoSlice::new(bytes)]) } else { 0 };
        let rest = bytes.get(written..).unwrap_or_default();
        let before = state.queue.waiting.bytes;
        state.queue.push_control(rest);
        self.measure(before, &state);
    }

    /// Closes the connection, after what waits now. Nothing is sent after that; the first cause counts.
    pub(crate) fn close(&self, cause: CloseCause) {
        let mut state = self.lock();
        if state.close.is_none() {
            let frame = frame::close(&cause);
            let before = state.queue.waiting.bytes;
            state.queue.push(frame);
            self.measure(before, &state);
            state.close = Some(cause);
        }
        drop(state);
        self.connection.wake();
    }

    /// Sends the reply to the client's own close, already a frame. Nothing is sent after that.
    pub(crate) fn close_by_peer(&self, reply: Vec<u8>) {
        let mut state = self.lock();
        if state.close.is_none() {
            let before = state.queue.waiting.bytes;
            state.queue.push(reply);
            self.measure(before, &state);
            state.close = Some(CloseCause::ByPeer);
        }
    }

    /// Why the connection is being closed, if it is.
    pub(crate) fn closing(&self) -> Option<CloseCause> {
        self.lock().close.clone()
    }

    /// The connection has ended: the socket is let go of, and what waits is forgotten.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        let before = state.queue.waiting.bytes;
        // Closed, whatever it was before: nothing is to be queued any more.
        *state = OutboundState { close: state.close.take().or(Some(CloseCause::ByPeer)), ..OutboundState::default() };
        self.measure(before, &state);
    }

    /// Has the connection's task woken when there is something for it to do.
    pub(crate) fn register(&self, context: &Context<'_>) {
        self.connection.register(context.waker());
    }

    /// Says that the client has said something which the room is going to handle.
    pub(crate) fn add_unhandled(&self, load: Load) {
        self.lock().unhandled.add(load);
    }

    /// How many of a client's messages are taken at a time.
    pub(crate) fn burst(&self) -> usize {
        (self.max_messages / UNHANDLED / 2).max(1)
    }

    /// Whether the client may be read from: not while half of what may wait for it does, or may come to.
    pub(crate) fn may_read(&self) -> bool {
        !self.is_loaded(&self.lock())
    }

    /// Whether anything waits for the client to take it.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.lock().queue.is_empty()
    }

    /// Writes what waits by `write`, until nothing does or it would have to wait.
    pub(crate) fn poll_drain(&self, mut write: impl FnMut(&[IoSlice<'_>]) -> Poll<io::Result<usize>>) -> DrainProgress {
        let mut state = self.lock();
        let before = state.queue.waiting.bytes;
        let mut progress = false;
        let done = loop {
            if state.queue.is_empty() {
                break Poll::Ready(Ok(()));
            }
            match state.queue.write(&mut write) {
                Poll::Ready(Ok(0)) => break Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => {
                    progress = true;
                    state.queue.advance(written);
                }
                Poll::Ready(Err(error)) => break Poll::Ready(Err(error)),
                Poll::Pending => break Poll::Pending,
            }
        };
        self.measure(before, &state);
        DrainProgress { progress, done, closing: state.close.is_some() }
    }

    /// Says how much more waits than before, or less.
    fn measure(&self, before: usize, state: &OutboundState) {
        let after = state.queue.waiting.bytes;
        if after != before {
            self.metrics.queued_bytes.increment(after as f64 - before as f64);
        }
    }

    fn is_loaded(&self, state: &OutboundState) -> bool {
        let (waiting, unhandled) = (state.queue.waiting, state.unhandled);
        waiting.bytes > self.max_bytes / 2
            || waiting.messages > self.max_messages / 2
            || unhandled.bytes > self.max_bytes / UNHANDLED
            || unhandled.messages > self.max_messages / UNHANDLED
    }

    /// Which limit is overrun, if one is.
    fn overrun(&self, state: &OutboundState) -> Option<Limit> {
        let Queue { waiting, largest, .. } = &state.queue;
        if waiting.bytes > self.max_bytes + largest {
            return Some(Limit::OutboundBytes);
        }
        (waiting.messages > self.max_messages.max(1)).then_some(Limit::OutboundMessages)
    }

    fn lock(&self) -> MutexGuard<'_, OutboundState> {
        self.state.lock()
    }
}

impl Drop for Outbound {
    /// Of a client that was gone before its connection could begin.
    fn drop(&mut self) {
        self.end();
    }
}

impl OutboundState {
    /// How many bytes the socket takes at once. An error counts as none: the connection's task finds it by itself.
    fn try_write(&self, slices: &[IoSlice<'_>]) -> usize {
        match &self.socket {
            Some(socket) => socket.try_write_vectored(slices).unwrap_or(0),
            None => 0,
        }
    }

    fn write_directly(&self, batch: &Batch<'_>) -> usize {
        let Some(socket) = &self.socket else { return 0 };
        // Most of the time; and a `send` costs less than a `writev`.
        if let [run] = batch.runs {
            return socket.try_write(batch.bytes(&run.range)).unwrap_or(0);
        }
        let mut total = 0;
        for runs in batch.runs.chunks(PIECES) {
            let mut slices = [IoSlice::new(&[]); PIECES];
            let mut wanted = 0;
            for (slice, run) in slices.iter_mut().zip(runs) {
                let bytes = batch.bytes(&run.range);
                wanted += bytes.len();
                *slice = IoSlice::new(bytes);
            }
            let written = self.try_write(slices.get(..runs.len()).unwrap_or_default());
            total += written;
            if written < wanted {
                break;
            }
        }
        total
    }
}
