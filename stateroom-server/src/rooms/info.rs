//! A snapshot of one room.
use std::time::Duration;

use crate::broken::BrokenRoom;

/// A snapshot of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoomInfo {
    /// Its ID.
    pub id: String,
    /// Number of its connections.
    pub connections: usize,
    /// Time since it started.
    pub age: Duration,
    /// Number of events that its service has handled.
    pub events: u64,
    /// Time that its service has spent on them, measured around each call.
    pub cpu_time: Duration,
    /// Memory of its service, in bytes. Known for WebAssembly guests only.
    pub memory_bytes: Option<usize>,
    /// Why its stored state cannot be restored, if it is broken. Such a room does not run: it has no connections, and its other
    /// numbers are zero.
    pub broken: Option<BrokenRoom>,
}
