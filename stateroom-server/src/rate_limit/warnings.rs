//! The rate limit of a warning that peers can cause.
//!
//! *Invariant:* at most one warning in [`WARNING_INTERVAL`], however often its cause occurs.
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Minimum time between two warnings.
const WARNING_INTERVAL: Duration = Duration::from_secs(10);

/// Limits the rate of one kind of warning.
#[derive(Debug, Default)]
pub(crate) struct WarningLimiter(Mutex<WarningState>);

#[derive(Debug, Default)]
struct WarningState {
    last: Option<Instant>,
    suppressed: u64,
}

impl WarningLimiter {
    /// Returns the number of warnings suppressed since the last one, or `None` if this one is suppressed, too.
    pub(crate) fn allow(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock();
        if state.last.is_some_and(|last| now.saturating_duration_since(last) < WARNING_INTERVAL) {
            state.suppressed += 1;
            return None;
        }
        state.last = Some(now);
        Some(std::mem::take(&mut state.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allows_one_warning_in_an_interval_and_counts_the_others() {
        let (limiter, start) = (WarningLimiter::default(), Instant::now());
        assert_eq!(limiter.allow(start), Some(0));
        for seconds in 0..10 {
            assert_eq!(limiter.allow(start + Duration::from_secs(seconds)), None);
        }
        assert_eq!(limiter.allow(start + WARNING_INTERVAL), Some(10));
        assert_eq!(limiter.allow(start + 3 * WARNING_INTERVAL), Some(0));
    }
}
