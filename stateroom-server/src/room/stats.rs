//! Statistics of one room, for lists of rooms: its age, its events, its resources.
//!
//! *Invariant:* only the actor writes, and reading never waits.
use std::{
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::Duration,
};

use tokio::time::Instant;

/// Stands for an unknown size. No service has that much memory.
const UNKNOWN: usize = usize::MAX;

/// Statistics of one room.
#[derive(Debug)]
pub(crate) struct RoomStats {
    began: Instant,
    events: AtomicU64,
    cpu_nanoseconds: AtomicU64,
    memory_bytes: AtomicUsize,
}

impl Default for RoomStats {
    fn default() -> Self {
        RoomStats {
            began: Instant::now(),
            events: AtomicU64::new(0),
            cpu_nanoseconds: AtomicU64::new(0),
            memory_bytes: AtomicUsize::new(UNKNOWN),
        }
    }
}

impl RoomStats {
    /// Adds handled events, and the CPU time spent on them.
    pub(crate) fn add(&self, events: u64, cpu_time: Duration) {
        // The only writer reads what it wrote.
        let add =
            |number: &AtomicU64, more: u64| number.store(number.load(Ordering::Relaxed) + more, Ordering::Relaxed);
        add(&self.events, events);
        add(&self.cpu_nanoseconds, u64::try_from(cpu_time.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(crate) fn set_memory(&self, memory_bytes: Option<usize>) {
        self.memory_bytes.store(memory_bytes.unwrap_or(UNKNOWN), Ordering::Relaxed);
    }

    pub(crate) fn age(&self) -> Duration {
        self.began.elapsed()
    }

    pub(crate) fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    pub(crate) fn cpu_time(&self) -> Duration {
        Duration::from_nanos(self.cpu_nanoseconds.load(Ordering::Relaxed))
    }

    pub(crate) fn memory_bytes(&self) -> Option<usize> {
        Some(self.memory_bytes.load(Ordering::Relaxed)).filter(|bytes| *bytes != UNKNOWN)
    }
}
