//! The store on a disk of this machine.
//!
//! *Invariant:* one process has a store open at a time, and one thread of it writes.
mod answers;
mod background;
mod engine;
mod journal;
mod layout;
mod marker;
mod queue;
mod read;
mod room;
mod shared;
mod writer;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use bytes::Bytes;
use parking_lot::Mutex;

pub use self::shared::{Disk, LocalDisk};
use self::{
    engine::Engine,
    layout::{Change, Space},
    queue::Request,
    room::{DiskRoomLog, refuse},
    shared::Shared,
};
use crate::{
    DueRoom, Health, Opened, RoomEntry, Store, StoreError, StoreFuture,
    store::{ROOM_ID_BYTES, SNAPSHOT_BYTES},
};

/// The settings of a [`DiskStore`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DiskStoreConfig {
    /// The directory of the store. Created if it does not exist, for its owner only.
    pub directory: PathBuf,
    /// The memory for what was read from disk, in bytes. Default: 16 MiB.
    pub cache_bytes: u64,
    /// The free space, in bytes, below which nothing is written: requests wait until there is more. Default: 256 MiB.
    pub reserved_bytes: u64,
    /// The free space, in bytes, below which no new room can be opened. Default: 512 MiB.
    pub reserved_for_rooms_bytes: u64,
    /// The size of a keyspace in memory from which the database writes it to a table, in bytes. Tests make it small.
    #[doc(hidden)]
    pub memtable_bytes: u64,
    /// The answers to what the store asks about its disk. Tests replace it.
    #[doc(hidden)]
    pub disk: Arc<dyn Disk>,
}

impl DiskStoreConfig {
    /// The default settings of a store in `directory`.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> DiskStoreConfig {
        DiskStoreConfig {
            directory: directory.into(),
            cache_bytes: 16 << 20,
            reserved_bytes: 256 << 20,
            reserved_for_rooms_bytes: 512 << 20,
            memtable_bytes: 4 << 20,
            disk: Arc::new(LocalDisk),
        }
    }
}

/// A store in a directory of this machine. Records are durable when they are acknowledged, after a crash of the process and
/// after a loss of power.
///
/// Dropping it without [`close`](Store::close) is safe: what was acknowledged is on disk. It waits for the commit that is under
/// way, and opening the store again takes longer.
pub struct DiskStore {
    shared: Arc<Shared>,
    key: [u8; 32],
    running: Arc<Mutex<Option<Running>>>,
}

/// The open database and its writer.
struct Running {
    engine: Arc<Engine>,
    writer: JoinHandle<()>,
}

impl Running {
    fn join(self) -> Result<(), StoreError> {
        self.writer.join().map_err(|_| StoreError::failed("the writer panicked"))
    }
}

impl DiskStore {
    /// Opens the store in a directory, or creates it. Blocks while the journal is read, for about 10 ms per MiB.
    ///
    /// # Errors
    ///
    /// [`Locked`](StoreError::Locked) if another process has it open, [`Corrupt`](StoreError::Corrupt) if it is damaged: it is
    /// left as it is. [`Failed`](StoreError::Failed) if the disk cannot be read or written.
    pub fn open(config: DiskStoreConfig) -> Result<DiskStore, StoreError> {
        let (engine, marker, commit) = Engine::open(&config)?;
        let key = marker.key;
        let shared = Arc::new(Shared::new(config, commit.next_id));
        let engine = Arc::new(engine);
        let for_writer = (shared.clone(), engine.clone());
        let writer = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer::run(&for_writer.0, &for_writer.1, marker, commit.number))
            .map_err(StoreError::failed)?;
        Ok(DiskStore { shared, key, running: Arc::new(Mutex::new(Some(Running { engine, writer }))) })
    }

    /// Returns whether a directory has a store, without opening or changing it. Its rooms are not read.
    ///
    /// # Errors
    ///
    /// [`Locked`](StoreError::Locked) if a process has it open, [`Corrupt`](StoreError::Corrupt) if its identity is damaged,
    /// [`Unreadable`](StoreError::Unreadable) without the permission to read it.
    pub fn check(directory: &Path) -> Result<bool, StoreError> {
        Engine::check(directory)
    }

    /// Returns the directory of the store.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.shared.config.directory
    }

    /// Damages the header of a room, which then cannot be opened. For tests.
    ///
    /// # Errors
    ///
    /// If the store fails or was closed.
    #[cfg(feature = "conformance")]
    #[doc(hidden)]
    pub fn damage(&self, room: &str) -> Result<(), StoreError> {
        self.engine()?.damage(room)
    }

    fn engine(&self) -> Result<Arc<Engine>, StoreError> {
        self.running.lock().as_ref().map(|running| running.engine.clone()).ok_or(StoreError::Closed)
    }

    /// Reads from the database, on a thread that may wait for the disk.
    fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Engine) -> Result<T, StoreError> + Send + 'static,
    ) -> StoreFuture<T> {
        match self.engine() {
            Ok(engine) => Box::pin(async move { blocking(move || read(&engine)).await }),
            Err(error) => refuse(error),
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) if error.is_cancelled() => Err(StoreError::Closed),
        Err(error) => Err(StoreError::failed(error)),
    }
}

impl Store for DiskStore {
    fn open(&self, room: &str) -> StoreFuture<Opened> {
        if room.len() > ROOM_ID_BYTES {
            return refuse(StoreError::Invalid("the ID of the room is too long"));
        }
        let (engine, shared, room) = (self.engine(), self.shared.clone(), room.to_owned());
        Box::pin(async move {
            let engine = engine?;
            let state = shared.rooms.get(&shared, &room);
            if let Some(barrier) = state.barrier() {
                shared.queue.push(barrier).await?;
            }
            let for_read = state.clone();
            let image = blocking({
                let shared = shared.clone();
                move || {
                    let image = engine.room(&room)?;
                    if image.header.is_none() && !shared.has_space_for_room()? {
                        return Err(StoreError::Full);
                    }
                    for_read.load(&image);
                    Ok(image)
                }
            })
            .await?;
            Ok(Opened { log: Box::new(DiskRoomLog { shared, state }), stored: image.stored })
        })
    }

    fn discard(&self, room: &str) -> StoreFuture<()> {
        let (engine, shared, room) = (self.engine(), self.shared.clone(), room.to_owned());
        Box::pin(async move {
            let engine = engine?;
            let state = shared.rooms.get(&shared, &room);
            // From now on nothing is written to the room, and what was is on disk before its keys are read.
            state.fence();
            if let Some(barrier) = state.barrier() {
                shared.queue.push(barrier).await?;
            }
            let changes = blocking(move || engine.removal(&room)).await?;
            shared.queue.push(state.request(changes, true)).await
        })
    }

    fn exists(&self, room: &str) -> StoreFuture<bool> {
        let room = room.to_owned();
        self.read(move |engine| engine.exists(&room))
    }

    fn list(&self, after: Option<&str>, most: usize) -> StoreFuture<Vec<RoomEntry>> {
        let after = after.map(str::to_owned);
        self.read(move |engine| engine.list(after.as_deref(), most))
    }

    fn due(&self, until: Duration, most: usize) -> StoreFuture<Vec<DueRoom>> {
        self.read(move |engine| engine.due(until, most))
    }

    fn put_module(&self, code: &[u8; 32], module: Bytes) -> StoreFuture<()> {
        if module.len() > SNAPSHOT_BYTES {
            return refuse(StoreError::Invalid("the module is too long"));
        }
        let (shared, code) = (self.shared.clone(), *code);
        let stored = self.read(move |engine| engine.module(&code));
        Box::pin(async move {
            match stored.await {
                Ok(Some(_)) => return Ok(()),
                // One that is damaged is written again.
                Ok(None) | Err(StoreError::Corrupt { .. }) => {}
                Err(error) => return Err(error),
            }
            let changes = vec![Change::put(Space::Modules, code.to_vec(), module)];
            shared.queue.push(Request { changes, is_bulk: true, ..Request::default() }).await
        })
    }

    fn module(&self, code: &[u8; 32]) -> StoreFuture<Option<Bytes>> {
        let code = *code;
        self.read(move |engine| engine.module(&code))
    }

    fn health(&self) -> Health {
        self.shared.health()
    }

    fn key(&self) -> [u8; 32] {
        self.key
    }

    fn close(&self) -> StoreFuture<()> {
        self.shared.close();
        let (running, shared) = (self.running.clone(), self.shared.clone());
        Box::pin(async move {
            blocking(move || {
                let running = running.lock().take();
                running.map_or(Ok(()), Running::join)?;
                shared.failure().map_or(Ok(()), Err)
            })
            .await
        })
    }
}

impl Drop for DiskStore {
    fn drop(&mut self) {
        self.shared.queue.fail(&StoreError::Closed);
        if let Some(running) = self.running.lock().take() {
            let _ = running.join();
        }
    }
}

impl fmt::Debug for DiskStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("DiskStore").field("directory", &self.directory()).finish_non_exhaustive()
    }
}
