//! Giving memory back when the process is short of it.
//!
//! *Invariant:* empty rooms go before clients, and rooms that the shutdown policy keeps are kept.
use std::cmp::Reverse;

use stateroom_memory::{Relief, Shortage};
use tokio::time::Instant;

use super::{registry::RoomRegistry, state::RoomEntry};
use crate::{
    room::inbox::Inbox,
    settings::{Limit, ShutdownPolicy},
};

impl Relief for RoomRegistry {
    fn relieve(&self, excess: usize, shortage: Shortage) {
        let shared = self.shared();
        let (rooms, ended) = self.end_empty_rooms(excess);
        let (resting, rested) = self.rest_idle_rooms(excess.saturating_sub(ended));
        let freed = ended + rested;
        let is_reached = shortage == Shortage::Reached;
        let clients = if is_reached { shared.memory().close_largest(excess.saturating_sub(freed)) } else { 0 };
        if is_reached {
            Limit::TotalMemoryBytes.exceeded();
        }
        if let Some(others) = shared.memory_warnings().allow(Instant::now()) {
            let budget = shared.memory().budget();
            tracing::warn!(
                used = budget.used(),
                limit = budget.limit(),
                ended_rooms = rooms,
                resting_rooms = resting,
                closed_clients = clients,
                others,
                "memory is short: clients are refused, empty rooms end, and those that may sleep do (limit `total_memory_bytes`: raise it with \
                 `--total-memory`)"
            );
        }
    }
}

/// Assumed for a room that does not tell what it uses.
pub(super) const ROOM_BYTES: usize = 64 << 10;

impl RoomRegistry {
    /// Ends the empty rooms that use most, until about `bytes` are free. Returns their number, and the bytes they used.
    fn end_empty_rooms(&self, bytes: usize) -> (usize, usize) {
        if self.shared().settings().shutdown_policy == ShutdownPolicy::Never {
            return (0, 0);
        }
        let state = self.lock();
        let empty = state.rooms.values().filter(|entry| entry.is_evictable());
        let memory = |entry: &RoomEntry| entry.inbox.stats().memory_bytes().unwrap_or(ROOM_BYTES);
        let mut empty: Vec<_> = empty.map(|entry| (memory(entry), entry.inbox.clone())).collect();
        drop(state);
        empty.sort_by_key(|(memory, _)| Reverse(*memory));
        let (mut ended, mut freed) = (0, 0);
        for (memory, inbox) in empty {
            if freed >= bytes {
                break;
            }
            // Without waiting: if a client joins in the meantime, the room continues.
            drop(inbox.evict());
            freed += memory;
            ended += 1;
        }
        (ended, freed)
    }

    /// Puts rooms to sleep in which nothing happens, those that use most first, until about `bytes` are free. Returns
    /// their number, and the bytes they used.
    fn rest_idle_rooms(&self, bytes: usize) -> (usize, usize) {
        if bytes == 0 || !self.shared().settings().keeps_rooms() {
            return (0, 0);
        }
        let state = self.lock();
        let idle = state.rooms.values().map(|entry| &entry.inbox).filter(|inbox| inbox.idle().is_some());
        let memory = |inbox: &Inbox| inbox.stats().memory_bytes().unwrap_or(ROOM_BYTES);
        let mut idle: Vec<_> = idle.map(|inbox| (memory(inbox), inbox.clone())).collect();
        drop(state);
        idle.sort_by_key(|(memory, _)| Reverse(*memory));
        let (mut resting, mut freed) = (0, 0);
        for (memory, inbox) in idle {
            if freed >= bytes {
                break;
            }
            if inbox.rest().is_some() {
                freed += memory;
                resting += 1;
            }
        }
        (resting, freed)
    }
}
