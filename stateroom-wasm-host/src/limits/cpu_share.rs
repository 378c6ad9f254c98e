//! What a room has computed lately, in all its events together.
//!
//! *Invariant:* what it computed long ago is forgiven; so is what it computes at the pace that everybody may.
use std::time::{Duration, Instant};

/// How long a room may compute at a stretch before its share is looked at.
const BURST: Duration = Duration::from_millis(100);
/// No more than this is remembered of a room that computes for ever.
const MOST: Duration = Duration::from_millis(200);

/// A bucket that fills while a room computes, and leaks as fast as it may.
#[derive(Debug)]
pub(crate) struct Share {
    percent: u32,
    level: Duration,
    looked_at: Instant,
}

impl Share {
    /// The share is so many hundredths of a processor.
    pub(crate) fn new(percent: u32, now: Instant) -> Self {
        Share { percent, level: Duration::ZERO, looked_at: now }
    }

    /// Says that the room has computed for so long; gives whether that is more than its share.
    pub(crate) fn charge(&mut self, computed: Duration, now: Instant) -> bool {
        let leaked = now.duration_since(self.looked_at).saturating_mul(self.percent) / 100;
        self.level = (self.level.saturating_sub(leaked) + computed).min(MOST);
        self.looked_at = now;
        self.level > BURST
    }

    /// Whether the room has computed more than its share.
    pub(crate) fn is_used_up(&mut self, now: Instant) -> bool {
        self.charge(Duration::ZERO, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(1);

    /// How many of so many milliseconds a room was over its share, if it computes in every `each`th.
    fn over(share: &mut Share, now: &mut Instant, milliseconds: u32, each: u32) -> u32 {
        (0..milliseconds)
            .filter(|millisecond| {
                *now += TICK;
                millisecond % each == 0 && share.charge(TICK, *now)
            })
            .count() as u32
    }

    #[test]
    fn a_room_that_computes_within_its_share_is_never_over_it() {
        let mut now = Instant::now();
        let mut share = Share::new(10, now);
        assert_eq!(over(&mut share, &mut now, 100_000, 10), 0);
    }

    #[test]
    fn a_burst_is_no_harm_and_more_than_that_is_soon_forgiven() {
        let mut now = Instant::now();
        let mut share = Share::new(10, now);
        assert_eq!(over(&mut share, &mut now, 110, 1), 0, "a burst");
        assert!(over(&mut share, &mut now, 10_000, 1) > 9_900, "it goes on for ever");
        assert!(over(&mut share, &mut now, 3_000, 20) > 5);
        assert_eq!(over(&mut share, &mut now, 10_000, 20), 0, "it has become quiet");
    }

    #[test]
    fn a_full_share_is_a_whole_processor() {
        let mut now = Instant::now();
        let mut share = Share::new(100, now);
        assert_eq!(over(&mut share, &mut now, 10_000, 1), 0);
        let mut none = Share::new(0, now);
        assert_eq!(over(&mut none, &mut now, 200, 1), 100);
    }
}
