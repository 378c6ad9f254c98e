//! What happens in the rooms, written down while it does: for the inspector, and to tell it all to new code.
//!
//! A factory around the host's own ([`Observed`]) sees each event go in and its effects come out. The rooms and the server know
//! nothing of it.
//!
//! *Invariant:* what is kept is bounded in bytes, for each room and for all of them; what is dropped is the oldest.
mod entry;
mod export;
mod lines;
mod observed;
mod replay;
mod room;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

pub use self::{
    entry::{Entry, Happened},
    lines::{GuestLines, take_lines},
    observed::Observed,
    room::RoomRecord,
};
use tokio::sync::watch;

/// How much is kept of all rooms.
const ALL_BYTES: usize = 256 << 20;
/// So many rooms are written down; of further ones, nothing is.
const ROOMS: usize = 1000;

/// The records of all rooms.
#[derive(Debug)]
pub struct Records {
    rooms: Mutex<BTreeMap<Arc<str>, Arc<RoomRecord>>>,
    /// How much all of them hold.
    bytes: AtomicUsize,
    generation: AtomicU64,
    /// Changes whenever anything does.
    changes: watch::Sender<u64>,
}

impl Records {
    pub fn new() -> Arc<Self> {
        Arc::new(Records {
            rooms: Mutex::default(),
            bytes: AtomicUsize::new(0),
            generation: AtomicU64::new(1),
            changes: watch::Sender::new(0),
        })
    }

    /// The record of a room, if there is one.
    pub fn room(&self, id: &str) -> Option<Arc<RoomRecord>> {
        self.lock().get(id).cloned()
    }

    /// All records.
    pub fn rooms(&self) -> Vec<Arc<RoomRecord>> {
        self.lock().values().cloned().collect()
    }

    /// Which code the newest factory is of, counted from 1.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    /// There is a factory of new code: which generation that is. With `restore`, the rooms that live, and begin again with it
    /// now, get to hear all that they have heard before.
    pub fn begin_generation(&self, restore: bool) -> u64 {
        let generation = self.generation.fetch_add(1, Ordering::Relaxed) + 1;
        if restore {
            self.rooms().iter().for_each(|room| room.set_restore(generation));
        }
        generation
    }

    /// Changes whenever anything is written down.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// The record of a room, which begins with this if there is none.
    fn open(&self, id: &str) -> Option<Arc<RoomRecord>> {
        let mut rooms = self.lock();
        if let Some(room) = rooms.get(id) {
            return Some(room.clone());
        }
        if rooms.len() >= ROOMS && !self.forget_one(&mut rooms) {
            return None;
        }
        let room = Arc::new(RoomRecord::new(id));
        rooms.insert(room.id().clone(), room.clone());
        Some(room)
    }

    /// Forgets the room that ended first of those that are no more; says whether there was one.
    fn forget_one(&self, rooms: &mut BTreeMap<Arc<str>, Arc<RoomRecord>>) -> bool {
        let ended = rooms.iter().filter_map(|(id, room)| Some((room.ended()?, id.clone())));
        let Some((_, id)) = ended.min() else { return false };
        if let Some(room) = rooms.remove(&id) {
            self.bytes.fetch_sub(room.forget(), Ordering::Relaxed);
        }
        true
    }

    /// Writes something down.
    fn write(&self, room: &RoomRecord, happened: Happened) {
        let is_full = || self.bytes.load(Ordering::Relaxed) > ALL_BYTES;
        while is_full() && self.forget_one(&mut self.lock()) {}
        // Where all that is kept is of rooms that live, whoever writes more makes space for it.
        let (added, dropped) = room.write(happened, is_full());
        self.bytes.fetch_add(added, Ordering::Relaxed);
        self.bytes.fetch_sub(dropped, Ordering::Relaxed);
        self.changes.send_modify(|count| *count += 1);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Arc<RoomRecord>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
