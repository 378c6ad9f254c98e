//! Quantities as people read them in messages.
use std::{fmt, time::Duration};

/// A number of bytes, in the largest unit that shows it exactly.
pub(crate) struct ByteSize(pub(crate) usize);

impl fmt::Display for ByteSize {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            bytes if bytes > 0 && bytes.trailing_zeros() >= 20 => write!(formatter, "{} MiB", bytes >> 20),
            bytes if bytes > 0 && bytes.trailing_zeros() >= 10 => write!(formatter, "{} KiB", bytes >> 10),
            bytes => write!(formatter, "{bytes} bytes"),
        }
    }
}

/// A duration in seconds.
pub(crate) struct Seconds(pub(crate) Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} s", self.0.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_have_the_largest_exact_unit() {
        assert_eq!(Seconds(Duration::from_millis(50)).to_string(), "0.05 s");
        assert_eq!(Seconds(Duration::from_secs(10)).to_string(), "10 s");
        assert_eq!(ByteSize(64 << 20).to_string(), "64 MiB");
        assert_eq!(ByteSize(3 << 10).to_string(), "3 KiB");
        assert_eq!(ByteSize(1025).to_string(), "1025 bytes");
    }
}
