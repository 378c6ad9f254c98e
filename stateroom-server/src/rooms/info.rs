//! A snapshot of one room.
use std::{sync::Arc, time::Duration};

use crate::{broken::BrokenRoom, room::inbox::Inbox};

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

impl RoomInfo {
    pub(super) fn of_room((id, inbox): (&Arc<str>, &Arc<Inbox>)) -> Self {
        let stats = inbox.stats();
        RoomInfo {
            id: id.to_string(),
            connections: inbox.connections(),
            age: stats.age(),
            events: stats.events(),
            cpu_time: stats.cpu_time(),
            memory_bytes: stats.memory_bytes(),
            broken: None,
        }
    }

    pub(super) fn of_broken((id, broken): (Arc<str>, BrokenRoom)) -> Self {
        RoomInfo {
            id: id.to_string(),
            connections: 0,
            age: Duration::ZERO,
            events: 0,
            cpu_time: Duration::ZERO,
            memory_bytes: None,
            broken: Some(broken),
        }
    }
}
