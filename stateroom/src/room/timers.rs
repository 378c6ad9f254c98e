//! The times at which a room wakes up, as wall-clock stamps.
//!
//! *Invariant:* a timer that was replaced never fires, and two timer events are at least the minimum interval apart.
use std::time::Duration;

/// A point in time: nanoseconds since the Unix epoch, or, in a simulated room, since the room was created.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// Creates the point in time this long after the epoch.
    #[must_use]
    pub fn from_duration(since_epoch: Duration) -> Self {
        Timestamp(nanoseconds(since_epoch))
    }

    /// Returns the time since the epoch.
    #[must_use]
    pub fn since_epoch(self) -> Duration {
        Duration::from_nanos(self.0)
    }

    /// Returns the point in time this much later, saturating at the latest one.
    #[must_use]
    pub fn saturating_add(self, delay: Duration) -> Self {
        Timestamp(self.0.saturating_add(nanoseconds(delay)))
    }

    /// Returns the time from `earlier` to this point, zero if `earlier` is later.
    #[must_use]
    pub fn saturating_since(self, earlier: Timestamp) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The service's one timer, and the deadline of an empty room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Timers {
    min_interval: Duration,
    due: Option<Timestamp>,
    /// The earliest time at which the timer may fire again.
    earliest: Timestamp,
    empty_deadline: Option<Timestamp>,
}

impl Timers {
    pub(crate) fn new(min_interval: Duration) -> Self {
        Timers { min_interval, due: None, earliest: Timestamp(0), empty_deadline: None }
    }

    /// Sets the timer, replacing the one that is set. Returns whether the minimum interval delays it.
    pub(crate) fn set(&mut self, now: Timestamp, delay: Duration) -> bool {
        let due = now.saturating_add(delay);
        self.due = Some(due.max(self.earliest));
        due < self.earliest
    }

    /// Sets the timer to a point in time.
    pub(crate) fn restore(&mut self, due: Option<Timestamp>) {
        self.due = due;
    }

    /// Clears the timer. The minimum interval still counts from the last timer event.
    pub(crate) fn clear(&mut self) {
        self.due = None;
    }

    /// Records that the timer fires now, even if it was not due or not set.
    pub(crate) fn fire(&mut self, now: Timestamp) {
        self.due = None;
        self.earliest = now.saturating_add(self.min_interval);
    }

    /// Fires the timer if it is due. Returns whether it was.
    pub(crate) fn take_due(&mut self, now: Timestamp) -> bool {
        let is_due = self.due.is_some_and(|due| due <= now);
        if is_due {
            self.fire(now);
        }
        is_due
    }

    /// Returns the time at which the timer fires.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        self.due
    }

    /// Starts the deadline of an empty room, unless it is running.
    pub(crate) fn start_empty(&mut self, now: Timestamp, timeout: Option<Duration>) {
        if self.empty_deadline.is_none() {
            self.empty_deadline = timeout.map(|timeout| now.saturating_add(timeout));
        }
    }

    /// Cancels the deadline of an empty room.
    pub(crate) fn stop_empty(&mut self) {
        self.empty_deadline = None;
    }

    /// Returns whether the deadline of the empty room has passed.
    pub(crate) fn is_empty_over(&self, now: Timestamp) -> bool {
        self.empty_deadline.is_some_and(|deadline| deadline <= now)
    }

    /// Returns the next time at which the room has to wake up.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.due.into_iter().chain(self.empty_deadline).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn at(ms: u64) -> Timestamp {
        Timestamp(ms * 1_000_000)
    }

    #[test]
    fn the_last_timer_that_was_set_fires_once_at_its_time() {
        let mut timers = Timers::new(MS);
        timers.set(at(0), 5 * MS);
        timers.set(at(0), 8 * MS);
        assert!(!timers.take_due(at(7)));
        assert!(timers.take_due(at(8)));
        assert!(!timers.take_due(at(9)));
    }

    #[test]
    fn a_timer_without_delay_waits_for_the_interval() {
        let mut timers = Timers::new(MS);
        assert!(!timers.set(at(0), Duration::ZERO));
        assert!(timers.take_due(at(0)));
        assert!(timers.set(at(0), Duration::ZERO), "delayed");
        assert!(!timers.take_due(at(0)));
        assert_eq!(timers.due(), Some(at(1)));
    }

    #[test]
    fn an_empty_deadline_runs_from_the_moment_the_room_became_empty() {
        let mut timers = Timers::new(MS);
        timers.start_empty(at(0), Some(5 * MS));
        timers.start_empty(at(3), Some(5 * MS));
        assert_eq!(timers.next(), Some(at(5)));
        assert!(!timers.is_empty_over(at(4)) && timers.is_empty_over(at(5)));
        timers.stop_empty();
        timers.start_empty(at(6), Some(5 * MS));
        assert!(!timers.is_empty_over(at(10)) && timers.is_empty_over(at(11)));
        timers.stop_empty();
        timers.start_empty(at(12), None);
        assert_eq!(timers.next(), None, "never");
    }

    #[test]
    fn clearing_the_timer_keeps_the_minimum_interval() {
        let mut timers = Timers::new(10 * MS);
        timers.fire(at(0));
        timers.clear();
        timers.set(at(1), Duration::ZERO);
        assert_eq!(timers.due(), Some(at(10)));
    }
}
