//! Why a room is not to be had: what a program around the rooms is told, and an HTTP client in its words.
//!
//! *Invariant:* a refusal changes nothing.
use thiserror::Error;

/// Why somebody cannot be let in, or a room not be created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// There is no such room.
    #[error("there is no such room")]
    NotFound,
    /// There is such a room already.
    #[error("there is such a room already")]
    Exists,
    /// Its id is empty.
    #[error("a room id is not empty")]
    IdEmpty,
    /// Its id is longer than [`Limits::room_id_bytes`](crate::Limits::room_id_bytes).
    #[error("a room id has at most {limit} bytes")]
    IdTooLong {
        /// How long one may be, in bytes.
        limit: usize,
    },
    /// Rooms are created by name here.
    #[error("rooms are created by name on this server")]
    CreatedByName,
    /// Rooms are created without a name here, and get one.
    #[error("rooms are created without a name on this server, and get one")]
    CreatedUnnamed,
    /// There is no place for a further room.
    #[error("there is no place for another room")]
    Full,
    /// There are as many clients in the room as there may be.
    #[error("the room is full; try again later")]
    RoomFull,
    /// The room failed again and again, and rests for a while.
    #[error("the room keeps failing; try again later")]
    BackingOff,
    /// The server stops.
    #[error("the server is stopping")]
    Stopping,
}

impl Refusal {
    /// A short name, for logs and metrics.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Refusal::NotFound => "not_found",
            Refusal::Exists => "exists",
            Refusal::IdEmpty => "id_empty",
            Refusal::IdTooLong { .. } => "room_id_bytes",
            Refusal::CreatedByName => "created_by_name",
            Refusal::CreatedUnnamed => "created_unnamed",
            Refusal::Full => "rooms",
            Refusal::RoomFull => "room_connections",
            Refusal::BackingOff => "backing_off",
            Refusal::Stopping => "stopping",
        }
    }
}
