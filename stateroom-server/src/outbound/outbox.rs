//! What a room has to tell its clients: each message encoded once, and written once to each who gets it.
//!
//! *Invariant:* a member holds runs of the shared buffer; the buffer is emptied only when nobody holds any.
use std::{cell::OnceCell, ops::Range, sync::Arc};

use stateroom::MessagePayload;

use crate::websocket::{compression::Encoding, frame};

/// Messages that lie side by side in the buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) range: Range<usize>,
    /// How many messages.
    pub(crate) messages: usize,
    /// How many bytes the largest of them has.
    pub(crate) largest: usize,
}

/// What one member is written in one go: its runs of the room's buffer.
pub(crate) struct Batch<'a> {
    buffer: &'a [u8],
    shared: &'a OnceCell<Arc<[u8]>>,
    pub(crate) runs: &'a [Run],
}

impl Batch<'_> {
    /// The bytes of a run.
    pub(crate) fn bytes(&self, range: &Range<usize>) -> &[u8] {
        self.buffer.get(range.clone()).unwrap_or_default()
    }

    /// The whole buffer, to be kept for a part of it, if that part is most of it: of a large broadcast, all the clients
    /// that cannot take it at once wait for the same bytes. A small part is better copied.
    pub(crate) fn share(&self, part: &Range<usize>) -> Option<Arc<[u8]>> {
        let large = part.len() >= 16 << 10 && part.len() * 2 >= self.buffer.len();
        large.then(|| self.shared.get_or_init(|| self.buffer.into()).clone())
    }
}

/// What a room has to tell its clients, in one encoding.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    encoding: Encoding,
    buffer: Vec<u8>,
    shared: OnceCell<Arc<[u8]>>,
}

impl Outbox {
    /// From so many bytes on, the room writes before it handles more.
    const FULL: usize = 1 << 20;
    /// An emptied buffer larger than this is given back.
    const KEPT: usize = 64 << 10;

    /// For clients to whom messages are written in this encoding.
    pub(crate) fn new(encoding: Encoding) -> Self {
        Outbox { encoding, ..Outbox::default() }
    }

    /// Encodes a message.
    pub(crate) fn encode(&mut self, message: &MessagePayload) -> Run {
        self.shared.take();
        let start = self.buffer.len();
        frame::append_message(&mut self.buffer, message, self.encoding);
        let range = start..self.buffer.len();
        Run { messages: 1, largest: range.len(), range }
    }

    /// These runs, to be written.
    pub(crate) fn batch<'a>(&'a self, runs: &'a [Run]) -> Batch<'a> {
        Batch { buffer: &self.buffer, shared: &self.shared, runs }
    }

    /// Whether so much is encoded that it should be written first.
    pub(crate) fn is_full(&self) -> bool {
        self.buffer.len() >= Self::FULL
    }

    /// Forgets all; nobody holds a run any more.
    pub(crate) fn clear(&mut self) {
        self.shared.take();
        self.buffer.clear();
        self.buffer.shrink_to(Self::KEPT);
    }
}

/// Adds a run behind those that a member holds, as part of the last one where it lies right behind it.
pub(crate) fn extend(runs: &mut Vec<Run>, run: &Run) {
    match runs.last_mut() {
        Some(last) if last.range.end == run.range.start => {
            last.range.end = run.range.end;
            last.messages += run.messages;
            last.largest = last.largest.max(run.largest);
        }
        _ => runs.push(run.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_that_lie_side_by_side_become_one() {
        let mut outbox = Outbox::default();
        let (one, two, three) =
            (outbox.encode(&"one".into()), outbox.encode(&"two".into()), outbox.encode(&"three".into()));
        let mut all = Vec::new();
        for run in [&one, &two, &three] {
            extend(&mut all, run);
        }
        assert_eq!(all, [Run { range: 0..17, messages: 3, largest: 7 }]);
        let mut some = Vec::new();
        for run in [&one, &three] {
            extend(&mut some, run);
        }
        assert_eq!(some, [one, three]);
    }

    #[test]
    fn a_large_part_is_shared_and_a_small_one_is_not() {
        let mut outbox = Outbox::default();
        let small = outbox.encode(&"small".into());
        let large = outbox.encode(&"x".repeat(100_000).into());
        let batch = outbox.batch(&[]);
        assert!(batch.share(&small.range).is_none());
        let (first, second) = (batch.share(&large.range).unwrap(), batch.share(&large.range).unwrap());
        assert!(Arc::ptr_eq(&first, &second));
    }
}
