//! The time in a simulated room, and its one timer.
//!
//! *Invariant:* time passes only when it is told to, and a timer that was replaced never fires. Between two that fire is
//! some time, as in a server.
use std::time::Duration;

/// The least time between two timers that fire: a server's default.
const INTERVAL: Duration = Duration::from_millis(1);

/// All times are since the room began.
#[derive(Debug, Default)]
pub(super) struct Clock {
    now: Duration,
    timer: Option<Duration>,
    /// When the timer may fire again.
    earliest: Duration,
}

impl Clock {
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

    /// Goes on to the next time at which the timer is due, but not beyond `end`; says whether it is due.
    pub(super) fn go_to_timer(&mut self, end: Duration) -> bool {
        self.now = self.timer.map_or(end, |due| due.min(end)).max(self.now);
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
