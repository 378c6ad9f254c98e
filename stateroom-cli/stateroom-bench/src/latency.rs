//! Latency histograms and the percentiles computed from them. Histograms record nanoseconds, percentiles are milliseconds.
use hdrhistogram::{CreationError, Histogram};
use serde::Serialize;

/// Explanation of an infinite [`p99_with_losses`].
pub(crate) const UNANSWERED: &str = "more than 1 % of messages were not answered";

/// Mean and percentiles of a latency, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LatencySummary {
    /// Mean.
    pub mean: f64,
    /// Median.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 99th percentile.
    pub p99: f64,
    /// 99.9th percentile.
    pub p99_9: f64,
    /// Maximum.
    pub max: f64,
}

impl LatencySummary {
    pub(crate) fn new(histogram: &Histogram<u64>) -> Self {
        LatencySummary {
            mean: if histogram.is_empty() { 0.0 } else { histogram.mean() / 1e6 },
            p50: quantile_ms(histogram, 0.5),
            p90: quantile_ms(histogram, 0.9),
            p99: quantile_ms(histogram, 0.99),
            p99_9: quantile_ms(histogram, 0.999),
            max: histogram.max() as f64 / 1e6,
        }
    }
}

/// Returns an empty histogram for values from 1 µs to 1 h with this number of significant digits.
///
/// # Errors
///
/// Fails for more than five digits.
pub(crate) fn new_histogram(digits: u8) -> Result<Histogram<u64>, CreationError> {
    Histogram::new_with_bounds(1_000, 3_600_000_000_000, digits)
}

/// Adds the values of `other`, a histogram with the same bounds.
pub(crate) fn merge_histogram(sum: &mut Histogram<u64>, other: &Histogram<u64>) {
    // Cannot fail: with the same bounds, whatever one holds the other can.
    if let Err(error) = sum.add(other) {
        tracing::error!(%error, "failed to merge latency histograms");
    }
}

/// Returns the p99 of `due` responses. Those that are missing from the histogram count as infinitely late.
pub(crate) fn p99_with_losses(histogram: &Histogram<u64>, due: f64) -> f64 {
    let received = histogram.len() as f64;
    if received == 0.0 || (due - received) * 100.0 > due {
        return f64::INFINITY;
    }
    quantile_ms(histogram, (0.99 * due.max(received) / received).min(1.0))
}

/// Returns a quantile, in milliseconds.
pub(crate) fn quantile_ms(histogram: &Histogram<u64>, quantile: f64) -> f64 {
    histogram.value_at_quantile(quantile) as f64 / 1e6
}

/// Returns quantiles and their values in milliseconds, ten for each additional nine, as far as there are enough values.
pub(crate) fn distribution(histogram: &Histogram<u64>) -> Vec<(f64, f64)> {
    let quantiles = (0..=60).map(|step| 1.0 - 10_f64.powf(-f64::from(step) / 10.0));
    let known = quantiles.take_while(|quantile| histogram.len() as f64 * (1.0 - quantile) >= 1.0);
    known.map(|quantile| (quantile, quantile_ms(histogram, quantile))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_responses_are_infinitely_late() {
        let mut histogram = new_histogram(3).unwrap();
        assert_eq!(p99_with_losses(&histogram, 0.0), f64::INFINITY);
        (1..=990).for_each(|ms| histogram.record(ms * 1_000_000).unwrap());
        // Of 990 due, 9 may exceed the p99. Of 995, 5 of the 9 are missing. Of 1000, all are.
        for (due, expected) in [(990.0, 981.0), (995.0, 986.0), (1000.0, 990.0), (900.0, 981.0)] {
            let p99 = p99_with_losses(&histogram, due);
            assert!((p99 / expected - 1.0).abs() < 0.001, "{due}: {p99} is not {expected}");
        }
        assert_eq!(p99_with_losses(&histogram, 1001.0), f64::INFINITY);
    }
}
