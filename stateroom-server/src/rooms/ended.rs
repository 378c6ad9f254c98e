//! Rooms that have ended and may be joined again.
//!
//! *Invariant:* never more than the limit; the one that ended first is forgotten first.
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use crate::settings::Limit;

/// Rooms that have ended, in the order in which they did.
#[derive(Debug, Default)]
pub(crate) struct EndedRooms {
    numbers: HashMap<Arc<str>, u64>,
    rooms: BTreeMap<u64, Arc<str>>,
    last: u64,
}

impl EndedRooms {
    /// A room has ended; `most` are remembered.
    pub(crate) fn remember(&mut self, room_id: Arc<str>, most: usize) {
        self.forget(&room_id);
        self.last += 1;
        self.numbers.insert(room_id.clone(), self.last);
        self.rooms.insert(self.last, room_id);
        while self.rooms.len() > most {
            let Some((_, oldest)) = self.rooms.pop_first() else { return };
            Limit::RememberedRooms.exceeded();
            self.numbers.remove(&oldest);
        }
    }

    /// A room begins again, or is of no interest any more.
    pub(crate) fn forget(&mut self, room_id: &str) {
        if let Some(number) = self.numbers.remove(room_id) {
            self.rooms.remove(&number);
        }
    }

    /// Whether a room is remembered.
    pub(crate) fn contains(&self, room_id: &str) -> bool {
        self.numbers.contains_key(room_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_that_ended_first_is_forgotten_first() {
        let mut remembered = EndedRooms::default();
        for room in ["a", "b", "c"] {
            remembered.remember(room.into(), 3);
        }
        remembered.forget("b");
        remembered.remember("a".into(), 3);
        remembered.remember("d".into(), 3);
        // Of c, a and d, c ended first.
        remembered.remember("e".into(), 3);
        assert_eq!(["a", "b", "c", "d", "e"].map(|room| remembered.contains(room)), [true, false, false, true, true]);
    }

    #[test]
    fn none_is_remembered_where_none_may_be() {
        let mut remembered = EndedRooms::default();
        remembered.remember("a".into(), 0);
        assert!(!remembered.contains("a"));
    }
}
