//! Why a room cannot be joined, called or created.
//!
//! *Invariant:* a refusal changes nothing.
use std::time::Duration;

use thiserror::Error;

/// A shortage of memory passes when clients and rooms have gone.
const MEMORY_RETRY_SECONDS: u64 = 5;

/// The reason that a room cannot be joined, called or created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The room does not exist.
    #[error("the room does not exist")]
    NotFound,
    /// The room exists already.
    #[error("the room exists already")]
    Exists,
    /// The room ID is empty.
    #[error("the room ID is empty")]
    IdEmpty,
    /// The room ID is longer than [`Limits::room_id_bytes`](crate::Limits::room_id_bytes).
    #[error("the room ID is longer than {limit} bytes")]
    IdTooLong {
        /// Maximum length of a room ID, in bytes.
        limit: usize,
    },
    /// Rooms of this server are created with an ID that the client chooses.
    #[error("rooms of this server are created by name")]
    CreatedByName,
    /// Rooms of this server are created with an ID that the server chooses.
    #[error("rooms of this server are created without a name")]
    CreatedUnnamed,
    /// The server has reached its limit of rooms, or the factory has no space for another service.
    #[error("the server has no capacity for another room; try again later")]
    Full,
    /// The client's address has reached [`Limits::address_rooms`](crate::Limits::address_rooms), and none of its rooms can make
    /// place.
    #[error("too many rooms were created from this address; try again later")]
    AddressFull,
    /// The client's address has reached
    /// [`Limits::address_rooms_per_minute`](crate::Limits::address_rooms_per_minute).
    #[error("too many rooms per minute were created from this address; try again in {} s", seconds(*.wait))]
    AddressRate {
        /// Time until the address may create a room.
        wait: Duration,
    },
    /// The room has reached its limit of connections.
    #[error("the room is full; try again later")]
    RoomFull,
    /// The room failed repeatedly and does not restart before the backoff has elapsed.
    #[error("the room keeps failing; try again in {} s", seconds(*.rest))]
    BackingOff {
        /// Time until the room can start again.
        rest: Duration,
    },
    /// The stored state of the room cannot be restored: it is damaged, or a replay differs. The room is not run again before the
    /// process restarts, or the room is deleted.
    #[error("the room's state cannot be restored")]
    Broken,
    /// The server is short of memory: [`Server::memory_budget`](crate::Server::memory_budget).
    #[error("the server is short of memory; try again later")]
    NoMemory,
    /// The store of the rooms cannot be read, or has no space for another room.
    #[error("the server cannot store another room; try again later")]
    NoStore,
    /// The server is shutting down.
    #[error("the server is shutting down")]
    Stopping,
}

impl Refusal {
    /// Returns the label in logs and metrics.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Refusal::NotFound => "not_found",
            Refusal::Exists => "exists",
            Refusal::IdEmpty => "id_empty",
            Refusal::IdTooLong { .. } => "room_id_bytes",
            Refusal::CreatedByName => "created_by_name",
            Refusal::CreatedUnnamed => "created_unnamed",
            Refusal::Full => "rooms",
            Refusal::AddressFull => "address_rooms",
            Refusal::AddressRate { .. } => "address_rooms_per_minute",
            Refusal::RoomFull => "room_connections",
            Refusal::BackingOff { .. } => "backing_off",
            Refusal::Broken => "broken",
            Refusal::NoMemory => "total_memory_bytes",
            Refusal::NoStore => "no_store",
            Refusal::Stopping => "stopping",
        }
    }

    /// Returns the time after which a retry can succeed, in seconds, if it is known.
    pub(crate) fn retry_after(self) -> Option<u64> {
        match self {
            Refusal::BackingOff { rest: time } | Refusal::AddressRate { wait: time } => Some(seconds(time)),
            Refusal::NoMemory => Some(MEMORY_RETRY_SECONDS),
            _ => None,
        }
    }
}

/// Rounds up to whole seconds, at least one.
pub(crate) fn seconds(time: Duration) -> u64 {
    time.as_nanos().div_ceil(1_000_000_000).max(1).try_into().unwrap_or(u64::MAX)
}
