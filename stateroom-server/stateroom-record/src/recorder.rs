//! The records of all rooms of a server.
use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::{Mutex, MutexGuard};
use stateroom::{StateroomServiceFactory, system_time};
use tokio::sync::watch;

use crate::{RecordKind, RecordLimits, RecordedFactory, RoomRecord};

type RoomRecords = BTreeMap<Arc<str>, Arc<RoomRecord>>;

/// Records the rooms whose services come from the factories it [wraps](Self::wrap). Clones are handles to the same
/// recorder.
#[derive(Clone)]
pub struct Recorder(Arc<Shared>);

struct Shared {
    limits: RecordLimits,
    rooms: Mutex<RoomRecords>,
    /// Bytes that all records hold.
    bytes: AtomicUsize,
    generation: AtomicU64,
    changes: watch::Sender<u64>,
}

/// A recorder that is kept alive elsewhere.
#[derive(Clone)]
pub(crate) struct WeakRecorder(Weak<Shared>);

impl Recorder {
    /// Creates a recorder without any records.
    #[must_use]
    pub fn new(limits: RecordLimits) -> Self {
        Recorder(Arc::new(Shared {
            limits,
            rooms: Mutex::default(),
            bytes: AtomicUsize::new(0),
            generation: AtomicU64::new(1),
            changes: watch::Sender::new(0),
        }))
    }

    /// Wraps a factory so that the rooms of its services are recorded, as rooms of the current
    /// [generation](Self::generation).
    pub fn wrap<F: StateroomServiceFactory>(&self, factory: F) -> RecordedFactory<F> {
        RecordedFactory::new(factory, Some(self))
    }

    /// Returns the record of a room, if there is one. A room that has ended keeps its record until that is evicted.
    #[must_use]
    pub fn room(&self, id: &str) -> Option<Arc<RoomRecord>> {
        self.lock().get(id).cloned()
    }

    /// Returns all records, sorted by the rooms' IDs.
    #[must_use]
    pub fn rooms(&self) -> Vec<Arc<RoomRecord>> {
        self.lock().values().cloned().collect()
    }

    /// Returns the generation of the current code, counted from 1.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::Relaxed)
    }

    /// Begins the generation of new code and returns its number. The next factory that is [wrapped](Self::wrap) belongs
    /// to it.
    ///
    /// With `replay`, the history of each running room is replayed into its new service, if the room restarts within
    /// 30 seconds, as by `ServerHandle::swap`. What the service sends meanwhile is dropped, because the clients have
    /// received it from the old code. Where the replay fails, the room starts fresh; its record tells why.
    ///
    /// ```
    /// use stateroom::{DefaultStateroomFactory, StateroomService};
    /// use stateroom_record::Recorder;
    /// use stateroom_server::{OnSwap, ServerHandle};
    ///
    /// fn deploy<S: StateroomService + Default>(server: &ServerHandle, recorder: &Recorder) {
    ///     recorder.begin_generation(true);
    ///     server.swap(recorder.wrap(DefaultStateroomFactory::<S>::default()), OnSwap::Restart);
    /// }
    /// ```
    pub fn begin_generation(&self, replay: bool) -> u64 {
        let generation = self.0.generation.fetch_add(1, Ordering::Relaxed) + 1;
        if replay {
            self.rooms().iter().for_each(|room| room.request_replay(generation));
        }
        generation
    }

    /// Subscribes to changes: the value changes whenever any room records an entry.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// Returns the record of a room and opens it if there is none. Returns `None` when there are too many.
    pub(crate) fn open(&self, id: &str) -> Option<Arc<RoomRecord>> {
        let mut rooms = self.lock();
        if let Some(room) = rooms.get(id) {
            return Some(room.clone());
        }
        if rooms.len() >= self.0.limits.rooms && !self.evict_one(&mut rooms) {
            return None;
        }
        let room = Arc::new(RoomRecord::new(id, self.0.limits));
        rooms.insert(room.id().clone(), room.clone());
        Some(room)
    }

    /// Records an entry of now.
    pub(crate) fn record(&self, room: &RoomRecord, kind: RecordKind) {
        self.record_at(room, kind, system_time::now());
    }

    /// Records an entry of a time since 1970.
    pub(crate) fn record_at(&self, room: &RoomRecord, kind: RecordKind, time: Duration) {
        let is_full = || self.0.bytes.load(Ordering::Relaxed) > self.0.limits.total_bytes;
        while is_full() && self.evict_one(&mut self.lock()) {}
        // If only running rooms are left, the one that records more makes space for it.
        let (added, dropped) = room.push(kind, time, is_full());
        self.0.bytes.fetch_add(added, Ordering::Relaxed);
        self.0.bytes.fetch_sub(dropped, Ordering::Relaxed);
        self.0.changes.send_modify(|count| *count += 1);
    }

    pub(crate) fn downgrade(&self) -> WeakRecorder {
        WeakRecorder(Arc::downgrade(&self.0))
    }

    /// Evicts the record of the room that ended first. Returns whether any had ended.
    fn evict_one(&self, rooms: &mut RoomRecords) -> bool {
        let ended = rooms.iter().filter_map(|(id, room)| Some((room.ended()?, id.clone())));
        let Some((_, id)) = ended.min() else { return false };
        if let Some(room) = rooms.remove(&id) {
            self.0.bytes.fetch_sub(room.evict(), Ordering::Relaxed);
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, RoomRecords> {
        self.0.rooms.lock()
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rooms, bytes) = (self.lock().len(), self.0.bytes.load(Ordering::Relaxed));
        formatter.debug_struct("Recorder").field("rooms", &rooms).field("bytes", &bytes).finish_non_exhaustive()
    }
}

impl WeakRecorder {
    pub(crate) fn upgrade(&self) -> Option<Recorder> {
        self.0.upgrade().map(Recorder)
    }
}
