//! How long to wait until a connection is tried again. Times are in milliseconds.
//!
//! *Invariant:* the pages that a server has lost do not come back in the same moment, nor ever more often than [`LEAST`].
use std::time::Duration;

/// The shortest wait.
const LEAST: f64 = 250.0;
/// The longest that the first wait may be.
const FIRST: f64 = 750.0;
/// By how much that grows from try to try.
const GROWTH: f64 = 1.6;
/// A connection that has held for so long has worked: the next wait is a first one.
const STABLE: f64 = 5000.0;

/// Waits at random between [`LEAST`] and a time that grows.
#[derive(Debug)]
pub(crate) struct Backoff {
    /// The longest that the next wait may be.
    longest: f64,
    /// The longest that any may be.
    cap: f64,
}

impl Backoff {
    pub(crate) fn up_to(cap: Duration) -> Backoff {
        let cap = (cap.as_secs_f64() * 1000.0).max(LEAST);
        Backoff { longest: FIRST.min(cap), cap }
    }

    /// How long to wait after a connection that has held for some time, 0 where it never was one. `random` is 0 to 1.
    pub(crate) fn after(&mut self, held: f64, random: f64) -> Duration {
        if held >= STABLE {
            self.longest = FIRST.min(self.cap);
        }
        let wait = LEAST + random * (self.longest - LEAST);
        self.longest = (self.longest * GROWTH).min(self.cap);
        // `as` keeps to the range of the type, whatever the number is.
        Duration::from_millis(wait.round() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(backoff: &mut Backoff, random: f64, tries: usize) -> Vec<u128> {
        (0..tries).map(|_| backoff.after(0.0, random).as_millis()).collect()
    }

    #[test]
    fn waits_are_at_random_and_what_they_may_be_grows_to_a_cap() {
        let new = || Backoff::up_to(Duration::from_secs(10));
        assert_eq!(waits(&mut new(), 1.0, 8), [750, 1200, 1920, 3072, 4915, 7864, 10_000, 10_000]);
        assert_eq!(waits(&mut new(), 0.5, 3), [500, 725, 1085]);
        assert_eq!(waits(&mut new(), 0.0, 9), [250; 9]);
    }

    #[test]
    fn only_a_connection_that_held_begins_anew() {
        let mut backoff = Backoff::up_to(Duration::from_secs(10));
        waits(&mut backoff, 1.0, 5);
        assert_eq!(backoff.after(4999.0, 1.0).as_millis(), 7864);
        assert_eq!(backoff.after(5000.0, 1.0).as_millis(), 750);
        assert_eq!(backoff.after(0.0, 1.0).as_millis(), 1200);
    }

    #[test]
    fn a_low_cap_holds_from_the_beginning() {
        assert_eq!(waits(&mut Backoff::up_to(Duration::from_millis(500)), 1.0, 3), [500; 3]);
        assert_eq!(waits(&mut Backoff::up_to(Duration::ZERO), 1.0, 2), [250; 2]);
    }
}
