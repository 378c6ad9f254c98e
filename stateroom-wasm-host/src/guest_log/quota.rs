//! A room's quota of the log.
//!
//! *Invariant:* no second exceeds the quota; once a line is dropped, so are all others of that second, and they are counted.
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::total::TotalLogQuota;
use crate::config::Limit;

const SECOND: Duration = Duration::from_secs(1);

/// The lines and bytes per second that a room may log.
#[derive(Debug)]
pub(super) struct LogQuota {
    max_lines: usize,
    max_bytes: usize,
    /// The start of the second that the following numbers belong to.
    since: Instant,
    lines: usize,
    bytes: usize,
    dropped: usize,
    total: Arc<TotalLogQuota>,
}

/// Whether a line is logged.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LogDecision {
    Log {
        /// The number of lines dropped before it that have not been reported.
        dropped: usize,
    },
    /// Drop it, as the first line of this second.
    DropFirst {
        /// The limit that it exceeds.
        limit: Limit,
    },
    /// Drop it, as the first line of this second, because the guests log too much together.
    DropForTotal {
        /// The limit that they exceed, if it is to be reported: once a second.
        limit: Option<Limit>,
    },
    Drop,
}

impl LogQuota {
    pub(super) fn new(max_lines: usize, max_bytes: usize, total: Arc<TotalLogQuota>, now: Instant) -> Self {
        LogQuota { max_lines, max_bytes, since: now, lines: 0, bytes: 0, dropped: 0, total }
    }

    /// Returns whether any output would be dropped now.
    pub(super) fn is_used_up(&self, now: Instant) -> bool {
        self.dropped > 0 && now.saturating_duration_since(self.since) < SECOND
    }

    /// Counts dropped lines.
    pub(super) fn drop_lines(&mut self, lines: usize) {
        self.dropped = self.dropped.saturating_add(lines);
    }

    /// Decides about a line.
    pub(super) fn take(&mut self, bytes: usize, now: Instant) -> LogDecision {
        let mut dropped = 0;
        if now.saturating_duration_since(self.since) >= SECOND {
            dropped = std::mem::take(&mut self.dropped);
            (self.since, self.lines, self.bytes) = (now, 0, 0);
        }
        if self.dropped > 0 {
            self.dropped += 1;
            return LogDecision::Drop;
        }
        if self.lines < self.max_lines && self.bytes.saturating_add(bytes) <= self.max_bytes {
            if let Err(limit) = self.total.take(self.lines, self.bytes, bytes, now) {
                // Those of earlier seconds are reported with these.
                self.dropped = dropped + 1;
                return LogDecision::DropForTotal { limit };
            }
            self.lines += 1;
            self.bytes += bytes;
            return LogDecision::Log { dropped };
        }
        self.dropped = dropped + 1;
        let exceeds_lines = self.lines >= self.max_lines;
        let limit = if exceeds_lines { Limit::LogLinesPerSecond } else { Limit::LogBytesPerSecond };
        limit.count_exceeded();
        LogDecision::DropFirst { limit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_renewed_each_second() {
        let start = Instant::now();
        let total = Arc::new(TotalLogQuota::new(1000, 10_000));
        let mut quota = LogQuota::new(2, 100, total, start);
        assert_eq!(quota.take(10, start), LogDecision::Log { dropped: 0 });
        assert_eq!(quota.take(91, start), LogDecision::DropFirst { limit: Limit::LogBytesPerSecond });
        assert_eq!(quota.take(1, start), LogDecision::Drop);
        assert!(quota.is_used_up(start));
        quota.drop_lines(3);
        let later = start + Duration::from_secs(1);
        assert!(!quota.is_used_up(later));
        assert_eq!(quota.take(100, later), LogDecision::Log { dropped: 5 });
        assert_eq!(quota.take(0, later), LogDecision::Log { dropped: 0 });
        assert_eq!(quota.take(0, later), LogDecision::DropFirst { limit: Limit::LogLinesPerSecond });
    }
}
