//! The traits of a store, and the values that go in and out.
//!
//! *Invariant:* a store knows bytes, numbers and the IDs of rooms, and nothing of what they mean.
use std::{
    fmt::Debug,
    future::Future,
    pin::Pin,
    time::{Duration, Instant},
};

use bytes::Bytes;

use crate::StoreError;

/// The maximum length of the ID of a room, in bytes.
pub const ROOM_ID_BYTES: usize = 512;

/// The maximum length of a record, in bytes.
pub const RECORD_BYTES: usize = 64 << 20;

/// The maximum length of a snapshot or a module, in bytes.
pub const SNAPSHOT_BYTES: usize = 1 << 30;

/// The result of a request to a store, once it is known.
///
/// # Cancel safety
///
/// A request is made when its method is called. Dropping the future does not take it back: a record whose future was dropped
/// may be stored.
pub type StoreFuture<T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'static>>;

/// Keeps durable rooms: for each, a snapshot and the records that follow it.
///
/// All methods may be called from any task of a Tokio runtime; none blocks.
pub trait Store: Debug + Send + Sync + 'static {
    /// Opens the room `room`, which need not exist, and reads what is stored of it.
    ///
    /// Several logs of one room may be open. They exclude each other by the numbers of their records: the first to append
    /// a number wins, the others are [fenced](StoreError::Fenced).
    ///
    /// # Errors
    ///
    /// [`Corrupt`](StoreError::Corrupt) if data of the room is damaged; other rooms are not affected.
    /// [`Unreadable`](StoreError::Unreadable) if it could not be read now.
    /// [`Full`](StoreError::Full) if the room does not exist and there is too little space for new ones.
    fn open(&self, room: &str) -> StoreFuture<Opened>;

    /// Returns whether anything is stored of the room `room`.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    fn exists(&self, room: &str) -> StoreFuture<bool>;

    /// Lists at most `most` rooms, in the order of the bytes of their IDs, beginning after the ID `after`. A room that is damaged is
    /// listed as such, and hides no other.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    fn list(&self, after: Option<&str>, most: usize) -> StoreFuture<Vec<RoomEntry>>;

    /// Lists at most `most` rooms that are due at `until` (since 1970) or earlier, the earliest first. A room stays due until a
    /// record or a snapshot gives it another time.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    fn due(&self, until: Duration, most: usize) -> StoreFuture<Vec<DueRoom>>;

    /// Deletes everything stored of the room `room`, even if it is damaged and cannot be opened. The room may begin anew. Logs of the
    /// room that are open are [fenced](StoreError::Fenced). A room that can be opened is better deleted by its log, which knows whether
    /// another has written to it.
    ///
    /// # Errors
    ///
    /// If the store fails or was closed.
    fn discard(&self, room: &str) -> StoreFuture<()>;

    /// Stores a module under the hash of its code. Storing it again does nothing, unless it is damaged. Ready when the module is
    /// durable.
    ///
    /// # Errors
    ///
    /// If the store fails or was closed.
    fn put_module(&self, code: &[u8; 32], module: Bytes) -> StoreFuture<()>;

    /// Reads the module with the hash `code`.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](StoreError::Corrupt) if it is damaged.
    fn module(&self, code: &[u8; 32]) -> StoreFuture<Option<Bytes>>;

    /// Returns how the store is doing.
    fn health(&self) -> Health;

    /// Returns the secret of the store, which was generated with it. Tokens of clients are stored as hashes with this key.
    fn key(&self) -> [u8; 32];

    /// Completes the requests that were made, then closes the store. Later requests fail with
    /// [`Closed`](StoreError::Closed). A store that is dropped without it loses nothing that was acknowledged.
    ///
    /// # Errors
    ///
    /// If not all of them can be completed.
    fn close(&self) -> StoreFuture<()>;
}

/// The journal of one room, open for writing.
///
/// One `append` at a time: a room waits for the last one before it makes the next, as a replicated store can have no more
/// under way. While a [`replace`](Self::replace) is under way, records may be appended.
pub trait RoomLog: Debug + Send {
    /// Appends the record `seq`, which has to follow the last one; the first is 1. Ready when the record is durable. While the
    /// disk is full, that takes until there is space.
    ///
    /// `due` is the time, since 1970, at which the room wants to be opened next, for [`Store::due`].
    ///
    /// # Errors
    ///
    /// [`Fenced`](StoreError::Fenced) if another log of the room was first. [`Failed`](StoreError::Failed) if it is unknown
    /// whether the record is stored, which ends the store.
    fn append(&mut self, seq: u64, record: Bytes, due: Option<Duration>) -> StoreFuture<()>;

    /// Replaces all records up to `seq`, and the snapshot before them, by `snapshot`; later records stay. Ready when that is
    /// durable. Until then the old ones are: there is no time at which neither is.
    ///
    /// # Errors
    ///
    /// [`Fenced`](StoreError::Fenced) if the room has no record `seq`, or already a snapshot of a later one; else as
    /// [`append`](Self::append).
    fn replace(&mut self, seq: u64, snapshot: Bytes, due: Option<Duration>) -> StoreFuture<()>;

    /// Deletes everything stored of the room, of which `seq` has to be the last record. The room may begin anew, with record 1.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append).
    fn delete(&mut self, seq: u64) -> StoreFuture<()>;
}

/// A room that was opened.
#[derive(Debug)]
pub struct Opened {
    /// Writes to the room.
    pub log: Box<dyn RoomLog>,
    /// The stored state. `None` if the room does not exist.
    pub stored: Option<Stored>,
}

/// The stored state of a room: a snapshot, and the records after it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stored {
    /// The last snapshot.
    pub snapshot: Option<Record>,
    /// The records after the snapshot, without a gap.
    pub tail: Vec<Record>,
}

impl Stored {
    /// Returns the number of the last record.
    #[must_use]
    pub fn last_seq(&self) -> u64 {
        self.tail.last().or(self.snapshot.as_ref()).map_or(0, |record| record.seq)
    }
}

/// A record, or the snapshot that stands for all records up to a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The number of the record. The first is 1.
    pub seq: u64,
    /// The content, as it was written.
    pub bytes: Bytes,
}

/// A stored room, as [`Store::list`] returns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomEntry {
    /// The ID of the room.
    pub room: String,
    /// The size of what is stored of it.
    ///
    /// # Errors
    ///
    /// As [`Store::open`], which may find more damage: records and snapshots are not read for a list.
    pub size: Result<RoomSize, StoreError>,
}

/// The size of what is stored of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomSize {
    /// The number of its last record.
    pub last_seq: u64,
    /// The size of its snapshot, in bytes.
    pub snapshot_bytes: u64,
    /// The number of records after the snapshot.
    pub tail_records: u64,
    /// The size of the records after the snapshot, in bytes.
    pub tail_bytes: u64,
    /// The time at which the room is due, as in [`DueRoom`].
    pub due: Option<Duration>,
}

/// A room that wants to be opened at a time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DueRoom {
    /// A time, since 1970: the one given to the last [`append`](RoomLog::append) or [`replace`](RoomLog::replace), or one that
    /// is less than a second earlier. After `replace` it is exact, to the microsecond.
    pub due: Duration,
    /// The ID of the room.
    pub room: String,
}

/// How a store is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Whether records become durable.
    pub state: StoreState,
    /// The free space of the disk, in bytes, when the store looked last. `None` if it has no disk.
    pub free_bytes: Option<u64>,
    /// The number of requests that wait to become durable.
    pub waiting: usize,
}

/// Whether records become durable.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreState {
    /// Records become durable.
    Ok,
    /// The disk has not answered for over a second.
    Stalled {
        /// The time at which it was last asked.
        since: Instant,
    },
    /// There is too little space for new rooms.
    NearlyFull,
    /// There is too little space for anything. What was requested waits.
    Full,
    /// A write failed. The process has to end, and the store to be opened anew; trying again could lose data.
    Failed(String),
    /// The store was closed.
    Closed,
}
