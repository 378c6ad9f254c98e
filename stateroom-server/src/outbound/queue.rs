//! The bytes queued for one client, in pieces.
//!
//! *Invariant:* pieces are whole frames, except for the part of the first that was already written.
use std::{collections::VecDeque, io::IoSlice, mem, ops::Range, sync::Arc};

use stateroom_memory::MemoryBudget;

use super::encode_buffer::{Batch, SharedBytes};
use crate::settings::Limit;

/// Maximum number of pieces per write.
pub(super) const MAX_PIECES: usize = 64;

/// Size of a piece from which a further message gets one of its own.
const MERGED_BYTES: usize = 4 << 10;

/// The pieces queued for one client.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pieces: VecDeque<Piece>,
    /// Number of bytes of the first piece that were written.
    written: usize,
    pub(super) queued: Load,
    /// Bytes of the pieces that are not shared, however much of the first is written.
    pub(super) own_bytes: usize,
    /// Bytes of all pieces, however much of the first is written: a piece is released as a whole.
    pub(super) held_bytes: usize,
    /// The largest batches, by messages and by bytes, since the queue was within its limits.
    largest: Load,
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

    fn max(self, other: Load) -> Load {
        Load { messages: self.messages.max(other.messages), bytes: self.bytes.max(other.bytes) }
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

/// The bytes of a piece: of one client, or shared by several.
#[derive(Debug)]
enum PieceBytes {
    Own(Vec<u8>),
    Shared(Arc<SharedBytes>, Range<usize>),
}

impl PieceBytes {
    fn as_slice(&self) -> &[u8] {
        match self {
            PieceBytes::Own(bytes) => bytes,
            PieceBytes::Shared(bytes, range) => bytes.get(range),
        }
    }

    /// Returns the number of bytes that it holds alone.
    fn own_bytes(&self) -> usize {
        match self {
            PieceBytes::Own(bytes) => bytes.len(),
            PieceBytes::Shared(..) => 0,
        }
    }
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Appends a frame.
    pub(super) fn push(&mut self, frame: Vec<u8>) {
        self.push_piece(Piece { bytes: PieceBytes::Own(frame), messages: 0 });
    }

    /// Appends control frames, merged with preceding ones: a piece costs more than it holds.
    pub(super) fn push_control(&mut self, rest: &[u8]) {
        match self.pieces.back_mut() {
            Some(Piece { bytes: PieceBytes::Own(last), messages: 0 }) => {
                last.extend_from_slice(rest);
                self.queued.bytes += rest.len();
                self.own_bytes += rest.len();
                self.held_bytes += rest.len();
            }
            _ if rest.is_empty() => {}
            _ => self.push(rest.to_vec()),
        }
    }

    /// Appends the rest of a batch of which `written` bytes were written. What several clients share is reserved in `budget`.
    pub(super) fn push_rest(&mut self, batch: &Batch<'_>, mut written: usize, budget: &MemoryBudget) {
        let before = self.queued;
        for run in batch.runs {
            let length = run.range.len();
            if written >= length {
                written -= length;
                continue;
            }
            let rest = run.range.start + written..run.range.end;
            // Exact for messages of equal size, and close enough for a bound otherwise.
            let messages = run.messages - run.messages * written / length;
            written = 0;
            match (batch.share(&rest, budget), self.pieces.back_mut()) {
                (Some(shared), _) => self.push_piece(Piece { bytes: PieceBytes::Shared(shared, rest), messages }),
                // Merged: a piece costs more than a small message.
                (None, Some(Piece { bytes: PieceBytes::Own(last), messages: before })) if last.len() < MERGED_BYTES => {
                    let bytes = batch.bytes(&rest);
                    last.extend_from_slice(bytes);
                    *before += messages;
                    self.queued.add(Load { messages, bytes: bytes.len() });
                    self.own_bytes += bytes.len();
                    self.held_bytes += bytes.len();
                }
                (None, _) => {
                    self.push_piece(Piece { bytes: PieceBytes::Own(batch.bytes(&rest).to_vec()), messages });
                }
            }
        }
        let mut pushed = self.queued;
        pushed.subtract(before);
        self.largest = self.largest.max(pushed);
    }

    /// Returns which of the limits, times `factor`, the queue exceeds by more than one batch, if any.
    pub(super) fn overflow(&self, limits: Load, factor: usize) -> Option<Limit> {
        let exceeds =
            |queued: usize, limit: usize, batch: usize| queued > limit.saturating_mul(factor).saturating_add(batch);
        if exceeds(self.queued.bytes, limits.bytes, self.largest.bytes) {
            return Some(Limit::OutboundBytes);
        }
        exceeds(self.queued.messages, limits.messages, self.largest.messages).then_some(Limit::OutboundMessages)
    }

    fn push_piece(&mut self, piece: Piece) {
        self.queued.add(Load { messages: piece.messages, bytes: piece.bytes.as_slice().len() });
        self.own_bytes += piece.bytes.own_bytes();
        self.held_bytes += piece.bytes.as_slice().len();
        self.pieces.push_back(piece);
    }

    /// Calls `write` with the first pieces.
    pub(super) fn write<T>(&self, write: impl FnOnce(&[IoSlice<'_>]) -> T) -> T {
        let mut slices = [IoSlice::new(&[]); MAX_PIECES];
        let mut skip = self.written;
        for (slice, piece) in slices.iter_mut().zip(&self.pieces) {
            *slice = IoSlice::new(piece.bytes.as_slice().get(mem::take(&mut skip)..).unwrap_or_default());
        }
        let count = self.pieces.len().min(MAX_PIECES);
        write(slices.get(..count).unwrap_or_default())
    }

    /// Removes `written` bytes.
    pub(super) fn advance(&mut self, written: usize) {
        self.queued.bytes = self.queued.bytes.saturating_sub(written);
        self.written += written;
        while let Some(first) = self.pieces.front() {
            let length = first.bytes.as_slice().len();
            if self.written < length {
                return;
            }
            self.written -= length;
            self.queued.messages = self.queued.messages.saturating_sub(first.messages);
            self.own_bytes = self.own_bytes.saturating_sub(first.bytes.own_bytes());
            self.held_bytes = self.held_bytes.saturating_sub(length);
            self.pieces.pop_front();
        }
        // Releases the memory of a long queue.
        self.pieces = VecDeque::new();
    }

    /// Returns whether the queue is within `limits`.
    pub(super) fn is_within(&self, limits: Load) -> bool {
        self.queued.bytes <= limits.bytes && self.queued.messages <= limits.messages
    }

    /// Forgets the largest batch so far.
    pub(super) fn forget_batches(&mut self) {
        self.largest = Load::default();
    }
}
