//! The system's wall clock, which shows another time while an event has one, such as that of its recording.
//!
//! *Invariant:* in such an event it shows exactly the event's time, whoever reads it first, and passes with many reads only.
use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use stateroom::system_time;
use wasmtime_wasi::HostWallClock;

/// The number of reads in an event before time passes with each, so that a guest that waits for its clock makes progress.
const EXACT_READS: u32 = 1000;
/// The time that passes then.
const READ_TIME: Duration = Duration::from_micros(1);

/// The wall clock of a guest. Clones are the same clock.
#[derive(Debug, Clone, Default)]
pub(crate) struct EventClock(Arc<Mutex<Option<EventTime>>>);

#[derive(Debug)]
struct EventTime {
    time: Duration,
    reads: u32,
}

impl EventClock {
    /// Sets the time of the following event, or none for the system's.
    pub(crate) fn set(&self, time: Option<Duration>) {
        *self.0.lock() = time.map(|time| EventTime { time, reads: 0 });
    }
}

impl HostWallClock for EventClock {
    fn resolution(&self) -> Duration {
        READ_TIME
    }

    fn now(&self) -> Duration {
        let mut event = self.0.lock();
        let Some(EventTime { time, reads }) = &mut *event else { return system_time::now() };
        let extra = reads.saturating_sub(EXACT_READS);
        *reads = reads.saturating_add(1);
        time.saturating_add(READ_TIME * extra)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_one_time_unless_the_guest_waits_for_its_clock() {
        let (clock, time) = (EventClock::default(), Duration::from_secs(5));
        for _ in 0..2 {
            clock.set(Some(time));
            assert!((0..1000).all(|_| clock.now() == time));
            assert!((0..5000).any(|_| clock.now() == time + Duration::from_millis(2)));
        }
        clock.set(None);
        assert!(clock.now() > time);
    }
}
