//! What is seen of a room from outside: how old it is, how much it has done, what it takes.
//!
//! *Invariant:* only the actor writes here, and nobody waits.
use std::{
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::Duration,
};

use tokio::time::Instant;

/// No room has so much memory: it is that of one whose memory is not known.
const UNKNOWN: usize = usize::MAX;

/// What a room has done, and what it takes.
#[derive(Debug)]
pub(crate) struct Vitals {
    began: Instant,
    events: AtomicU64,
    computed_nanoseconds: AtomicU64,
    memory_bytes: AtomicUsize,
}

impl Default for Vitals {
    fn default() -> Self {
        Vitals {
            began: Instant::now(),
            events: AtomicU64::new(0),
            computed_nanoseconds: AtomicU64::new(0),
            memory_bytes: AtomicUsize::new(UNKNOWN),
        }
    }
}

impl Vitals {
    pub(crate) fn handled(&self, events: u64, computed: Duration) {
        // One writer: what it reads is what it wrote.
        let add =
            |number: &AtomicU64, more: u64| number.store(number.load(Ordering::Relaxed) + more, Ordering::Relaxed);
        add(&self.events, events);
        add(&self.computed_nanoseconds, u64::try_from(computed.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(crate) fn takes(&self, memory_bytes: Option<usize>) {
        self.memory_bytes.store(memory_bytes.unwrap_or(UNKNOWN), Ordering::Relaxed);
    }

    pub(crate) fn age(&self) -> Duration {
        self.began.elapsed()
    }

    pub(crate) fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    pub(crate) fn computed(&self) -> Duration {
        Duration::from_nanos(self.computed_nanoseconds.load(Ordering::Relaxed))
    }

    pub(crate) fn memory_bytes(&self) -> Option<usize> {
        Some(self.memory_bytes.load(Ordering::Relaxed)).filter(|bytes| *bytes != UNKNOWN)
    }
}
