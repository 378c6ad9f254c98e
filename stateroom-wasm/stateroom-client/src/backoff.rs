//! Delays between attempts to connect, in milliseconds.
//!
//! *Invariant:* delays are random, so that pages do not reconnect to a restarted server all at once, and at least
//! [`MIN_DELAY`].
use std::time::Duration;

/// The shortest delay.
const MIN_DELAY: f64 = 250.0;
/// Upper bound of the first delay.
const FIRST_DELAY: f64 = 750.0;
/// Growth of the upper bound per attempt.
const GROWTH: f64 = 1.6;
/// A connection open for this long counts as successful, and resets the delay.
const STABLE_TIME: f64 = 5000.0;

/// Random delays between [`MIN_DELAY`] and a growing upper bound.
#[derive(Debug)]
pub(crate) struct Backoff {
    /// Upper bound of the next delay.
    bound: f64,
    /// Upper bound of any delay.
    cap: f64,
}

impl Backoff {
    pub(crate) fn up_to(cap: Duration) -> Backoff {
        let cap = (cap.as_secs_f64() * 1000.0).max(MIN_DELAY);
        Backoff { bound: FIRST_DELAY.min(cap), cap }
    }

    /// Returns the delay after a connection that was open for some time, 0 if it was never open. `random` is from 0 to 1.
    pub(crate) fn after(&mut self, open_time: f64, random: f64) -> Duration {
        if open_time >= STABLE_TIME {
            self.bound = FIRST_DELAY.min(self.cap);
        }
        let delay = MIN_DELAY + random * (self.bound - MIN_DELAY);
        self.bound = (self.bound * GROWTH).min(self.cap);
        // `as` saturates.
        Duration::from_millis(delay.round() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delays(backoff: &mut Backoff, random: f64, attempts: usize) -> Vec<u128> {
        (0..attempts).map(|_| backoff.after(0.0, random).as_millis()).collect()
    }

    #[test]
    fn delays_are_random_below_a_bound_that_grows_to_a_cap() {
        let new = || Backoff::up_to(Duration::from_secs(10));
        assert_eq!(delays(&mut new(), 1.0, 8), [750, 1200, 1920, 3072, 4915, 7864, 10_000, 10_000]);
        assert_eq!(delays(&mut new(), 0.5, 3), [500, 725, 1085]);
        assert_eq!(delays(&mut new(), 0.0, 9), [250; 9]);
    }

    #[test]
    fn only_a_stable_connection_resets_the_delay() {
        let mut backoff = Backoff::up_to(Duration::from_secs(10));
        delays(&mut backoff, 1.0, 5);
        assert_eq!(backoff.after(4999.0, 1.0).as_millis(), 7864);
        assert_eq!(backoff.after(5000.0, 1.0).as_millis(), 750);
        assert_eq!(backoff.after(0.0, 1.0).as_millis(), 1200);
    }

    #[test]
    fn a_low_cap_applies_to_the_first_delay() {
        assert_eq!(delays(&mut Backoff::up_to(Duration::from_millis(500)), 1.0, 3), [500; 3]);
        assert_eq!(delays(&mut Backoff::up_to(Duration::ZERO), 1.0, 2), [250; 2]);
    }
}
