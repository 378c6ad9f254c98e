//! How long things took: the figures of a histogram. Times are in milliseconds.
use hdrhistogram::Histogram;
use serde::Serialize;

/// What it means that the p99 of all that was due is infinite.
pub(crate) const UNANSWERED: &str = "more than 1 % of the messages were never answered";

/// How long something took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(crate) struct LatencySummary {
    pub(crate) mean: f64,
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) p99_9: f64,
    pub(crate) max: f64,
}

impl LatencySummary {
    pub(crate) fn of(times: &Histogram<u64>) -> Self {
        LatencySummary {
            mean: if times.is_empty() { 0.0 } else { times.mean() / 1e6 },
            p50: quantile(times, 0.5),
            p90: quantile(times, 0.9),
            p99: quantile(times, 0.99),
            p99_9: quantile(times, 0.999),
            max: times.max() as f64 / 1e6,
        }
    }
}

/// The p99 of so many answers that were due, of which those that never came took infinitely long.
pub(crate) fn p99_of_due(times: &Histogram<u64>, due: f64) -> f64 {
    let come = times.len() as f64;
    if come == 0.0 || (due - come) * 100.0 > due {
        return f64::INFINITY;
    }
    quantile(times, (0.99 * due.max(come) / come).min(1.0))
}

/// The time that such a share did not exceed.
pub(crate) fn quantile(times: &Histogram<u64>, quantile: f64) -> f64 {
    times.value_at_quantile(quantile) as f64 / 1e6
}

/// The quantiles that there are enough times for, closer and closer to all.
pub(crate) fn distribution(times: &Histogram<u64>) -> Vec<(f64, f64)> {
    let shares = (0..=60).map(|step| 1.0 - 10_f64.powf(-f64::from(step) / 10.0));
    let known = shares.take_while(|share| times.len() as f64 * (1.0 - share) >= 1.0);
    known.map(|share| (share, quantile(times, share))).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::counters::times, *};

    #[test]
    fn what_never_came_is_infinitely_late() {
        let mut come = times(3).unwrap();
        assert_eq!(p99_of_due(&come, 0.0), f64::INFINITY);
        (1..=990).for_each(|ms| come.record(ms * 1_000_000).unwrap());
        // Of 990, 9 may take longer; of 995, 5 of those did not come; of 1000, there is no more to spare.
        for (due, p99) in [(990.0, 981.0), (995.0, 986.0), (1000.0, 990.0), (900.0, 981.0)] {
            let judged = p99_of_due(&come, due);
            assert!((judged / p99 - 1.0).abs() < 0.001, "{due}: {judged} is not {p99}");
        }
        assert_eq!(p99_of_due(&come, 1001.0), f64::INFINITY);
    }
}
