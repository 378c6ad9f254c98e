//! The messages of a room to its clients: each is encoded once and written once to each recipient.
//!
//! *Invariant:* members hold runs of the shared buffer; the buffer is cleared only when no member holds any.
use std::{cell::OnceCell, ops::Range, sync::Arc};

use stateroom::MessagePayload;
use stateroom_memory::{MemoryBudget, Reservation};

use crate::websocket::{compression::Encoding, encode};

/// Adjacent messages in the buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) range: Range<usize>,
    /// Number of messages.
    pub(crate) messages: usize,
}

/// The output for one member in one write: its runs of the room's buffer.
pub(crate) struct Batch<'a> {
    buffer: &'a [u8],
    shared: &'a OnceCell<Arc<SharedBytes>>,
    pub(crate) runs: &'a [Run],
    /// Whether it continues an event of which a part was written.
    pub(crate) continues: bool,
}

/// Bytes that are queued for several clients.
#[derive(Debug)]
pub(crate) struct SharedBytes {
    bytes: Box<[u8]>,
    _reservation: Reservation,
}

impl SharedBytes {
    pub(super) fn get(&self, range: &Range<usize>) -> &[u8] {
        self.bytes.get(range.clone()).unwrap_or_default()
    }
}

impl Batch<'_> {
    /// Returns the bytes of a run.
    pub(crate) fn bytes(&self, range: &Range<usize>) -> &[u8] {
        self.buffer.get(range.clone()).unwrap_or_default()
    }

    /// Returns the whole buffer, shared, if `part` is large and most of it: all clients that cannot accept a large broadcast
    /// at once queue the same bytes. A small part is better copied.
    pub(crate) fn share(&self, part: &Range<usize>, budget: &MemoryBudget) -> Option<Arc<SharedBytes>> {
        let is_large = part.len() >= 16 << 10 && part.len() * 2 >= self.buffer.len();
        let share = || {
            let _reservation = Reservation::of(budget, self.buffer.len());
            Arc::new(SharedBytes { bytes: self.buffer.into(), _reservation })
        };
        is_large.then(|| self.shared.get_or_init(share).clone())
    }
}

/// The messages of a room in one encoding.
#[derive(Debug, Default)]
pub(crate) struct EncodeBuffer {
    encoding: Encoding,
    buffer: Vec<u8>,
    shared: OnceCell<Arc<SharedBytes>>,
}

impl EncodeBuffer {
    /// Size from which the room writes before it handles more events.
    const FULL_BYTES: usize = 1 << 20;
    /// Capacity of the buffer that is kept, in bytes.
    const KEPT_BYTES: usize = 64 << 10;

    /// Returns an empty buffer for this encoding.
    pub(crate) fn new(encoding: Encoding) -> Self {
        EncodeBuffer { encoding, ..EncodeBuffer::default() }
    }

    /// Encodes a message.
    pub(crate) fn encode(&mut self, message: &MessagePayload) -> Run {
        self.shared.take();
        let start = self.buffer.len();
        encode::append_message(&mut self.buffer, message, self.encoding);
        let range = start..self.buffer.len();
        Run { messages: 1, range }
    }

    /// Returns these runs as a batch.
    pub(crate) fn batch<'a>(&'a self, runs: &'a [Run], continues: bool) -> Batch<'a> {
        Batch { buffer: &self.buffer, shared: &self.shared, runs, continues }
    }

    /// Returns whether to write before handling more events.
    pub(crate) fn is_full(&self) -> bool {
        self.buffer.len() >= Self::FULL_BYTES
    }

    /// Clears the buffer. No member may hold a run.
    pub(crate) fn clear(&mut self) {
        self.shared.take();
        self.buffer.clear();
        self.buffer.shrink_to(Self::KEPT_BYTES);
    }
}

/// Appends a run to those of a member, merged with the last one if adjacent.
pub(crate) fn extend(runs: &mut Vec<Run>, run: &Run) {
    match runs.last_mut() {
        Some(last) if last.range.end == run.range.start => {
            last.range.end = run.range.end;
            last.messages += run.messages;
        }
        _ => runs.push(run.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merges_adjacent_runs() {
        let mut encoded = EncodeBuffer::default();
        let (one, two, three) =
            (encoded.encode(&"one".into()), encoded.encode(&"two".into()), encoded.encode(&"three".into()));
        let mut all = Vec::new();
        for run in [&one, &two, &three] {
            extend(&mut all, run);
        }
        assert_eq!(all, [Run { range: 0..17, messages: 3 }]);
        let mut some = Vec::new();
        for run in [&one, &three] {
            extend(&mut some, run);
        }
        assert_eq!(some, [one, three]);
    }

    #[test]
    fn shares_large_parts_only() {
        let mut encoded = EncodeBuffer::default();
        let small = encoded.encode(&"small".into());
        let large = encoded.encode(&"x".repeat(100_000).into());
        let batch = encoded.batch(&[], false);
        let budget = MemoryBudget::of_reservations(1 << 20);
        assert!(batch.share(&small.range, &budget).is_none());
        let shared = [(); 2].map(|()| batch.share(&large.range, &budget).unwrap());
        assert!(Arc::ptr_eq(&shared[0], &shared[1]));
        assert_eq!(budget.used(), encoded.buffer.len());
        drop((shared, encoded));
        assert_eq!(budget.used(), 0);
    }
}
