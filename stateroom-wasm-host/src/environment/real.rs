//! The system's wall clock, which shows another time while an event has one, such as that of its recording.
//!
//! *Invariant:* the first reading in such an event is exactly its time.
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use stateroom::system_time;
use wasmtime_wasi::HostWallClock;

/// The wall clock of a guest. Clones are the same clock.
#[derive(Debug, Clone, Default)]
pub(crate) struct EventClock(Arc<Mutex<Option<EventTime>>>);

#[derive(Debug)]
struct EventTime {
    time: Duration,
    first_read: Option<Instant>,
}

impl EventClock {
    /// Sets the time of the following event, or none for the system's.
    pub(crate) fn set(&self, time: Option<Duration>) {
        *self.0.lock() = time.map(|time| EventTime { time, first_read: None });
    }
}

impl HostWallClock for EventClock {
    fn resolution(&self) -> Duration {
        Duration::from_micros(1)
    }

    fn now(&self) -> Duration {
        match &mut *self.0.lock() {
            Some(EventTime { time, first_read: Some(first) }) => time.saturating_add(first.elapsed()),
            Some(EventTime { time, first_read }) => {
                *first_read = Some(Instant::now());
                *time
            }
            None => system_time::now(),
        }
    }
}
