//! The content of a store in memory, and the changes that are made to it.
//!
//! *Invariant:* a change is applied after it was checked, so the records of a room have no gap.
use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;

use crate::{Record, StoreError, Stored};

#[derive(Clone, Default)]
pub(super) struct Content {
    pub(super) rooms: BTreeMap<String, Room>,
    pub(super) modules: BTreeMap<[u8; 32], Bytes>,
}

#[derive(Clone, Default)]
pub(super) struct Room {
    pub(super) stored: Stored,
    pub(super) due: Option<Duration>,
    pub(super) damage: Option<StoreError>,
}

impl Room {
    /// Returns what is stored of the room, unless it is damaged.
    pub(super) fn read(&self) -> Result<&Stored, StoreError> {
        self.damage.clone().map_or(Ok(&self.stored), Err)
    }
}

pub(super) enum Change {
    Append {
        room: String,
        seq: u64,
        record: Bytes,
        due: Option<Duration>,
    },
    Replace {
        room: String,
        seq: u64,
        snapshot: Bytes,
        due: Option<Duration>,
    },
    Delete {
        room: String,
        seq: u64,
    },
    Module {
        code: [u8; 32],
        module: Bytes,
    },
    /// Changes nothing: whoever opens a room waits for what is held of it.
    Barrier {
        room: String,
    },
}

impl Change {
    pub(super) fn room(&self) -> Option<&str> {
        match self {
            Change::Append { room, .. }
            | Change::Replace { room, .. }
            | Change::Delete { room, .. }
            | Change::Barrier { room } => Some(room),
            Change::Module { .. } => None,
        }
    }
}

impl Content {
    pub(super) fn last_seq(&self, room: &str) -> u64 {
        self.rooms.get(room).map_or(0, |room| room.stored.last_seq())
    }

    pub(super) fn check(&self, change: &Change) -> Result<(), StoreError> {
        let (expected, found, is_right) = match change {
            Change::Append { room, seq, .. } => {
                let found = self.last_seq(room);
                (seq.saturating_sub(1), found, found.checked_add(1) == Some(*seq))
            }
            Change::Replace { room, seq, .. } => {
                let stored = self.rooms.get(room).map(|room| &room.stored);
                let first = stored.and_then(|stored| stored.snapshot.as_ref()).map_or(1, |snapshot| snapshot.seq);
                let found = self.last_seq(room);
                (*seq, found, (first..=found).contains(seq))
            }
            Change::Delete { room, seq } => {
                let found = self.last_seq(room);
                (*seq, found, found == *seq)
            }
            Change::Module { .. } | Change::Barrier { .. } => return Ok(()),
        };
        if is_right { Ok(()) } else { Err(StoreError::Fenced { expected, found }) }
    }

    pub(super) fn apply(&mut self, change: &Change) {
        match change {
            Change::Append { room, seq, record, due } => {
                let room = self.rooms.entry(room.clone()).or_default();
                room.stored.tail.push(Record { seq: *seq, bytes: record.clone() });
                room.due = *due;
            }
            Change::Replace { room, seq, snapshot, due } => {
                let room = self.rooms.entry(room.clone()).or_default();
                room.stored.tail.retain(|record| record.seq > *seq);
                room.stored.snapshot = Some(Record { seq: *seq, bytes: snapshot.clone() });
                room.due = *due;
            }
            Change::Delete { room, .. } => drop(self.rooms.remove(room)),
            Change::Module { code, module } => drop(self.modules.insert(*code, module.clone())),
            Change::Barrier { .. } => {}
        }
    }
}
