//! How much of the log is a room's.
//!
//! *Invariant:* in no second more than its share; a line that is left out is counted, and all after it in that second
//! are, too.
use std::time::{Duration, Instant};

use crate::config::Limit;

const SECOND: Duration = Duration::from_secs(1);

/// How much of the log a room may fill.
#[derive(Debug)]
pub(super) struct Share {
    max_lines: usize,
    max_bytes: usize,
    /// When the second began in which these were written.
    since: Instant,
    lines: usize,
    bytes: usize,
    left_out: usize,
}

/// What becomes of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Log {
        /// How many lines were left out before it, if that has not been said.
        left_out: usize,
    },
    LeaveOutFirst,
    LeaveOut,
}

impl Share {
    pub(super) fn new(max_lines: usize, max_bytes: usize, now: Instant) -> Self {
        Share { max_lines, max_bytes, since: now, lines: 0, bytes: 0, left_out: 0 }
    }

    /// Whether all that is written now will be left out.
    pub(super) fn is_used_up(&self, now: Instant) -> bool {
        self.left_out > 0 && now.saturating_duration_since(self.since) < SECOND
    }

    /// Counts lines that are left out.
    pub(super) fn leave_out(&mut self, lines: usize) {
        self.left_out = self.left_out.saturating_add(lines);
    }

    pub(super) fn take(&mut self, bytes: usize, now: Instant) -> Verdict {
        let mut left_out = 0;
        if now.saturating_duration_since(self.since) >= SECOND {
            left_out = self.left_out;
            *self = Share::new(self.max_lines, self.max_bytes, now);
        }
        if self.left_out == 0 && self.lines < self.max_lines && self.bytes.saturating_add(bytes) <= self.max_bytes {
            self.lines += 1;
            self.bytes += bytes;
            return Verdict::Log { left_out };
        }
        self.left_out += 1;
        if self.left_out > 1 {
            return Verdict::LeaveOut;
        }
        let is_line_too_many = self.lines >= self.max_lines;
        let limit = if is_line_too_many { Limit::LogLinesPerSecond } else { Limit::LogBytesPerSecond };
        limit.count_exceeded();
        Verdict::LeaveOutFirst
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_for_a_second() {
        let start = Instant::now();
        let mut share = Share::new(2, 100, start);
        assert_eq!(share.take(10, start), Verdict::Log { left_out: 0 });
        assert_eq!(share.take(91, start), Verdict::LeaveOutFirst);
        assert_eq!(share.take(1, start), Verdict::LeaveOut);
        assert!(share.is_used_up(start));
        share.leave_out(3);
        let later = start + Duration::from_secs(1);
        assert!(!share.is_used_up(later));
        assert_eq!(share.take(100, later), Verdict::Log { left_out: 5 });
        assert_eq!(share.take(0, later), Verdict::Log { left_out: 0 });
        assert_eq!(share.take(0, later), Verdict::LeaveOutFirst);
    }
}
