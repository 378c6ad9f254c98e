//! The CPU time that a room has used recently, over all its events.
//!
//! *Invariant:* usage within the room's share leaks away as fast as it is added, and older usage leaks away over time.
use std::time::{Duration, Instant};

/// CPU time that a room may use at once before its share is enforced.
const BURST: Duration = Duration::from_millis(100);
/// Upper bound of the level, so that a room that always computes recovers soon after it stops.
const MAX_LEVEL: Duration = Duration::from_millis(200);

/// A leaky bucket: CPU time fills it, and it leaks at the rate of the room's share.
#[derive(Debug)]
pub(crate) struct CpuShare {
    percent: u32,
    level: Duration,
    updated_at: Instant,
}

impl CpuShare {
    /// Creates an empty bucket for a share in percent of one CPU.
    pub(crate) fn new(percent: u32, now: Instant) -> Self {
        CpuShare { percent, level: Duration::ZERO, updated_at: now }
    }

    /// Adds CPU time. Returns whether the room is above its share.
    pub(crate) fn charge(&mut self, cpu_time: Duration, now: Instant) -> bool {
        let leaked = now.duration_since(self.updated_at).saturating_mul(self.percent) / 100;
        self.level = (self.level.saturating_sub(leaked) + cpu_time).min(MAX_LEVEL);
        self.updated_at = now;
        self.level > BURST
    }

    /// Returns whether the room is above its share.
    pub(crate) fn is_exceeded(&mut self, now: Instant) -> bool {
        self.charge(Duration::ZERO, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(1);

    /// Counts the milliseconds above the share of a room that computes in every `period`th millisecond.
    fn exceeded(share: &mut CpuShare, now: &mut Instant, milliseconds: u32, period: u32) -> u32 {
        (0..milliseconds)
            .filter(|millisecond| {
                *now += TICK;
                millisecond % period == 0 && share.charge(TICK, *now)
            })
            .count() as u32
    }

    #[test]
    fn usage_within_the_share_never_exceeds_it() {
        let mut now = Instant::now();
        let mut share = CpuShare::new(10, now);
        assert_eq!(exceeded(&mut share, &mut now, 100_000, 10), 0);
    }

    #[test]
    fn permits_bursts_and_recovers_after_overuse() {
        let mut now = Instant::now();
        let mut share = CpuShare::new(10, now);
        assert_eq!(exceeded(&mut share, &mut now, 110, 1), 0, "a burst");
        assert!(exceeded(&mut share, &mut now, 10_000, 1) > 9_900, "continuous use");
        assert!(exceeded(&mut share, &mut now, 3_000, 20) > 5);
        assert_eq!(exceeded(&mut share, &mut now, 10_000, 20), 0, "recovered");
    }

    #[test]
    fn a_share_of_100_percent_is_one_cpu() {
        let mut now = Instant::now();
        let mut share = CpuShare::new(100, now);
        assert_eq!(exceeded(&mut share, &mut now, 10_000, 1), 0);
        let mut none = CpuShare::new(0, now);
        assert_eq!(exceeded(&mut none, &mut now, 200, 1), 100);
    }
}
