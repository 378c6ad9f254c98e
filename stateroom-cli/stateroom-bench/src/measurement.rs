//! The figures of one measurement: what the counts come to.
use serde::Serialize;

use super::{
    args::Pattern,
    counters::Counters,
    latency::{LatencySummary, distribution, p99_of_due, quantile},
    notes::{leaves_out_the_sender, notes},
    timeline::{BUCKETS, Bucket},
};

/// Figures. Times are in milliseconds.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Measurement {
    /// The messages a second that were asked for.
    pub(crate) rate: Option<f64>,
    pub(crate) seconds: f64,
    pub(crate) sent: u64,
    pub(crate) unsent: u64,
    pub(crate) received: u64,
    /// Answers that did not come, and those that came though they were not due.
    pub(crate) lost: u64,
    pub(crate) extra: u64,
    pub(crate) sent_per_second: f64,
    pub(crate) received_per_second: f64,
    /// Which share of the answers that were due came during the measurement.
    pub(crate) followed: f64,
    pub(crate) latency_ms: LatencySummary,
    /// The p99 that is judged: what was never answered is infinitely late.
    #[serde(skip)]
    pub(crate) p99_of_due: f64,
    /// Which share of the messages left more than a millisecond late by our own fault.
    pub(crate) late_share: f64,
    /// How late messages left by our own fault, which is part of their latency.
    pub(crate) late_ms: LatencySummary,
    pub(crate) over_time: Vec<Interval>,
    pub(crate) notes: Vec<String>,
    /// Shares, and the times that such a share of the answers did not exceed.
    #[serde(skip)]
    pub(crate) distribution: Vec<(f64, f64)>,
    /// How many messages were sent, before the measurement as well.
    #[serde(skip)]
    pub(crate) said: u64,
    /// How many messages came that are no answers, and some of them.
    #[serde(skip)]
    pub(crate) strange: (u64, Vec<String>),
}

/// A part of the time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Interval {
    /// When it began.
    pub(crate) second: f64,
    pub(crate) sent_per_second: f64,
    pub(crate) received_per_second: f64,
    /// Of what was meant to be sent then; nothing, if nothing of it was answered.
    pub(crate) p50_ms: Option<f64>,
    pub(crate) p99_ms: Option<f64>,
}

impl Measurement {
    /// What the counts come to, if the measurement ended at that time.
    pub(crate) fn new(counters: &Counters, until: u64, rate: Option<f64>, pattern: Pattern) -> Self {
        let seconds =
            until.min(counters.timeline.window.until).saturating_sub(counters.timeline.window.from) as f64 / 1e9;
        let unsent = counters.due.saturating_sub(counters.sent);
        let expected = counters.expected - if leaves_out_the_sender(counters, pattern) { counters.sent } else { 0 };
        let due = expected as f64 * ratio(counters.sent + unsent, counters.sent);
        let mut measured = Measurement {
            rate,
            seconds,
            sent: counters.sent,
            unsent,
            received: counters.heard,
            lost: expected.saturating_sub(counters.heard),
            extra: counters.repeated + counters.heard.saturating_sub(expected),
            sent_per_second: per(counters.sent, seconds),
            received_per_second: per(counters.arrived, seconds),
            followed: if due > 0.0 { counters.arrived as f64 / due } else { 0.0 },
            latency_ms: LatencySummary::of(&counters.latency),
            p99_of_due: p99_of_due(&counters.latency, due),
            late_share: ratio(counters.late, counters.sent),
            late_ms: LatencySummary::of(&counters.lateness),
            over_time: over_time(counters, seconds),
            notes: Vec::new(),
            distribution: distribution(&counters.latency),
            said: counters.said,
            strange: (counters.strange.count, counters.strange.samples.clone()),
        };
        measured.notes = notes(&measured, counters, pattern);
        measured
    }
}

fn over_time(counters: &Counters, seconds: f64) -> Vec<Interval> {
    let whole = (counters.timeline.window.until - counters.timeline.window.from) as f64 / 1e9 / BUCKETS as f64;
    let timeline = (0_u32..).map(|place| f64::from(place) * whole).zip(&counters.timeline.all);
    // What is left of a part that was cut short says nothing.
    let measured = timeline.take_while(|(second, _)| second + whole <= seconds * 1.000_001);
    let at = |bucket: &Bucket, share| (!bucket.latency.is_empty()).then(|| quantile(&bucket.latency, share));
    measured
        .map(|(second, bucket)| Interval {
            second: (second * 1e6).round() / 1e6,
            sent_per_second: per(bucket.sent, whole),
            received_per_second: per(bucket.arrived, whole),
            p50_ms: at(bucket, 0.5),
            p99_ms: at(bucket, 0.99),
        })
        .collect()
}

fn per(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole > 0 { part as f64 / whole as f64 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::{super::timeline::Window, *};

    const MS: u64 = 1_000_000;

    /// A second, in which each tenth millisecond one says something, which so many are answered after 1 ms to 100 ms.
    fn counters(recipients: u64, own: bool) -> Counters {
        let mut counters = Counters::new(Window { from: 0, until: 1000 * MS }).unwrap();
        for number in 1..=100 {
            let intended = (number - 1) * 10 * MS;
            counters.sends(intended, intended, 0, recipients);
            counters.hears(intended, intended + number * MS, own);
        }
        counters
    }

    #[test]
    fn figures_are_those_of_the_times() {
        let measured = Measurement::new(&counters(1, true), 1000 * MS, Some(100.0), Pattern::Echo);
        let LatencySummary { mean, p50, p90, p99, max, .. } = measured.latency_ms;
        for (figure, expected) in [(mean, 50.5), (p50, 50.0), (p90, 90.0), (p99, 99.0), (max, 100.0)] {
            assert!((figure / expected - 1.0).abs() < 0.002, "{figure} is not {expected}");
        }
        assert_eq!((measured.sent, measured.received, measured.lost), (100, 100, 0));
        assert_eq!((measured.sent_per_second, measured.over_time.len()), (100.0, BUCKETS));
        // Up to the share that one of a hundred times is.
        assert_eq!(measured.distribution.len(), 21);
    }

    #[test]
    fn what_is_cut_short_counts_as_long_as_it_lasted() {
        let measured = Measurement::new(&counters(1, true), 500 * MS, None, Pattern::Echo);
        assert_eq!((measured.seconds, measured.sent_per_second, measured.over_time.len()), (0.5, 200.0, BUCKETS / 2));
        let nothing = Measurement::new(&counters(1, true), 0, None, Pattern::Echo);
        assert_eq!((nothing.seconds, nothing.sent_per_second), (0.0, 0.0));
    }

    #[test]
    fn a_sender_may_be_left_out() {
        let measured = Measurement::new(&counters(2, false), 1000 * MS, None, Pattern::Broadcast);
        assert_eq!((measured.lost, measured.extra), (0, 0));
        assert!(measured.notes[0].contains("leaves out the sender"));
        let echoed = Measurement::new(&counters(2, true), 1000 * MS, None, Pattern::Broadcast);
        assert_eq!(echoed.lost, 100);
        assert!(echoed.notes[0].contains("--pattern echo"));
    }
}
