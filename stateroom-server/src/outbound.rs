//! The outbound queue of one client: the writing half of its connection.
//!
//! The room writes directly to a plain TCP socket while the queue is empty. What the socket does not accept is queued here, and
//! written by the connection's own task. Output for other kinds of streams always goes through the queue.
//!
//! A client whose queue exceeds the limits is too slow if it has accepted nothing for a while. How much is queued says little
//! about a client that reads: a room may send it a whole history, or several, before its socket was offered the first byte.
//!
//! *Invariant:* writing never waits, and the queue is bounded by a multiple of its limits and the largest batch; exceeding the
//! bound closes this client and affects no others.
pub(crate) mod encode_buffer;
mod queue;

use std::{
    io::{self, IoSlice},
    mem,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures_util::task::AtomicWaker;
use parking_lot::{Mutex, MutexGuard};
use tokio::{net::tcp::OwnedWriteHalf, time::Instant};

pub(crate) use self::queue::Load;
use self::{
    encode_buffer::Batch,
    queue::{MAX_PIECES, Queue},
};
use crate::{
    memory::{ClientMemory, HOLDER_BYTES, MemoryHolder},
    settings::Limits,
    websocket::{close::CloseCause, compression::Encoding, encode},
};

/// A client is not read from while its unhandled messages exceed this fraction of its queue. With half of the queue in use, and
/// one burst on top, that leaves space for about eight answers to each message.
const UNHANDLED_FRACTION: usize = 32;

/// Time without progress after which a client with too long a queue is closed when more is sent to it.
const STALL_TIME: Duration = Duration::from_secs(1);

/// The limits may be exceeded by this factor while the client makes progress.
const BURST_FACTOR: usize = 32;

/// The outbound queue of one client, shared by its room and its connection.
#[derive(Debug)]
pub(crate) struct Outbound {
    state: Mutex<OutboundState>,
    /// The connection's task, woken to write, to close, or to resume reading.
    connection: AtomicWaker,
    limits: Load,
    encoding: Encoding,
    /// Bytes of the client's incomplete message, if they are many.
    incoming: AtomicUsize,
    memory: Arc<ClientMemory>,
}

#[derive(Debug, Default)]
struct OutboundState {
    /// The socket, if the room may write to it directly.
    socket: Option<Arc<OwnedWriteHalf>>,
    queue: Queue,
    /// The client's messages that the room has not handled yet, and may answer.
    unhandled: Load,
    close: Option<CloseCause>,
    /// When the client last accepted bytes, or its queue came to exceed the limits; `None` while it does not.
    stalled_since: Option<Instant>,
    /// The key of the client among those that hold much memory, if it is one of them.
    holder: Option<usize>,
    /// Whether the queue was discarded. Its first frame may be written in part, so no other can follow.
    is_discarded: bool,
    /// Whether the client was closed because memory is short.
    is_given_up: bool,
}

/// The result of writing the queue.
pub(crate) struct DrainProgress {
    /// Whether bytes were written.
    pub(crate) progress: bool,
    /// Ready when the queue is empty.
    pub(crate) done: Poll<io::Result<()>>,
    /// Whether the connection is being closed.
    pub(crate) closing: bool,
    /// When the client last accepted bytes, if its queue exceeds the limits.
    pub(crate) stalled_since: Option<Instant>,
}

impl Outbound {
    /// Returns the queue of a client that is about to join.
    pub(crate) fn new(limits: &Limits, encoding: Encoding, memory: Arc<ClientMemory>) -> Self {
        Outbound {
            state: Mutex::default(),
            connection: AtomicWaker::new(),
            limits: Load { messages: limits.outbound_messages, bytes: limits.outbound_bytes },
            encoding,
            incoming: AtomicUsize::new(0),
            memory,
        }
    }

    /// Returns the encoding of messages to the client.
    pub(crate) fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Sets the client's socket; `None` if only its connection can write to it.
    pub(crate) fn attach(&self, socket: Option<Arc<OwnedWriteHalf>>) {
        self.lock().socket = socket;
    }

    /// Writes a batch of the room. `handled` are the client's own messages that the room has handled since.
    ///
    /// Returns whether the client keeps up; if not, it is being closed.
    pub(crate) fn write(self: &Arc<Self>, batch: &Batch<'_>, handled: Load) -> bool {
        let mut state = self.lock();
        let was_paused = self.is_loaded(&state);
        state.unhandled.subtract(handled);
        if state.close.is_none() {
            if let Some(since) = state.stalled_since.filter(|_| !batch.continues) {
                let factor = if since.elapsed() < STALL_TIME { BURST_FACTOR } else { 1 };
                if let Some(limit) = state.queue.overflow(self.limits, factor) {
                    drop(state);
                    self.close(CloseCause::TooSlow { limit });
                    return false;
                }
            }
            let written = if state.queue.is_empty() { state.write_directly(batch) } else { 0 };
            let before = QueuedBytes::of(&state);
            state.queue.push_rest(batch, written, self.memory.budget());
            if !state.queue.is_within(self.limits) {
                state.stalled_since.get_or_insert_with(Instant::now);
            }
            self.record_queued(before, &state);
            self.update_holder(&mut state);
        }
        // Once woken, the connection itself waits for its socket.
        let is_waiting = !state.queue.is_empty();
        let wake = is_waiting || (was_paused && !self.is_loaded(&state));
        drop(state);
        if is_waiting {
            self.memory.budget().settle();
        }
        if wake {
            self.connection.wake();
        }
        true
    }

    /// Sends control frames: pings and pongs. They are queued in order and do not count as messages.
    pub(crate) fn write_control(self: &Arc<Self>, bytes: &[u8]) {
        let mut state = self.lock();
        if state.close.is_some() || bytes.is_empty() {
            return;
        }
        let written = if state.queue.is_empty() { state.try_write(&[IoSlice::new(bytes)]) } else { 0 };
        let rest = bytes.get(written..).unwrap_or_default();
        if rest.is_empty() {
            return;
        }
        let before = QueuedBytes::of(&state);
        state.queue.push_control(rest);
        self.record_queued(before, &state);
        self.update_holder(&mut state);
        drop(state);
        self.memory.budget().settle();
    }

    /// Closes the connection after the current queue. Nothing is sent after the close frame; only the first cause counts.
    pub(crate) fn close(&self, cause: CloseCause) {
        let mut state = self.lock();
        if state.close.is_none() {
            let frame = encode::close(&cause);
            let before = QueuedBytes::of(&state);
            state.queue.push(frame);
            self.record_queued(before, &state);
            state.close = Some(cause);
        }
        drop(state);
        self.connection.wake();
    }

    /// Sends the reply to the client's own close frame. Nothing is sent after it.
    pub(crate) fn close_by_peer(&self, reply: Vec<u8>) {
        let mut state = self.lock();
        if state.close.is_none() {
            let before = QueuedBytes::of(&state);
            state.queue.push(reply);
            self.record_queued(before, &state);
            state.close = Some(CloseCause::ByPeer);
        }
    }

    /// Returns the cause for which the connection is being closed, if it is.
    pub(crate) fn closing(&self) -> Option<CloseCause> {
        self.lock().close.clone()
    }

    /// Ends the connection: releases the socket and discards the queue.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        let before = QueuedBytes::of(&state);
        if let Some(key) = state.holder {
            self.memory.remove_holder(key);
        }
        self.memory.adjust(self.incoming.swap(0, Ordering::Relaxed), 0);
        // Always closed, so that nothing is queued any more.
        *state = OutboundState { close: state.close.take().or(Some(CloseCause::ByPeer)), ..OutboundState::default() };
        self.record_queued(before, &state);
    }

    /// Registers the connection's task to be woken.
    pub(crate) fn register(&self, context: &Context<'_>) {
        self.connection.register(context.waker());
    }

    /// Records messages of the client that the room is going to handle.
    pub(crate) fn add_unhandled(&self, load: Load) {
        self.lock().unhandled.add(load);
    }

    /// Returns the load of the client's messages that the room has not handled.
    pub(crate) fn unhandled(&self) -> Load {
        self.lock().unhandled
    }

    /// Returns the maximum number of messages to read at a time.
    pub(crate) fn burst(&self) -> usize {
        (self.limits.messages / UNHANDLED_FRACTION / 2).max(1)
    }

    /// Returns whether to read from the client: not while its queue is over half full, or answers may fill it.
    pub(crate) fn may_read(&self) -> bool {
        !self.is_loaded(&self.lock())
    }

    /// Returns whether output is queued.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.lock().queue.is_empty()
    }

    /// Writes the queue by `write` until it is empty or `write` is pending.
    pub(crate) fn poll_drain(
        self: &Arc<Self>,
        mut write: impl FnMut(&[IoSlice<'_>]) -> Poll<io::Result<usize>>,
    ) -> DrainProgress {
        let mut state = self.lock();
        let before = QueuedBytes::of(&state);
        let mut progress = false;
        let done = loop {
            if state.is_discarded {
                break Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
            }
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
        self.record_queued(before, &state);
        if progress {
            self.update_holder(&mut state);
        }
        if state.queue.is_within(self.limits) {
            state.queue.forget_batches();
            state.stalled_since = None;
        } else if progress {
            state.stalled_since = Some(Instant::now());
        }
        DrainProgress { progress, done, closing: state.close.is_some(), stalled_since: state.stalled_since }
    }

    /// Records the change of the queue since `before`.
    fn record_queued(&self, before: QueuedBytes, state: &OutboundState) {
        let after = QueuedBytes::of(state);
        self.memory.record_queued(before.all, after.all);
        self.memory.adjust(before.own, after.own);
    }

    /// Records the size of the client's incomplete message.
    pub(crate) fn set_incoming(self: &Arc<Self>, bytes: usize) {
        // Cheaper than a swap: most messages are complete, before and after.
        if bytes != self.incoming.load(Ordering::Relaxed) {
            self.memory.adjust(self.incoming.swap(bytes, Ordering::Relaxed), bytes);
            self.update_holder(&mut self.lock());
            self.memory.budget().settle();
        }
    }

    /// Adds the client to those that hold much memory, or removes it.
    fn update_holder(self: &Arc<Self>, state: &mut OutboundState) {
        let held = state.queue.held_bytes + self.incoming.load(Ordering::Relaxed);
        match state.holder {
            None if held >= HOLDER_BYTES => {
                state.holder = Some(self.memory.add_holder(Arc::downgrade(&(self.clone() as Arc<dyn MemoryHolder>))))
            }
            Some(key) if held < HOLDER_BYTES => {
                self.memory.remove_holder(key);
                state.holder = None;
            }
            _ => {}
        }
    }

    fn is_loaded(&self, state: &OutboundState) -> bool {
        let (queued, unhandled) = (state.queue.queued, state.unhandled);
        let Load { messages, bytes } = self.limits;
        queued.bytes > bytes / 2
            || queued.messages > messages / 2
            || unhandled.bytes > bytes / UNHANDLED_FRACTION
            || unhandled.messages > messages / UNHANDLED_FRACTION
    }

    fn lock(&self) -> MutexGuard<'_, OutboundState> {
        self.state.lock()
    }
}

impl MemoryHolder for Outbound {
    /// Returns the number of bytes queued for the client, and of its incomplete message.
    fn held(&self) -> usize {
        self.lock().queue.held_bytes + self.incoming.load(Ordering::Relaxed)
    }

    /// Closes the connection because memory is short, and discards the queue. A close frame can be sent only if nothing was
    /// queued. A connection that is being closed already ends at once. The second time, nothing happens: what it holds is freed
    /// when its task runs.
    fn give_up(&self) {
        let mut state = self.lock();
        if mem::replace(&mut state.is_given_up, true) {
            return;
        }
        let before = QueuedBytes::of(&state);
        let is_open = state.close.is_none();
        state.close.get_or_insert(CloseCause::NoMemory);
        if state.queue.is_empty() && is_open {
            state.queue.push(encode::close(&CloseCause::NoMemory));
        } else {
            state.queue = Queue::default();
            state.is_discarded = true;
        }
        self.record_queued(before, &state);
        drop(state);
        self.connection.wake();
    }
}

impl Drop for Outbound {
    /// Ends the queue of a client that disconnected before its connection started.
    fn drop(&mut self) {
        self.end();
    }
}

/// The bytes queued for a client, and those of them that no other client shares.
#[derive(Clone, Copy)]
struct QueuedBytes {
    all: usize,
    own: usize,
}

impl QueuedBytes {
    fn of(state: &OutboundState) -> Self {
        QueuedBytes { all: state.queue.queued.bytes, own: state.queue.own_bytes }
    }
}

impl OutboundState {
    /// Returns how many bytes the socket accepts. An error counts as zero: the connection's task encounters it, too.
    fn try_write(&self, slices: &[IoSlice<'_>]) -> usize {
        match &self.socket {
            Some(socket) => socket.try_write_vectored(slices).unwrap_or(0),
            None => 0,
        }
    }

    fn write_directly(&self, batch: &Batch<'_>) -> usize {
        let Some(socket) = &self.socket else { return 0 };
        // The common case: a `send` costs less than a `writev`.
        if let [run] = batch.runs {
            return socket.try_write(batch.bytes(&run.range)).unwrap_or(0);
        }
        let mut total = 0;
        for runs in batch.runs.chunks(MAX_PIECES) {
            let mut slices = [IoSlice::new(&[]); MAX_PIECES];
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
