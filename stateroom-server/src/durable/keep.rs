//! The place of a room while it has no service: the store of the server, or memory, with the room itself.
//!
//! *Invariant:* what is kept in memory goes with the room, so that the next room of this name begins anew.
use std::{
    fmt::{self, Debug},
    future::ready,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use parking_lot::Mutex;
use stateroom_store::{Opened, Record, RoomLog, Store, StoreFuture, Stored};

use crate::settings::Settings;

/// Size of the events in the journal from which a snapshot is worth it, in bytes: on disk, and in memory, where the room still has
/// its service.
const STORE_TAIL_BYTES: usize = 256 << 10;
const MEMORY_TAIL_BYTES: usize = 16 << 10;

/// The place where a room is kept.
#[derive(Debug, Clone)]
pub(crate) enum Keep {
    /// In the store of the server: it outlives the process.
    Store(Arc<dyn Store>),
    /// In memory, for this room alone.
    Memory(RoomMemory),
}

impl Keep {
    /// Returns where a new room is kept, if it is.
    pub(crate) fn new(settings: &Settings) -> Option<Keep> {
        match &settings.store {
            Some(store) => Some(Keep::Store(store.clone())),
            None => settings.sleep_in_memory.then(|| Keep::Memory(RoomMemory::default())),
        }
    }

    /// Returns whether the room outlives the process.
    pub(crate) fn is_durable(&self) -> bool {
        matches!(self, Keep::Store(_))
    }

    pub(super) fn open(&self, room_id: &str) -> StoreFuture<Opened> {
        match self {
            Keep::Store(store) => store.open(room_id),
            Keep::Memory(memory) => memory.open(),
        }
    }

    pub(super) fn tail_bytes(&self) -> usize {
        if self.is_durable() { STORE_TAIL_BYTES } else { MEMORY_TAIL_BYTES }
    }
}

/// A room without a service, in memory.
#[derive(Clone, Default)]
pub(crate) struct RoomMemory(Arc<Mutex<Option<Stored>>>);

impl RoomMemory {
    fn open(&self) -> StoreFuture<Opened> {
        let opened = Opened { log: Box::new(self.clone()), stored: self.0.lock().clone() };
        Box::pin(ready(Ok(opened)))
    }

    fn change(&self, change: impl FnOnce(&mut Option<Stored>)) -> StoreFuture<()> {
        change(&mut self.0.lock());
        Box::pin(ready(Ok(())))
    }
}

/// The times at which a room is due are those of its own task, which lives as long.
impl RoomLog for RoomMemory {
    fn append(&mut self, seq: u64, bytes: Bytes, _: Option<Duration>) -> StoreFuture<()> {
        self.change(|stored| stored.get_or_insert_default().tail.push(Record { seq, bytes }))
    }

    fn replace(&mut self, seq: u64, bytes: Bytes, _: Option<Duration>) -> StoreFuture<()> {
        self.change(|stored| *stored = Some(Stored { snapshot: Some(Record { seq, bytes }), tail: Vec::new() }))
    }

    fn delete(&mut self, _: u64) -> StoreFuture<()> {
        self.change(|stored| *stored = None)
    }
}

impl Debug for RoomMemory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("RoomMemory").finish_non_exhaustive()
    }
}
