//! The quota of the log that all rooms share.
//!
//! *Invariant:* no second exceeds the quota, however many rooms there are or were in it.
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::config::Limit;

const SECOND: Duration = Duration::from_secs(1);
/// The part of the rest that one room may have logged in a second, so that many rooms that log much leave something for the
/// others.
const SHARE: usize = 8;

/// The lines and bytes per second that all rooms together may log.
#[derive(Debug)]
pub(crate) struct TotalLogQuota {
    max_lines: usize,
    max_bytes: usize,
    usage: Mutex<Usage>,
}

/// The lines and bytes logged in the current second.
#[derive(Debug, Default)]
struct Usage {
    since: Option<Instant>,
    lines: usize,
    bytes: usize,
    /// Whether the log tells that lines are dropped.
    is_reported: bool,
}

impl TotalLogQuota {
    pub(crate) fn new(max_lines: usize, max_bytes: usize) -> Self {
        TotalLogQuota { max_lines, max_bytes, usage: Mutex::default() }
    }

    /// Takes a line from the quota, for a room that has logged that much in its second.
    ///
    /// # Errors
    ///
    /// If the quota is exceeded: with the limit, if that has not been reported in this second.
    pub(super) fn take(
        &self,
        room_lines: usize,
        room_bytes: usize,
        bytes: usize,
        now: Instant,
    ) -> Result<(), Option<Limit>> {
        let mut usage = self.usage.lock();
        if usage.since.is_none_or(|since| now.saturating_duration_since(since) >= SECOND) {
            *usage = Usage { since: Some(now), ..Usage::default() };
        }
        let is_within = |max: usize, used, room: usize, more: usize| {
            let rest = max.saturating_sub(used);
            more <= rest && room.saturating_mul(SHARE) <= rest
        };
        let limit = if !is_within(self.max_lines, usage.lines, room_lines, 1) {
            Limit::TotalLogLinesPerSecond
        } else if !is_within(self.max_bytes, usage.bytes, room_bytes, bytes) {
            Limit::TotalLogBytesPerSecond
        } else {
            usage.lines += 1;
            usage.bytes += bytes;
            return Ok(());
        };
        limit.count_exceeded();
        Err((!std::mem::replace(&mut usage.is_reported, true)).then_some(limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Logs lines of one byte until one is dropped. Returns their number.
    fn log(total: &TotalLogQuota, now: Instant) -> usize {
        (0..).take_while(|lines| total.take(*lines, *lines, 1, now).is_ok()).count()
    }

    #[test]
    fn rooms_get_less_the_more_is_logged() {
        let (total, now) = (TotalLogQuota::new(900, usize::MAX), Instant::now());
        let lines: Vec<_> = (0..1000).map(|_| log(&total, now)).collect();
        assert_eq!(lines[0], 101);
        assert!(lines.windows(2).all(|pair| pair[0] >= pair[1]), "{lines:?}");
        assert!(lines[20] > 1, "a room that logs little is heard: {lines:?}");
        assert_eq!(lines.iter().sum::<usize>(), 900);
        assert_eq!(log(&total, now + SECOND), 101, "renewed");
    }

    #[test]
    fn an_exceeded_quota_is_reported_once_a_second() {
        let (total, now) = (TotalLogQuota::new(2, 100), Instant::now());
        let errors = |now| [(); 4].map(|()| total.take(0, 0, 60, now).err());
        let limit = Limit::TotalLogBytesPerSecond;
        assert_eq!(errors(now), [None, Some(Some(limit)), Some(None), Some(None)]);
        assert_eq!(errors(now + SECOND)[1], Some(Some(limit)));
    }
}
