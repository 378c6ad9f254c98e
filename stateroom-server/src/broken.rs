//! The durable rooms whose stored state cannot be restored: they are not run again before the process restarts.
//!
//! *Invariant:* a bounded number of rooms is remembered, and the gauge tells how many.
use std::{collections::HashMap, fmt, sync::Arc};

use ::metrics::Gauge;
use parking_lot::Mutex;

/// Maximum number of remembered rooms. Further ones are tried again, after their backoff.
const MAX_ROOMS: usize = 10_000;

/// Why the stored state of a room cannot be restored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BrokenRoom {
    /// The number of the record in the room's journal that cannot be read or replayed. `None` if it is not a certain one.
    pub record: Option<u64>,
    /// A sentence for the operator.
    pub reason: String,
    /// The hash of the effects that the record's events had, if a replay had others.
    pub expected: Option<String>,
    /// The hash of the effects that they had in the replay.
    pub found: Option<String>,
}

impl BrokenRoom {
    pub(crate) fn new(record: impl Into<Option<u64>>, reason: impl Into<String>) -> Self {
        BrokenRoom { record: record.into(), reason: reason.into(), expected: None, found: None }
    }
}

impl fmt::Display for BrokenRoom {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.reason)?;
        if let (Some(expected), Some(found)) = (&self.expected, &self.found) {
            write!(formatter, " (hash of the effects: expected {expected}, found {found})")?;
        }
        Ok(())
    }
}

/// The broken rooms of a server.
#[derive(Debug)]
pub(crate) struct BrokenRooms {
    rooms: Mutex<HashMap<Arc<str>, BrokenRoom>>,
    gauge: Gauge,
}

impl BrokenRooms {
    pub(crate) fn new(gauge: Gauge) -> Self {
        BrokenRooms { rooms: Mutex::default(), gauge }
    }

    pub(crate) fn insert(&self, room_id: &str, broken: BrokenRoom) {
        let mut rooms = self.rooms.lock();
        if rooms.len() < MAX_ROOMS && rooms.insert(room_id.into(), broken).is_none() {
            self.gauge.increment(1.0);
        }
    }

    /// Removes a room that was deleted.
    pub(crate) fn remove(&self, room_id: &str) {
        if self.rooms.lock().remove(room_id).is_some() {
            self.gauge.decrement(1.0);
        }
    }

    pub(crate) fn contains(&self, room_id: &str) -> bool {
        self.rooms.lock().contains_key(room_id)
    }

    pub(crate) fn get(&self, room_id: &str) -> Option<BrokenRoom> {
        self.rooms.lock().get(room_id).cloned()
    }

    pub(crate) fn list(&self) -> Vec<(Arc<str>, BrokenRoom)> {
        self.rooms.lock().iter().map(|(id, broken)| (id.clone(), broken.clone())).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.rooms.lock().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_a_bounded_number_of_rooms() {
        let broken = BrokenRooms::new(Gauge::noop());
        for room in 0..=MAX_ROOMS {
            broken.insert(&room.to_string(), BrokenRoom::new(1, ""));
        }
        assert_eq!(broken.len(), MAX_ROOMS);
        assert!(!broken.contains(&MAX_ROOMS.to_string()));
        broken.remove("0");
        broken.remove("0");
        assert_eq!(broken.len(), MAX_ROOMS - 1);
        assert!(broken.get("0").is_none() && broken.get("1").is_some());
    }
}
