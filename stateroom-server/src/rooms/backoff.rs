//! The backoff of rooms that keep failing. A pure type: the time is passed in.
//!
//! *Invariant:* a bounded number of failed rooms is remembered.
use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

/// Number of consecutive failures without backoff.
const FREE_FAILURES: u32 = 3;
/// Maximum backoff.
const MAX_BACKOFF: Duration = Duration::from_secs(30);
/// Failures further apart than this are not consecutive.
const RESET_INTERVAL: Duration = Duration::from_secs(60);
/// Maximum number of remembered rooms.
const MAX_ROOMS: usize = 10_000;

/// The rooms that failed recently.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    rooms: HashMap<String, Failures>,
}

#[derive(Debug)]
struct Failures {
    count: u32,
    last: Instant,
}

impl Failures {
    fn rest(&self) -> Duration {
        let Some(beyond) = self.count.checked_sub(FREE_FAILURES) else { return Duration::ZERO };
        Duration::from_secs(1).saturating_mul(2_u32.saturating_pow(beyond)).min(MAX_BACKOFF)
    }
}

impl Backoff {
    /// Records a failure of a room.
    pub(crate) fn failed(&mut self, room: &str, now: Instant) {
        if self.rooms.len() >= MAX_ROOMS {
            self.rooms.retain(|_, failures| now < failures.last + RESET_INTERVAL);
        }
        if let Some(failures) = self.rooms.get_mut(room) {
            let is_consecutive = now < failures.last + RESET_INTERVAL;
            *failures =
                Failures { count: if is_consecutive { failures.count.saturating_add(1) } else { 1 }, last: now };
        } else if self.rooms.len() < MAX_ROOMS {
            self.rooms.insert(room.to_owned(), Failures { count: 1, last: now });
        }
    }

    /// Returns the remaining backoff of a room.
    pub(crate) fn rest(&self, room: &str, now: Instant) -> Option<Duration> {
        let failures = self.rooms.get(room)?;
        let left = (failures.last + failures.rest()).saturating_duration_since(now);
        (!left.is_zero()).then_some(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_with_each_failure() {
        let (mut backoff, now) = (Backoff::default(), Instant::now());
        let mut rests = Vec::new();
        for _ in 0..10 {
            backoff.failed("a", now);
            rests.push(backoff.rest("a", now).map_or(0, |rest| rest.as_secs()));
        }
        assert_eq!(rests, [0, 0, 1, 2, 4, 8, 16, 30, 30, 30]);
        assert_eq!(backoff.rest("b", now), None);
        assert_eq!(backoff.rest("a", now + MAX_BACKOFF), None);
    }

    #[test]
    fn failures_far_apart_are_not_consecutive() {
        let (mut backoff, mut now) = (Backoff::default(), Instant::now());
        for _ in 0..10 {
            backoff.failed("a", now);
            now += RESET_INTERVAL;
        }
        assert_eq!(backoff.rest("a", now), None);
    }

    #[test]
    fn remembers_a_bounded_number_of_rooms() {
        let (mut backoff, now) = (Backoff::default(), Instant::now());
        for room in 0..MAX_ROOMS + 10 {
            backoff.failed(&room.to_string(), now);
        }
        assert_eq!(backoff.rooms.len(), MAX_ROOMS);
        backoff.failed("later", now + RESET_INTERVAL);
        assert_eq!(backoff.rooms.len(), 1);
    }
}
