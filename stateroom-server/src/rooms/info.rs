//! A snapshot of one room.
use std::time::Duration;

/// A snapshot of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoomInfo {
    /// Its id.
    pub id: String,
    /// How many connections it has.
    pub connections: usize,
    /// How long ago it began.
    pub age: Duration,
    /// How many events its service has handled.
    pub events: u64,
    /// How long its service has computed for them.
    pub computed: Duration,
    /// How much memory its service has, in bytes, where that is known: of a WebAssembly guest it is.
    pub memory_bytes: Option<usize>,
}
