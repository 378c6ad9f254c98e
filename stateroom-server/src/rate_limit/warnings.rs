//! The rate limit of a line of the log that peers or services can cause.
//!
//! *Invariant:* no interval has more lines than the limiter permits, however often their cause occurs.
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Limits the rate of one kind of warning.
#[derive(Debug)]
pub(crate) struct WarningLimiter {
    max: u32,
    interval: Duration,
    state: Mutex<WarningState>,
}

#[derive(Debug)]
struct WarningState {
    /// The start of the current interval.
    since: Option<Instant>,
    /// Number of warnings in it.
    warnings: u32,
    suppressed: u64,
}

impl Default for WarningLimiter {
    /// Creates a limiter of warnings that one is enough of: one in 10 seconds.
    fn default() -> Self {
        Self::new(1, Duration::from_secs(10))
    }
}

impl WarningLimiter {
    /// Creates a limiter of warnings that are each worth reading: 10 per second.
    pub(crate) const fn frequent() -> Self {
        Self::new(10, Duration::from_secs(1))
    }

    const fn new(max: u32, interval: Duration) -> Self {
        let state = WarningState { since: None, warnings: 0, suppressed: 0 };
        WarningLimiter { max, interval, state: Mutex::new(state) }
    }

    /// Returns the number of warnings suppressed since the last one, or `None` if this one is suppressed, too.
    pub(crate) fn allow(&self, now: Instant) -> Option<u64> {
        let mut state = self.state.lock();
        if state.since.is_none_or(|since| now.saturating_duration_since(since) >= self.interval) {
            (state.since, state.warnings) = (Some(now), 0);
        }
        if state.warnings >= self.max {
            state.suppressed += 1;
            return None;
        }
        state.warnings += 1;
        Some(std::mem::take(&mut state.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allows_some_warnings_in_an_interval_and_counts_the_others() {
        let start = Instant::now();
        for (limiter, max) in [(WarningLimiter::default(), 1), (WarningLimiter::frequent(), 10)] {
            let allowed = |times| (0..times).filter_map(|_| limiter.allow(start)).collect::<Vec<_>>();
            assert_eq!(allowed(max), vec![0; max]);
            assert!(allowed(7).is_empty());
            assert_eq!(limiter.allow(start + limiter.interval), Some(7));
            assert_eq!(limiter.allow(start + 3 * limiter.interval), Some(0));
        }
    }
}
