//! Rooms that keep failing rest for a while before they begin again. A pure type: the time is passed in.
use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

/// A room may fail so often in a row before it has to rest.
const FREE_FAILURES: u32 = 3;
/// The longest rest.
const LONGEST: Duration = Duration::from_secs(30);
/// Failures further apart than this are not in a row.
const FORGET: Duration = Duration::from_secs(60);
/// How many failed rooms are remembered.
const REMEMBERED: usize = 10_000;

/// The rooms that failed lately.
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
        Duration::from_secs(1).saturating_mul(2_u32.saturating_pow(beyond)).min(LONGEST)
    }
}

impl Backoff {
    /// A room has failed.
    pub(crate) fn failed(&mut self, room: &str, now: Instant) {
        if self.rooms.len() >= REMEMBERED {
            self.rooms.retain(|_, failures| now < failures.last + FORGET);
        }
        if let Some(failures) = self.rooms.get_mut(room) {
            let in_a_row = now < failures.last + FORGET;
            *failures = Failures { count: if in_a_row { failures.count.saturating_add(1) } else { 1 }, last: now };
        } else if self.rooms.len() < REMEMBERED {
            self.rooms.insert(room.to_owned(), Failures { count: 1, last: now });
        }
    }

    /// How long a room has still to rest.
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
    fn a_room_rests_longer_the_more_often_it_fails() {
        let (mut backoff, now) = (Backoff::default(), Instant::now());
        let mut rests = Vec::new();
        for _ in 0..10 {
            backoff.failed("a", now);
            rests.push(backoff.rest("a", now).map_or(0, |rest| rest.as_secs()));
        }
        assert_eq!(rests, [0, 0, 1, 2, 4, 8, 16, 30, 30, 30]);
        assert_eq!(backoff.rest("b", now), None);
        assert_eq!(backoff.rest("a", now + LONGEST), None);
    }

    #[test]
    fn failures_far_apart_do_not_add_up() {
        let (mut backoff, mut now) = (Backoff::default(), Instant::now());
        for _ in 0..10 {
            backoff.failed("a", now);
            now += FORGET;
        }
        assert_eq!(backoff.rest("a", now), None);
    }

    #[test]
    fn not_more_rooms_are_remembered_than_may_be() {
        let (mut backoff, now) = (Backoff::default(), Instant::now());
        for room in 0..REMEMBERED + 10 {
            backoff.failed(&room.to_string(), now);
        }
        assert_eq!(backoff.rooms.len(), REMEMBERED);
        backoff.failed("later", now + FORGET);
        assert_eq!(backoff.rooms.len(), 1);
    }
}
