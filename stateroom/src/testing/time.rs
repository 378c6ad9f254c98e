//! Concise durations for tests.
//!
//! *Invariant:* a duration that does not fit in a `u64` of seconds saturates.
use std::time::Duration;

/// Creates durations from numbers: `5.seconds()`.
///
/// ```
/// use std::time::Duration;
///
/// use stateroom::testing::Time;
///
/// assert_eq!(1.minute() + 30.seconds(), Duration::from_millis(90_000));
/// ```
pub trait Time: Sized {
    /// Returns a duration of this many milliseconds.
    fn milliseconds(self) -> Duration;

    /// Returns a duration of this many seconds.
    fn seconds(self) -> Duration;

    /// Returns a duration of this many minutes.
    fn minutes(self) -> Duration;

    /// Returns a duration of this many hours.
    fn hours(self) -> Duration;

    /// Singular form, for `1.millisecond()`.
    fn millisecond(self) -> Duration {
        self.milliseconds()
    }

    /// Singular form, for `1.second()`.
    fn second(self) -> Duration {
        self.seconds()
    }

    /// Singular form, for `1.minute()`.
    fn minute(self) -> Duration {
        self.minutes()
    }

    /// Singular form, for `1.hour()`.
    fn hour(self) -> Duration {
        self.hours()
    }
}

// Implemented for one type only, so that the type of a literal is inferred.
impl Time for u64 {
    fn milliseconds(self) -> Duration {
        Duration::from_millis(self)
    }

    fn seconds(self) -> Duration {
        Duration::from_secs(self)
    }

    fn minutes(self) -> Duration {
        Duration::from_secs(self.saturating_mul(60))
    }

    fn hours(self) -> Duration {
        Duration::from_secs(self.saturating_mul(3600))
    }
}
