//! Latency statistics.
use std::{fmt, time::Duration};

/// A sorted set of latencies.
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    pub(crate) fn new(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Latencies(times)
    }

    /// Returns the quantile in thousandths.
    fn permille(&self, permille: usize) -> Milliseconds {
        let at = (self.0.len() * permille).div_ceil(1000).saturating_sub(1);
        Milliseconds(self.0.get(at).copied().unwrap_or_default())
    }

    pub(crate) fn median(&self) -> Milliseconds {
        self.permille(500)
    }

    pub(crate) fn p99(&self) -> Milliseconds {
        self.permille(990)
    }

    pub(crate) fn max(&self) -> Milliseconds {
        self.permille(1000)
    }
}

/// Formats the median and the 99th percentile.
impl fmt::Display for Latencies {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} / {}", self.median(), self.p99())
    }
}

/// A duration that is formatted in milliseconds.
pub(crate) struct Milliseconds(pub(crate) Duration);

impl fmt::Display for Milliseconds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:.2}", self.0.as_secs_f64() * 1000.0)
    }
}

/// Returns the rate per second, rounded.
pub(crate) fn rate(count: usize, time: Duration) -> f64 {
    (count as f64 / time.as_secs_f64()).round()
}
