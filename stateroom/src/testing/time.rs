//! Times that read well in a test.
use std::time::Duration;

/// Makes times of numbers: `5.seconds()`.
///
/// ```
/// use std::time::Duration;
///
/// use stateroom::testing::Time;
///
/// assert_eq!(1.minute() + 30.seconds(), Duration::from_millis(90_000));
/// ```
pub trait Time: Sized {
    /// So many milliseconds.
    fn milliseconds(self) -> Duration;

    /// So many seconds.
    fn seconds(self) -> Duration;

    /// So many minutes.
    fn minutes(self) -> Duration;

    /// So many hours.
    fn hours(self) -> Duration;

    /// For `1.millisecond()`.
    fn millisecond(self) -> Duration {
        self.milliseconds()
    }

    /// For `1.second()`.
    fn second(self) -> Duration {
        self.seconds()
    }

    /// For `1.minute()`.
    fn minute(self) -> Duration {
        self.minutes()
    }

    /// For `1.hour()`.
    fn hour(self) -> Duration {
        self.hours()
    }
}

// For one type only, or a plain number could not tell which it is.
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
