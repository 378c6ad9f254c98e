//! The number of events in a batch, adapted to the size of their effects.
//!
//! A guest keeps the effects of a batch in its memory until the batch ends, unless it hands them over earlier. Events that
//! are harmless one by one must not exceed the memory of the room together.
//!
//! *Invariant:* effects as large as those of the last batch take little more than [`FLUSH_BYTES`], and effects as large as any
//! that the guest had before fit into its memory.
use crate::effects::FLUSH_BYTES;

/// Number of events in the first batch, whose effects are unknown.
const FIRST: usize = 8;
/// Maximum number of events. The cost of a call is spread over that many, and more of them would save nothing.
const MAX: usize = 64;
/// The part of the memory that effects may need: a buffer that grows exists twice, and the old ones are fragments.
const MEMORY_SHARE: usize = 8;

/// The number of events that a batch may have.
#[derive(Debug)]
pub(super) struct BatchSize {
    events: usize,
    memory_bytes: usize,
    /// Effects of events up to that size allow batches of any length.
    small_event_bytes: usize,
}

impl BatchSize {
    /// Creates the size of the first batch of a guest with that limit of memory.
    pub(super) fn new(memory_bytes: usize) -> Self {
        let small_event_bytes = (FLUSH_BYTES / MAX).min(memory_bytes / MEMORY_SHARE / MAX);
        BatchSize { events: FIRST, memory_bytes, small_event_bytes }
    }

    /// Returns the maximum number of events of the next batch.
    pub(super) fn events(&self) -> usize {
        self.events
    }

    /// Continues with the number of events of another one.
    pub(super) fn set_events(&mut self, events: usize) {
        self.events = events.clamp(1, MAX);
    }

    /// Adapts to a batch with that many bytes of effects, and to the largest effects of one event so far.
    pub(super) fn adapt(&mut self, events: usize, bytes: usize, largest_event: usize) {
        // Without a division for most batches.
        if self.events == MAX && largest_event <= self.small_event_bytes {
            return;
        }
        let expected = FLUSH_BYTES.saturating_mul(events) / bytes.max(1);
        let possible = self.memory_bytes / MEMORY_SHARE / largest_event.max(1);
        self.events = expected.min(possible).clamp(1, (2 * self.events).min(MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_effects_allow_large_batches_at_once() {
        let mut size = BatchSize::new(128 << 20);
        let mut batches = 0;
        while size.events() < MAX {
            size.adapt(size.events(), 100 * size.events(), 100);
            batches += 1;
        }
        assert_eq!(batches, 3);
        size.adapt(1, 0, 100);
        assert_eq!(size.events(), MAX);
    }

    #[test]
    fn large_effects_are_remembered() {
        let mut size = BatchSize::new(128 << 20);
        size.adapt(8, 4_000_000, 500_000);
        assert_eq!(size.events(), 1);
        for _ in 0..10 {
            size.adapt(size.events(), 100, 500_000);
        }
        assert_eq!(size.events(), 33, "all of them could have large effects again");
        size.adapt(33, 100, 100 << 20);
        assert_eq!(size.events(), 1);
    }
}
