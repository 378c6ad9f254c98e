//! The state that the store, its rooms and its writer share: the queue, the open rooms, and how the store is doing.
//!
//! *Invariant:* a failure is kept; a store that failed stays failed.
use std::{
    fmt::Debug,
    io,
    path::Path,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::{DiskStoreConfig, marker::io_error, queue::Queue, room::OpenRooms};
use crate::{Health, StoreError, StoreState};

/// The time after which a disk that does not answer is reported.
const STALL_TIME: Duration = Duration::from_secs(1);

/// The questions that a store asks about its disk.
#[doc(hidden)]
pub trait Disk: Debug + Send + Sync {
    /// Returns the free space of the disk that `directory` is on, in bytes.
    fn free_bytes(&self, directory: &Path) -> io::Result<u64>;

    /// Called before each commit. An error counts as one of the disk.
    fn before_sync(&self) -> io::Result<()> {
        Ok(())
    }
}

/// The disk as it is.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct LocalDisk;

impl Disk for LocalDisk {
    fn free_bytes(&self, directory: &Path) -> io::Result<u64> {
        let stat = rustix::fs::statvfs(directory)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) config: DiskStoreConfig,
    pub(super) queue: Queue,
    pub(super) rooms: OpenRooms,
    next_id: AtomicU64,
    free_bytes: AtomicU64,
    in_commit: AtomicUsize,
    progress: Mutex<Progress>,
}

#[derive(Debug, Default)]
struct Progress {
    sync_since: Option<Instant>,
    failure: Option<StoreError>,
    is_full: bool,
    is_closing: bool,
}

impl Shared {
    pub(super) fn new(config: DiskStoreConfig, next_id: u64) -> Shared {
        Shared {
            config,
            queue: Queue::default(),
            rooms: OpenRooms::default(),
            next_id: AtomicU64::new(next_id),
            free_bytes: AtomicU64::new(u64::MAX),
            in_commit: AtomicUsize::new(0),
            progress: Mutex::default(),
        }
    }

    /// Returns a new ID.
    pub(super) fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::AcqRel)
    }

    /// Returns the ID that the next call of [`next_id`](Self::next_id) returns, or an earlier one.
    pub(super) fn peek_id(&self) -> u64 {
        self.next_id.load(Ordering::Acquire)
    }

    pub(super) fn check_open(&self) -> Result<(), StoreError> {
        self.queue.ended().map_or(Ok(()), Err)
    }

    /// Accepts no more requests, and has the writer end as it should.
    pub(super) fn close(&self) {
        self.progress.lock().is_closing = true;
        self.queue.end(StoreError::Closed);
    }

    pub(super) fn is_closing(&self) -> bool {
        self.progress.lock().is_closing
    }

    pub(super) fn set_in_commit(&self, requests: usize) {
        self.in_commit.store(requests, Ordering::Release);
    }

    pub(super) fn sync_begins(&self) {
        self.progress.lock().sync_since = Some(Instant::now());
    }

    pub(super) fn sync_ends(&self) {
        let since = self.progress.lock().sync_since.take();
        if let Some(since) = since {
            metrics::histogram!("stateroom_fsync_seconds").record(since.elapsed());
        }
    }

    /// Ends the store with an error, for all requests that wait and all later ones.
    pub(super) fn fail(&self, error: &StoreError) {
        tracing::error!(%error, "the store failed");
        self.progress.lock().failure.get_or_insert_with(|| error.clone());
        self.queue.fail(error);
    }

    pub(super) fn failure(&self) -> Option<StoreError> {
        self.progress.lock().failure.clone()
    }

    /// Returns whether `bytes` can be written.
    pub(super) fn has_space(&self, bytes: u64) -> Result<bool, StoreError> {
        let has_space = self.measure()? >= self.config.reserved_bytes.saturating_add(bytes);
        let mut progress = self.progress.lock();
        if progress.is_full == has_space {
            progress.is_full = !has_space;
            tracing::warn!(is_full = !has_space, "the space on the disk of the store changed");
        }
        Ok(has_space)
    }

    pub(super) fn has_space_for_room(&self) -> Result<bool, StoreError> {
        Ok(self.measure()? >= self.config.reserved_for_rooms_bytes.max(self.config.reserved_bytes))
    }

    fn measure(&self) -> Result<u64, StoreError> {
        let directory = &self.config.directory;
        let free = self.config.disk.free_bytes(directory).map_err(|error| io_error(directory, &error))?;
        self.free_bytes.store(free, Ordering::Release);
        Ok(free)
    }

    pub(super) fn health(&self) -> Health {
        let measured = self.measure();
        let free_bytes = self.free_bytes.load(Ordering::Acquire);
        let progress = self.progress.lock();
        let state = match (&progress.failure, progress.sync_since) {
            (Some(error), _) => StoreState::Failed(error.to_string()),
            (None, Some(since)) if since.elapsed() >= STALL_TIME => StoreState::Stalled { since },
            _ if progress.is_full => StoreState::Full,
            _ if self.queue.ended().is_some() => StoreState::Closed,
            _ if measured.is_ok_and(|free| free < self.config.reserved_for_rooms_bytes) => StoreState::NearlyFull,
            _ => StoreState::Ok,
        };
        drop(progress);
        let waiting = self.queue.len() + self.in_commit.load(Ordering::Acquire);
        Health { state, free_bytes: (free_bytes != u64::MAX).then_some(free_bytes), waiting }
    }
}
