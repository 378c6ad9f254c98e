//! The memory that clients hold: what is queued for them, and their incomplete messages.
//!
//! *Invariant:* it is reserved in the budget of the process. When that is used up, the clients that hold most are closed first.
use std::{
    cmp::{Ordering, Reverse},
    fmt,
    sync::{Arc, Weak},
};

use ::metrics::Gauge;
use parking_lot::Mutex;
use slab::Slab;
use stateroom_memory::MemoryBudget;

use crate::metrics::Metrics;

/// Clients that hold less are not closed when memory is short: it would gain nothing.
pub(crate) const HOLDER_BYTES: usize = 16 << 10;

/// Clients are closed if they hold at least this fraction of what is missing.
const GAIN_FRACTION: usize = 8;

/// A client that holds less than this fraction of what the largest one holds is not closed together with it.
const SHARE_OF_LARGEST: usize = 8;

/// A client that holds memory.
pub(crate) trait MemoryHolder: Send + Sync {
    /// Returns how many bytes it holds.
    fn held(&self) -> usize;
    /// Closes it, and releases what it holds.
    fn give_up(&self);
}

/// The memory that the clients of a server hold.
pub(crate) struct ClientMemory {
    budget: MemoryBudget,
    /// The metric of all bytes queued.
    queued_bytes: Gauge,
    /// The clients that hold more than [`HOLDER_BYTES`].
    holders: Mutex<Slab<Weak<dyn MemoryHolder>>>,
}

impl ClientMemory {
    pub(crate) fn new(budget: MemoryBudget, metrics: &Metrics) -> Arc<Self> {
        Arc::new(ClientMemory { budget, queued_bytes: metrics.queued_bytes.clone(), holders: Mutex::default() })
    }

    /// Returns the budget of the process.
    pub(crate) fn budget(&self) -> &MemoryBudget {
        &self.budget
    }

    /// Records that the bytes queued for a client have changed.
    pub(crate) fn record_queued(&self, before: usize, after: usize) {
        if after != before {
            self.queued_bytes.increment(after as f64 - before as f64);
        }
    }

    /// Changes what a client has reserved.
    pub(crate) fn adjust(&self, before: usize, after: usize) {
        match after.cmp(&before) {
            Ordering::Greater => self.budget.reserve(after - before),
            Ordering::Less => self.budget.release(before - after),
            // For most writes, without an access to what all threads share.
            Ordering::Equal => {}
        }
    }

    /// Adds a client that holds much. Returns the key to remove it by.
    pub(crate) fn add_holder(&self, holder: Weak<dyn MemoryHolder>) -> usize {
        self.holders.lock().insert(holder)
    }

    /// Removes a client that was added.
    pub(crate) fn remove_holder(&self, key: usize) {
        drop(self.holders.lock().try_remove(key));
    }

    /// Closes the clients that hold most, until about `bytes` are free. Returns their number.
    pub(crate) fn close_largest(&self, bytes: usize) -> usize {
        // Not under the lock: each has a lock of its own, under which it adds itself.
        let holders: Vec<_> = self.holders.lock().iter().filter_map(|(_, holder)| holder.upgrade()).collect();
        let mut holders: Vec<_> = holders.into_iter().map(|holder| (holder.held(), holder)).collect();
        holders.retain(|(held, _)| *held > 0);
        let all: usize = holders.iter().map(|(held, _)| held).sum();
        // Something else takes the memory: closing clients would gain little.
        if all < bytes / GAIN_FRACTION {
            return 0;
        }
        holders.sort_by_key(|(held, _)| Reverse(*held));
        let mut freed = 0;
        let mut closed = 0;
        let enough = holders.first().map_or(0, |(largest, _)| largest / SHARE_OF_LARGEST);
        for (held, holder) in holders {
            if freed >= bytes || held < enough {
                break;
            }
            holder.give_up();
            freed += held;
            closed += 1;
        }
        closed
    }
}

impl fmt::Debug for ClientMemory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ClientMemory").field("budget", &self.budget).finish_non_exhaustive()
    }
}
