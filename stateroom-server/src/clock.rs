//! The range of the clock that HTTP dates and tokens can express.
//!
//! *Invariant:* libraries that would panic outside of it are not asked for the time.
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The end of the year 9999, since 1970.
const END: Duration = Duration::from_secs(253_402_300_800);

/// Returns whether a time is between the years 1970 and 9999.
pub(crate) fn is_expressible(time: SystemTime) -> bool {
    time.duration_since(UNIX_EPOCH).is_ok_and(|since| since < END)
}

/// Returns whether it is such a time now.
pub(crate) fn is_set() -> bool {
    is_expressible(SystemTime::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_is_that_of_http_dates() {
        for (time, expected) in [
            (UNIX_EPOCH, true),
            (UNIX_EPOCH - Duration::from_nanos(1), false),
            (UNIX_EPOCH + END, false),
            (UNIX_EPOCH + END - Duration::from_secs(1), true),
        ] {
            assert_eq!(is_expressible(time), expected, "{time:?}");
        }
        assert!(is_set());
    }
}
