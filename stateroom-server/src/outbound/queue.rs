//! What waits for one client: pieces of bytes, in order.
//!
//! *Invariant:* pieces are whole frames, save for what was already written of the first.
use std::{collections::VecDeque, io::IoSlice, mem, ops::Range, sync::Arc};

use super::outbox::Batch;

/// How many pieces go into one write.
pub(super) const PIECES: usize = 64;

/// What waits.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pieces: VecDeque<Piece>,
    /// How much of the first piece is written.
    written: usize,
    pub(super) waiting: Load,
    /// The largest message since the queue was empty: one alone may be larger than the bound.
    pub(super) largest: usize,
}

/// A number of messages and their bytes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
}

impl Load {
    pub(crate) fn add(&mut self, other: Load) {
        self.messages += other.messages;
        self.bytes += other.bytes;
    }

    pub(super) fn subtract(&mut self, other: Load) {
        self.messages = self.messages.saturating_sub(other.messages);
        self.bytes = self.bytes.saturating_sub(other.bytes);
    }
}

#[derive(Debug)]
struct Piece {
    bytes: PieceBytes,
    messages: usize,
}

/// PieceBytes of one client, or bytes that many clients wait for.
#[derive(Debug)]
enum PieceBytes {
    Own(Vec<u8>),
    Shared(Arc<[u8]>, Range<usize>),
}

impl PieceBytes {
    fn as_slice(&self) -> &[u8] {
        match self {
            PieceBytes::Own(bytes) => bytes,
            PieceBytes::Shared(bytes, range) => bytes.get(range.clone()).unwrap_or_default(),
        }
    }
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Puts a frame behind all else.
    pub(super) fn push(&mut self, frame: Vec<u8>) {
        self.push_piece(Piece { bytes: PieceBytes::Own(frame), messages: 0 });
    }

    /// Puts what the protocol itself says behind all else, side by side with the last of that: each alone would cost more
    /// than it holds.
    pub(super) fn push_control(&mut self, rest: &[u8]) {
        match self.pieces.back_mut() {
            Some(Piece { bytes: PieceBytes::Own(last), messages: 0 }) => {
                last.extend_from_slice(rest);
                self.waiting.bytes += rest.len();
            }
            _ if rest.is_empty() => {}
            _ => self.push(rest.to_vec()),
        }
    }

    /// Puts what is left of a batch after `written` bytes of it behind all else.
    pub(super) fn push_rest(&mut self, batch: &Batch<'_>, mut written: usize) {
        for run in batch.runs {
            let length = run.range.len();
            if written >= length {
                written -= length;
                continue;
            }
            let rest = run.range.start + written..run.range.end;
            // Of messages of one size this is exact; of others it is near enough for a bound.
            let messages = run.messages - run.messages * written / length;
            written = 0;
            self.largest = self.largest.max(run.largest);
            let bytes = match batch.share(&rest) {
                Some(shared) => PieceBytes::Shared(shared, rest),
                None => PieceBytes::Own(batch.bytes(&rest).to_vec()),
            };
            self.push_piece(Piece { bytes, messages });
        }
    }

    fn push_piece(&mut self, piece: Piece) {
        self.waiting.add(Load { messages: piece.messages, bytes: piece.bytes.as_slice().len() });
        self.pieces.push_back(piece);
    }

    /// Has `write` write the first pieces.
    pub(super) fn write<T>(&self, write: impl FnOnce(&[IoSlice<'_>]) -> T) -> T {
        let mut slices = [IoSlice::new(&[]); PIECES];
        let mut skip = self.written;
        for (slice, piece) in slices.iter_mut().zip(&self.pieces) {
            *slice = IoSlice::new(piece.bytes.as_slice().get(mem::take(&mut skip)..).unwrap_or_default());
        }
        let count = self.pieces.len().min(PIECES);
        write(slices.get(..count).unwrap_or_default())
    }

    /// Forgets so many bytes, which were written.
    pub(super) fn advance(&mut self, written: usize) {
        self.waiting.bytes = self.waiting.bytes.saturating_sub(written);
        self.written += written;
        while let Some(first) = self.pieces.front() {
            let length = first.bytes.as_slice().len();
            if self.written < length {
                return;
            }
            self.written -= length;
            self.waiting.messages = self.waiting.messages.saturating_sub(first.messages);
            self.pieces.pop_front();
        }
        // A client that had once much waiting does not keep the memory for it.
        self.pieces = VecDeque::new();
        self.largest = 0;
    }
}
