//! The ways in which a store fails.
//!
//! *Invariant:* an error never stands for data that may be incomplete: damage is an error of its own, with its place.
use std::sync::Arc;

/// An error of a store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The last record of the room is not the one that the caller assumes, so another owner has written to the room.
    /// Nothing was written.
    #[error("the room was written by another owner: record {found} is its last, {expected} was expected")]
    Fenced {
        /// The number of the last record that the caller assumed. 0 stands for a room without records.
        expected: u64,
        /// The number of the last record.
        found: u64,
    },
    /// The disk has too little space for a new room. Nothing was written; the room can be created once there is more.
    #[error("the disk of the store is full")]
    Full,
    /// Writing failed in a way that leaves unknown what is on disk. The store accepts nothing more; opened anew, by a new
    /// process, it has all that was acknowledged.
    #[error("the store failed: {0}")]
    Failed(Arc<str>),
    /// Stored data is damaged. It was not changed.
    #[error("damaged data in {place}: {what}")]
    Corrupt {
        /// The file and the position in it, or the room and the record.
        place: String,
        /// The damage.
        what: String,
    },
    /// Stored data could not be read now, and nothing is known of it. It may be readable later.
    #[error("failed to read {place}: {cause}")]
    Unreadable {
        /// The file, or the room.
        place: String,
        /// The error of the operating system.
        cause: String,
    },
    /// Another process has the store open.
    #[error("the store in {directory} is in use by process {pid}")]
    Locked {
        /// The directory of the store.
        directory: String,
        /// The ID of the process, or `?` if unknown.
        pid: String,
    },
    /// A request that no store can fulfill, such as the ID of a room that is too long.
    #[error("{0}")]
    Invalid(&'static str),
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    pub(crate) fn corrupt(place: impl Into<String>, what: impl Into<String>) -> StoreError {
        StoreError::Corrupt { place: place.into(), what: what.into() }
    }

    pub(crate) fn failed(cause: impl ToString) -> StoreError {
        StoreError::Failed(cause.to_string().into())
    }
}
