//! A room's turn: how long it passes on messages before it lets other tasks run, and the time that takes. The times are passed
//! in where they are known.
//!
//! *Invariant:* a small amount of work reads no clock.
use std::time::{Duration, Instant};

/// Amount of work after which the time is checked.
const CHECKED_WORK: usize = 1024;
/// Amount of work of a turn from which its time counts.
const COUNTED_WORK: usize = 192;
/// Maximum time of a turn, which its last piece of work may exceed. A message of another room waits for several turns.
const MAX_TIME: Duration = Duration::from_micros(250);
/// This many bytes of a message take about as long as queueing it for one more client.
const BYTES_OF_WORK: usize = 256;

/// A room's turn. Its work is counted in messages queued for one client each.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// `None` before the time is needed.
    started: Option<Instant>,
    work: usize,
    unchecked: usize,
}

impl Turn {
    pub(super) fn start(now: Instant) -> Self {
        Turn { started: Some(now), ..Turn::default() }
    }

    /// Adds the delivery of a message of `bytes` bytes to `recipients` clients.
    pub(super) fn add(&mut self, recipients: usize, bytes: usize) {
        self.unchecked += recipients + bytes / BYTES_OF_WORK;
    }

    /// Returns whether it is time to let others run.
    pub(super) fn is_over(&mut self) -> bool {
        if self.unchecked < CHECKED_WORK {
            return false;
        }
        self.work += std::mem::take(&mut self.unchecked);
        self.started.get_or_insert_with(Instant::now).elapsed() >= MAX_TIME
    }

    /// Returns the time of the turn, zero if little was done.
    pub(super) fn time(&self) -> Duration {
        let started = self.started.filter(|_| self.work + self.unchecked >= COUNTED_WORK);
        started.map_or(Duration::ZERO, |started| started.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_over_after_its_time_if_there_was_work() {
        let Some(earlier) = Instant::now().checked_sub(MAX_TIME) else { return };
        let mut turn = Turn::start(earlier);
        turn.add(COUNTED_WORK - 1, 0);
        assert!(!turn.is_over());
        assert_eq!(turn.time(), Duration::ZERO);
        turn.add(1, CHECKED_WORK * BYTES_OF_WORK);
        assert!(turn.is_over());
        assert!(!turn.is_over(), "not before it has done more");
        assert!(turn.time() >= MAX_TIME);
        for mut turn in [Turn::start(Instant::now() + Duration::from_secs(60)), Turn::default()] {
            turn.add(CHECKED_WORK, 0);
            assert!(!turn.is_over());
        }
    }
}
