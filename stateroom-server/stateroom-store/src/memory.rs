//! A store in memory, for tests: they decide when requests become durable, and what is left after a crash.
//!
//! *Invariant:* requests become durable in the order in which they were made.
mod content;

use std::{collections::VecDeque, fmt, ops::Bound, sync::Arc, time::Duration};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use self::content::{Change, Content, Room};
use crate::{
    DueRoom, Health, Opened, ROOM_ID_BYTES, RoomEntry, RoomLog, RoomSize, Store, StoreError, StoreFuture, StoreState,
};

/// A store in memory. By default, requests are durable at once.
///
/// ```
/// use stateroom_store::{MemoryStore, Store, StoreError};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), StoreError> {
/// let store = MemoryStore::new();
/// let mut log = store.open("lobby").await?.log;
/// log.append(1, "durable at once".into(), None).await?;
///
/// store.hold();
/// let second = log.append(2, "stored, but not acknowledged".into(), None);
/// let third = log.append(3, "lost".into(), None);
/// let store = store.kill(1);
/// assert_eq!(second.await, Err(StoreError::Closed));
/// assert_eq!(third.await, Err(StoreError::Closed));
/// assert_eq!(store.open("lobby").await?.stored.map(|stored| stored.last_seq()), Some(2));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MemoryStore(Arc<Mutex<State>>);

struct State {
    key: [u8; 32],
    durable: Content,
    /// The durable content with the changes that are held.
    accepted: Content,
    held: VecDeque<Held>,
    is_holding: bool,
    is_full: bool,
    ended: Option<StoreError>,
}

struct Held {
    change: Change,
    done: oneshot::Sender<Result<(), StoreError>>,
}

impl State {
    fn request(&mut self, change: Change) -> Result<oneshot::Receiver<Result<(), StoreError>>, StoreError> {
        if let Some(error) = &self.ended {
            return Err(error.clone());
        }
        self.accepted.check(&change)?;
        self.accepted.apply(&change);
        let (done, result) = oneshot::channel();
        self.held.push_back(Held { change, done });
        if !self.is_holding && !self.is_full {
            self.release(usize::MAX);
        }
        Ok(result)
    }

    fn release(&mut self, most: usize) -> usize {
        let count = most.min(self.held.len());
        for held in self.held.drain(..count) {
            self.durable.apply(&held.change);
            let _ = held.done.send(Ok(()));
        }
        count
    }

    fn end(&mut self, error: &StoreError) {
        self.ended.get_or_insert_with(|| error.clone());
        for held in self.held.drain(..) {
            let _ = held.done.send(Err(error.clone()));
        }
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        MemoryStore::new()
    }
}

impl MemoryStore {
    /// Creates an empty store.
    #[must_use]
    pub fn new() -> MemoryStore {
        MemoryStore::with(rand::random(), Content::default())
    }

    fn with(key: [u8; 32], content: Content) -> MemoryStore {
        MemoryStore(Arc::new(Mutex::new(State {
            key,
            accepted: content.clone(),
            durable: content,
            held: VecDeque::new(),
            is_holding: false,
            is_full: false,
            ended: None,
        })))
    }

    /// Holds all requests from now on: they become durable when they are [released](Self::release).
    pub fn hold(&self) {
        self.0.lock().is_holding = true;
    }

    /// Makes the `most` oldest requests that are held durable, and acknowledges them. Returns their number.
    pub fn release(&self, most: usize) -> usize {
        self.0.lock().release(most)
    }

    /// Releases all requests that are held, and holds none from now on.
    pub fn resume(&self) {
        let mut state = self.0.lock();
        state.is_holding = false;
        state.release(usize::MAX);
    }

    /// Returns the number of requests that are held.
    #[must_use]
    pub fn held(&self) -> usize {
        self.0.lock().held.len()
    }

    /// Sets whether the disk is full. While it is, no new room can be opened, and requests are held.
    pub fn set_full(&self, is_full: bool) {
        let mut state = self.0.lock();
        state.is_full = is_full;
        if !is_full && !state.is_holding {
            state.release(usize::MAX);
        }
    }

    /// Fails the requests that are held, and all later ones, as if a write had failed.
    pub fn fail(&self, cause: &str) {
        self.0.lock().end(&StoreError::failed(cause));
    }

    /// Damages what is stored of a room, which then cannot be opened.
    pub fn damage(&self, room: &str) {
        let mut state = self.0.lock();
        let State { durable, accepted, .. } = &mut *state;
        for room_of in [durable, accepted].map(|content| content.rooms.get_mut(room)).into_iter().flatten() {
            room_of.damage = Some(StoreError::corrupt(format!("room {room:?}"), "a test has damaged it"));
        }
    }

    /// Ends the store as a crash of the process does. Of the requests that are held, the `stored` oldest are durable although they
    /// were never acknowledged; the others are lost. Returns the store, opened anew.
    #[must_use]
    pub fn kill(&self, stored: usize) -> MemoryStore {
        let mut state = self.0.lock();
        let stored = stored.min(state.held.len());
        let held: Vec<Held> = state.held.drain(..stored).collect();
        for held in held {
            state.durable.apply(&held.change);
            let _ = held.done.send(Err(StoreError::Closed));
        }
        state.end(&StoreError::Closed);
        MemoryStore::with(state.key, state.durable.clone())
    }

    fn request(&self, change: Change) -> StoreFuture<()> {
        answer(self.0.lock().request(change))
    }

    fn read<T: Send + 'static>(&self, read: impl FnOnce(&Content) -> T) -> StoreFuture<T> {
        let state = self.0.lock();
        let result = match &state.ended {
            Some(StoreError::Closed) => Err(StoreError::Closed),
            _ => Ok(read(&state.durable)),
        };
        Box::pin(async { result })
    }
}

fn answer(requested: Result<oneshot::Receiver<Result<(), StoreError>>, StoreError>) -> StoreFuture<()> {
    match requested {
        Ok(result) => Box::pin(async { result.await.unwrap_or(Err(StoreError::Closed)) }),
        Err(error) => Box::pin(async { Err(error) }),
    }
}

impl Store for MemoryStore {
    fn open(&self, room: &str) -> StoreFuture<Opened> {
        if room.len() > ROOM_ID_BYTES {
            return Box::pin(async { Err(StoreError::Invalid("the ID of the room is too long")) });
        }
        let (store, room) = (self.clone(), room.to_owned());
        Box::pin(async move {
            let is_held = store.0.lock().held.iter().any(|held| held.change.room() == Some(&room));
            if is_held {
                store.request(Change::Barrier { room: room.clone() }).await?;
            }
            let stored =
                store.read(|content| content.rooms.get(&room).map(|room| room.read().cloned()).transpose()).await??;
            if stored.is_none() && store.0.lock().is_full {
                return Err(StoreError::Full);
            }
            Ok(Opened { log: Box::new(MemoryRoomLog { store, room }), stored })
        })
    }

    fn discard(&self, room: &str) -> StoreFuture<()> {
        let mut state = self.0.lock();
        let seq = state.accepted.last_seq(room);
        let requested = state.request(Change::Delete { room: room.to_owned(), seq });
        drop(state);
        answer(requested)
    }

    fn exists(&self, room: &str) -> StoreFuture<bool> {
        self.read(|content| content.rooms.contains_key(room))
    }

    fn list(&self, after: Option<&str>, most: usize) -> StoreFuture<Vec<RoomEntry>> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let size = |room: &Room| {
            let stored = room.read()?;
            Ok(RoomSize {
                last_seq: stored.last_seq(),
                snapshot_bytes: stored.snapshot.as_ref().map_or(0, |snapshot| snapshot.bytes.len() as u64),
                tail_records: stored.tail.len() as u64,
                tail_bytes: stored.tail.iter().map(|record| record.bytes.len() as u64).sum(),
                due: room.due,
            })
        };
        let entry = |(name, room): (&String, &Room)| RoomEntry { room: name.clone(), size: size(room) };
        self.read(|content| content.rooms.range::<str, _>((start, Bound::Unbounded)).take(most).map(entry).collect())
    }

    fn due(&self, until: Duration, most: usize) -> StoreFuture<Vec<DueRoom>> {
        self.read(|content| {
            let due = content.rooms.iter().filter_map(|(name, room)| Some((room.due?, name)));
            let mut due: Vec<DueRoom> =
                due.filter(|&(due, _)| due <= until).map(|(due, name)| DueRoom { due, room: name.clone() }).collect();
            due.sort();
            due.truncate(most);
            due
        })
    }

    fn put_module(&self, code: &[u8; 32], module: Bytes) -> StoreFuture<()> {
        self.request(Change::Module { code: *code, module })
    }

    fn module(&self, code: &[u8; 32]) -> StoreFuture<Option<Bytes>> {
        self.read(|content| content.modules.get(code).cloned())
    }

    fn health(&self) -> Health {
        let state = self.0.lock();
        let condition = match &state.ended {
            Some(StoreError::Closed) => StoreState::Closed,
            Some(error) => StoreState::Failed(error.to_string()),
            None if state.is_full => StoreState::Full,
            None => StoreState::Ok,
        };
        Health { state: condition, free_bytes: None, waiting: state.held.len() }
    }

    fn key(&self) -> [u8; 32] {
        self.0.lock().key
    }

    fn close(&self) -> StoreFuture<()> {
        let mut state = self.0.lock();
        let result = match (&state.ended, state.is_full && !state.held.is_empty()) {
            (Some(StoreError::Closed) | None, false) => Ok(()),
            (Some(error), _) => Err(error.clone()),
            (None, true) => Err(StoreError::Full),
        };
        if !state.is_full {
            state.release(usize::MAX);
        }
        let answer = if state.is_full { StoreError::Full } else { StoreError::Closed };
        for held in state.held.drain(..) {
            let _ = held.done.send(Err(answer.clone()));
        }
        state.ended.get_or_insert(StoreError::Closed);
        Box::pin(async { result })
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("MemoryStore").field("held", &self.held()).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct MemoryRoomLog {
    store: MemoryStore,
    room: String,
}

impl RoomLog for MemoryRoomLog {
    fn append(&mut self, seq: u64, record: Bytes, due: Option<Duration>) -> StoreFuture<()> {
        self.store.request(Change::Append { room: self.room.clone(), seq, record, due })
    }

    fn replace(&mut self, seq: u64, snapshot: Bytes, due: Option<Duration>) -> StoreFuture<()> {
        self.store.request(Change::Replace { room: self.room.clone(), seq, snapshot, due })
    }

    fn delete(&mut self, seq: u64) -> StoreFuture<()> {
        self.store.request(Change::Delete { room: self.room.clone(), seq })
    }
}
