//! Ended rooms that can be joined again.
//!
//! *Invariant:* never more rooms than the limit; the room that ended first is forgotten first.
use std::sync::Arc;

use hashlink::LinkedHashSet;

use crate::settings::Limit;

/// Ended rooms, in the order in which they ended.
#[derive(Debug, Default)]
pub(crate) struct EndedRooms(LinkedHashSet<Arc<str>>);

impl EndedRooms {
    /// Adds a room that has ended, and forgets the oldest rooms beyond `max`.
    pub(crate) fn remember(&mut self, room_id: Arc<str>, max: usize) {
        self.0.insert(room_id);
        while self.0.len() > max {
            Limit::RememberedRooms.exceeded();
            self.0.pop_front();
        }
    }

    /// Removes a room that starts again.
    pub(crate) fn forget(&mut self, room_id: &str) {
        self.0.remove(room_id);
    }

    /// Returns whether a room is remembered.
    pub(crate) fn contains(&self, room_id: &str) -> bool {
        self.0.contains(room_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forgets_the_room_that_ended_first() {
        let mut ended = EndedRooms::default();
        for room in ["a", "b", "c"] {
            ended.remember(room.into(), 3);
        }
        ended.forget("b");
        ended.remember("a".into(), 3);
        ended.remember("d".into(), 3);
        // Of c, a and d, c ended first.
        ended.remember("e".into(), 3);
        assert_eq!(["a", "b", "c", "d", "e"].map(|room| ended.contains(room)), [true, false, false, true, true]);
    }

    #[test]
    fn remembers_nothing_under_a_limit_of_zero() {
        let mut ended = EndedRooms::default();
        ended.remember("a".into(), 0);
        assert!(!ended.contains("a"));
    }
}
