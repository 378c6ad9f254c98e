#![doc = include_str!("../README.md")]
//!
//! *Invariant:* what was acknowledged is there when the store is opened again, or the store says what is damaged, and where.
#[cfg(feature = "conformance")]
#[doc(hidden)]
pub mod conformance;
#[cfg(unix)]
mod disk;
mod error;
mod memory;
mod store;

#[cfg(unix)]
pub use self::disk::{Disk, DiskStore, DiskStoreConfig, LocalDisk};
pub use self::{
    error::StoreError,
    memory::MemoryStore,
    store::{
        DueRoom, Health, Opened, RECORD_BYTES, ROOM_ID_BYTES, Record, RoomEntry, RoomLog, RoomSize, SNAPSHOT_BYTES,
        Store, StoreFuture, StoreState, Stored,
    },
};
