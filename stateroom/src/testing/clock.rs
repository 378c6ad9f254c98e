//! The time in a simulated room, and its one timer.
//!
//! *Invariant:* time passes only when it is told to, and a timer that was replaced never fires. Between two that fire is
//! some time, as in a server.
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// The least time between two timers that fire: a server's default.
const INTERVAL: Duration = Duration::from_millis(1);

/// The time in a simulated room, for a service that has a clock of its own: a compiled module, for one. Clones are the same
/// clock.
#[derive(Debug, Clone, Default)]
pub struct RoomClock(Arc<AtomicU64>);

impl RoomClock {
    /// The time since the room began.
    #[must_use]
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

/// All times are since the room began.
#[derive(Debug, Default)]
pub(super) struct Clock {
    now: Duration,
    /// What others read it by.
    shown: RoomClock,
    timer: Option<Duration>,
    /// When the timer may fire again.
    earliest: Duration,
}

impl Clock {
    /// A clock that is read by this one as well.
    pub(super) fn shown_by(shown: RoomClock) -> Self {
        Clock { shown, ..Clock::default() }
    }

    pub(super) fn now(&self) -> Duration {
        self.now
    }

    pub(super) fn timer(&self) -> Option<Duration> {
        self.timer
    }

    /// Sets the timer, instead of the one that is set.
    pub(super) fn set_timer(&mut self, delay: Duration) {
        self.timer = Some(self.now.saturating_add(delay).max(self.earliest));
    }

    /// There is no service any more that would have set it; the next one's may fire at once.
    pub(super) fn clear_timer(&mut self) {
        (self.timer, self.earliest) = (None, self.now);
    }

    /// The timer fires now, whenever it was set for.
    pub(super) fn fire_timer(&mut self) {
        (self.timer, self.earliest) = (None, self.now.saturating_add(INTERVAL));
    }

    /// Goes on to the next time at which the timer is due, but not beyond `end`; says whether it is due.
    pub(super) fn go_to_timer(&mut self, end: Duration) -> bool {
        self.now = self.timer.map_or(end, |due| due.min(end)).max(self.now);
        self.shown.0.store(u64::try_from(self.now.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        let is_due = self.timer.take_if(|due| *due <= self.now).is_some();
        if is_due {
            self.earliest = self.now.saturating_add(INTERVAL);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_timer_that_was_set_fires_once_and_at_its_time() {
        let mut clock = Clock::default();
        clock.set_timer(Duration::from_millis(5));
        clock.set_timer(Duration::from_millis(8));
        assert!(clock.go_to_timer(Duration::from_secs(1)));
        assert_eq!(clock.now(), Duration::from_millis(8));
        assert!(!clock.go_to_timer(Duration::from_secs(1)));
        assert_eq!(clock.now(), Duration::from_secs(1));
    }

    #[test]
    fn a_timer_without_delay_waits_for_the_interval() {
        let mut clock = Clock::default();
        clock.set_timer(Duration::ZERO);
        assert!(clock.go_to_timer(Duration::ZERO));
        clock.set_timer(Duration::ZERO);
        assert!(!clock.go_to_timer(Duration::ZERO));
        assert_eq!(clock.timer(), Some(INTERVAL));
    }
}
