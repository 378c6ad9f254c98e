//! The grammar of durations and sizes: `30`, `30s`, `500ms`, `5m`, `2h`; `65536`, `64KiB`, `16MiB`, `1GB`.
//!
//! Flags, environment variables, `stateroom.toml` and the flags of `stateroom bench` all use it. It is a crate of its own
//! because the load generator uses it without depending on the command or the server.
//!
//! *Invariant:* a bare number is a number of seconds or bytes, and every formatted value parses back to itself.
use std::{fmt, str::FromStr, time::Duration};

use bytesize::ByteSize;

/// The error of a string that is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a duration: use a number of seconds, or a unit as in `30s`, `500ms` or `5m`")]
pub struct ParseDurationError(String);

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Parses a duration: a number of seconds, or numbers with units.
///
/// # Errors
///
/// Returns an error for negative, infinite and unreadable values, and for those that overflow a [`Duration`].
///
/// ```
/// # use std::time::Duration;
/// # use stateroom_quantity::parse_duration;
/// assert_eq!(parse_duration("0.5"), Ok(Duration::from_millis(500)));
/// assert_eq!(parse_duration("5m"), Ok(Duration::from_secs(300)));
/// assert!(parse_duration("soon").is_err());
/// ```
pub fn parse_duration(text: &str) -> Result<Duration, ParseDurationError> {
    let duration = match text.parse() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => humantime::parse_duration(text).ok(),
    };
    duration.ok_or_else(|| ParseDurationError(text.to_owned()))
}

/// Formats a duration in units that [`parse_duration`] reads, such as `1h 30m`. Whole days are not divided into months.
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    let days = duration.as_secs() / DAY.as_secs();
    match days {
        2.. if Duration::from_secs(days * DAY.as_secs()) == duration => format!("{days}days"),
        _ => humantime::format_duration(duration).to_string(),
    }
}

/// A size in bytes.
///
/// Displays as the largest binary unit that divides it evenly, such as `64KiB`, and as a bare number otherwise.
///
/// ```
/// # use stateroom_quantity::Bytes;
/// assert_eq!("16MiB".parse(), Ok(Bytes(16 << 20)));
/// assert_eq!("1GB".parse(), Ok(Bytes(1_000_000_000)));
/// assert_eq!(Bytes(65_536).to_string(), "64KiB");
/// assert_eq!(Bytes(1536).approximate(), "1.5 KiB");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

/// The error of a string that is not a size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a size: use a number of bytes, or a unit as in `64KiB`, `16MiB` or `1GB`")]
pub struct ParseBytesError(String);

impl Bytes {
    /// Returns the size rounded to one decimal, for reports.
    #[must_use]
    pub fn approximate(self) -> String {
        ByteSize(self.0).display().iec().to_string()
    }
}

impl FromStr for Bytes {
    type Err = ParseBytesError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = match text.parse() {
            Ok(bytes) => Some(bytes),
            // Sizes beyond the largest saturate.
            Err(_) => text.parse::<ByteSize>().ok().map(|size| size.0).filter(|bytes| *bytes != u64::MAX),
        };
        bytes.map(Bytes).ok_or_else(|| ParseBytesError(text.to_owned()))
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(bytesize::GIB, "GiB"), (bytesize::MIB, "MiB"), (bytesize::KIB, "KiB")];
        match units.iter().find(|(factor, _)| self.0 != 0 && self.0.is_multiple_of(*factor)) {
            Some((factor, unit)) => write!(formatter, "{}{unit}", self.0 / factor),
            None => write!(formatter, "{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_durations_with_and_without_units() {
        for (text, millis) in [
            ("0", 0),
            ("30", 30_000),
            ("0.5", 500),
            ("1e3", 1_000_000),
            ("0s", 0),
            ("30s", 30_000),
            ("30 s", 30_000),
            ("1.5s", 1_500),
            ("500ms", 500),
            ("1500us", 1),
            ("5m", 300_000),
            ("5min", 300_000),
            ("2h", 7_200_000),
            ("1h 30m", 5_400_000),
            ("300sec", 300_000),
        ] {
            assert_eq!(parse_duration(text).map(|duration| duration.as_millis()), Ok(millis), "{text}");
        }
    }

    #[test]
    fn rejects_what_is_not_a_duration() {
        for text in
            ["", " ", "s", "-1", "-1s", "30x", "30 seconds later", "inf", "nan", "1e30", "99999999999999999999h"]
        {
            let error = parse_duration(text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{text}` is not a duration: ")), "{error}");
        }
    }

    #[test]
    fn accepts_sizes_with_and_without_units() {
        for (text, bytes) in [
            ("0", 0),
            ("1000", 1000),
            ("64KiB", 65_536),
            ("64kib", 65_536),
            ("16 MiB", 16 << 20),
            ("1.5MiB", 3 << 19),
            ("2GiB", 2 << 30),
            ("1KB", 1_000),
            ("1GB", 1_000_000_000),
            ("100B", 100),
        ] {
            assert_eq!(text.parse(), Ok(Bytes(bytes)), "{text}");
        }
    }

    #[test]
    fn rejects_what_is_not_a_size() {
        for text in ["", "-1", "-1KiB", "x", "1.5", "KiB", "1XB", "16MiB!", "1e3", "inf", "99999999999GiB"] {
            let error = text.parse::<Bytes>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{text}` is not a size: ")), "{error}");
        }
    }

    #[test]
    fn parses_back_what_it_formats() {
        for bytes in [0, 1, 1000, 1023, 1024, 1536, 65_536, 16 << 20, 3 << 30, u64::MAX] {
            assert_eq!(Bytes(bytes).to_string().parse(), Ok(Bytes(bytes)));
        }
        assert_eq!(format_duration(90 * DAY), "90days");
        for millis in [0, 1, 500, 1_500, 30_000, 300_000, 5_400_000, 86_400_000, 90 * 86_400_000, 86_400_000_001] {
            let duration = Duration::from_millis(millis);
            assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
        }
    }

    #[test]
    fn approximates_in_the_largest_unit() {
        for (bytes, text) in [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (128 << 20, "128.0 MiB")] {
            assert_eq!(Bytes(bytes).approximate(), text);
        }
    }
}
