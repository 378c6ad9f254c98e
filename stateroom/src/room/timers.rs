//! The times at which a room wakes up, as wall-clock stamps.
//!
//! *Invariant:* a timer that was replaced never fires, and two timer events are at least the minimum interval apart, which is
//! longer while the room is empty.
use std::time::Duration;

use super::output::RoomLimit;

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

/// The longest time after which a timer event that failed is repeated.
const LONGEST_RETRY: Duration = Duration::from_secs(30);

/// The service's one timer, and the deadline of an empty room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Timers {
    min_interval: Duration,
    min_empty_interval: Duration,
    /// The time that the service has asked for.
    asked: Option<Timestamp>,
    /// The last timer event.
    fired: Option<Timestamp>,
    /// The number of timer events that failed since the last one that did not.
    failures: u32,
    empty_deadline: Option<Timestamp>,
}

impl Timers {
    pub(crate) fn new(min_interval: Duration, min_empty_interval: Duration) -> Self {
        Timers {
            min_interval,
            min_empty_interval: min_interval.max(min_empty_interval),
            asked: None,
            fired: None,
            failures: 0,
            empty_deadline: None,
        }
    }

    /// Sets the timer, replacing the one that is set. Returns the limit that delays it, if one does.
    pub(crate) fn set(&mut self, now: Timestamp, delay: Duration, is_empty: bool) -> Option<RoomLimit> {
        let asked = now.saturating_add(delay);
        self.asked = Some(asked);
        if asked < self.earliest(false) {
            Some(RoomLimit::TimerInterval)
        } else if asked < self.earliest(is_empty) {
            Some(RoomLimit::EmptyTimerInterval)
        } else {
            None
        }
    }

    /// Sets the timer to a point in time.
    pub(crate) fn restore(&mut self, asked: Option<Timestamp>) {
        self.asked = asked;
    }

    /// Clears the timer. The minimum interval still counts from the last timer event.
    pub(crate) fn clear(&mut self) {
        self.asked = None;
    }

    /// Records that the timer fires now, even if it was not due or not set.
    pub(crate) fn fire(&mut self, now: Timestamp) {
        self.asked = None;
        self.fired = Some(now);
    }

    /// Sets the timer to fire again, after an event that failed: later with each one.
    pub(crate) fn retry(&mut self, now: Timestamp) {
        let delay = Duration::from_secs(1_u64.checked_shl(self.failures).unwrap_or(u64::MAX));
        self.failures = self.failures.saturating_add(1);
        self.asked = Some(now.saturating_add(delay.min(LONGEST_RETRY)));
    }

    /// Records a timer event that did not fail.
    pub(crate) fn succeed(&mut self) {
        self.failures = 0;
    }

    /// Fires the timer if it is due. Returns whether it was.
    pub(crate) fn take_due(&mut self, now: Timestamp, is_empty: bool) -> bool {
        let is_due = self.due(is_empty).is_some_and(|due| due <= now);
        if is_due {
            self.fire(now);
        }
        is_due
    }

    /// Returns the time at which the timer fires, if the room stays empty or occupied.
    pub(crate) fn due(&self, is_empty: bool) -> Option<Timestamp> {
        self.asked.map(|asked| asked.max(self.earliest(is_empty)))
    }

    /// Returns the earliest time at which the timer may fire again.
    fn earliest(&self, is_empty: bool) -> Timestamp {
        let interval = if is_empty { self.min_empty_interval } else { self.min_interval };
        self.fired.map_or(Timestamp(0), |fired| fired.saturating_add(interval))
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
    pub(crate) fn next(&self, is_empty: bool) -> Option<Timestamp> {
        self.due(is_empty).into_iter().chain(self.empty_deadline).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn timers(interval: Duration) -> Timers {
        Timers::new(interval, 1000 * MS)
    }

    fn at(ms: u64) -> Timestamp {
        Timestamp(ms * 1_000_000)
    }

    #[test]
    fn the_last_timer_that_was_set_fires_once_at_its_time() {
        let mut timers = timers(MS);
        timers.set(at(0), 5 * MS, false);
        timers.set(at(0), 8 * MS, false);
        assert!(!timers.take_due(at(7), false));
        assert!(timers.take_due(at(8), false));
        assert!(!timers.take_due(at(9), false));
    }

    #[test]
    fn a_timer_without_delay_waits_for_the_interval() {
        let mut timers = timers(MS);
        assert_eq!(timers.set(at(0), Duration::ZERO, false), None);
        assert!(timers.take_due(at(0), false));
        assert_eq!(timers.set(at(0), Duration::ZERO, false), Some(RoomLimit::TimerInterval));
        assert!(!timers.take_due(at(0), false));
        assert_eq!(timers.due(false), Some(at(1)));
    }

    #[test]
    fn an_empty_deadline_runs_from_the_moment_the_room_became_empty() {
        let mut timers = timers(MS);
        timers.start_empty(at(0), Some(5 * MS));
        timers.start_empty(at(3), Some(5 * MS));
        assert_eq!(timers.next(true), Some(at(5)));
        assert!(!timers.is_empty_over(at(4)) && timers.is_empty_over(at(5)));
        timers.stop_empty();
        timers.start_empty(at(6), Some(5 * MS));
        assert!(!timers.is_empty_over(at(10)) && timers.is_empty_over(at(11)));
        timers.stop_empty();
        timers.start_empty(at(12), None);
        assert_eq!(timers.next(true), None, "never");
    }

    #[test]
    fn clearing_the_timer_keeps_the_minimum_interval() {
        let mut timers = timers(10 * MS);
        timers.fire(at(0));
        timers.clear();
        timers.set(at(1), Duration::ZERO, false);
        assert_eq!(timers.due(false), Some(at(10)));
    }

    #[test]
    fn timers_of_an_empty_room_are_further_apart_until_somebody_joins() {
        let mut timers = timers(MS);
        assert_eq!(timers.set(at(0), 16 * MS, true), None, "the first one fires on time");
        assert!(timers.take_due(at(16), true));
        assert_eq!(timers.set(at(16), 16 * MS, true), Some(RoomLimit::EmptyTimerInterval));
        assert_eq!((timers.next(true), timers.next(false)), (Some(at(1016)), Some(at(32))));
        assert!(!timers.take_due(at(1015), true));
        assert!(timers.take_due(at(1015), false));
        assert_eq!(timers.set(at(1015), 1000 * MS, true), None);
    }
}
