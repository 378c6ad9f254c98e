//! The figures of one measurement, computed from its counters.
use serde::Serialize;

use crate::{
    config::Pattern,
    counters::Counters,
    latency::{LatencySummary, distribution, p99_with_losses, quantile_ms},
    timeline::{BUCKETS, Bucket},
    unexpected_messages::UnexpectedMessages,
};

/// Share of late messages above which a note warns that this machine is the limit.
const LATE_SHARE_NOTE: f64 = 0.01;

/// The figures of one measurement.
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct Measurement {
    /// Messages to send per second, unless each waited for the previous response.
    pub rate: Option<f64>,
    /// Length of the measurement, in seconds.
    pub seconds: f64,
    /// Messages sent.
    pub sent: u64,
    /// Messages that were due but not sent, because the connection was lost or its send queue was full.
    pub unsent: u64,
    /// Responses received.
    pub received: u64,
    /// Responses that were not received.
    pub lost: u64,
    /// Responses that were not expected: duplicates, and those out of order.
    pub extra: u64,
    /// Messages sent per second.
    pub sent_per_second: f64,
    /// Responses received per second.
    pub received_per_second: f64,
    /// Share of the expected responses that arrived during the measurement.
    pub followed: f64,
    /// Latency from the scheduled time of a message to its response.
    pub latency_ms: LatencySummary,
    /// The p99 that thresholds apply to: a message without a response counts as infinitely late.
    #[serde(skip)]
    pub(crate) p99_with_losses: f64,
    /// Share of messages that this machine sent more than a millisecond late.
    pub late_share: f64,
    /// Delay with which this machine sent messages. Included in their latency.
    pub late_ms: LatencySummary,
    /// Figures over time.
    pub over_time: Vec<Interval>,
    /// Notes on the figures.
    pub notes: Vec<String>,
    /// Quantiles of the latency and their values in milliseconds.
    #[serde(skip)]
    pub(crate) distribution: Vec<(f64, f64)>,
    /// Messages sent, including those of the warmup.
    #[serde(skip)]
    pub(crate) total_sent: u64,
    /// Messages received that contain no marker.
    #[serde(skip)]
    pub(crate) unexpected: UnexpectedMessages,
}

/// Figures of a part of the measurement.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Interval {
    /// Start of the interval, in seconds since that of the measurement.
    pub second: f64,
    /// Messages sent per second.
    pub sent_per_second: f64,
    /// Responses received per second.
    pub received_per_second: f64,
    /// Median latency of messages scheduled in the interval. `None` if none of them was answered.
    pub p50_ms: Option<f64>,
    /// 99th percentile of the latency of the same messages.
    pub p99_ms: Option<f64>,
}

impl Measurement {
    /// Computes the figures of a measurement that ended at `until`.
    pub(crate) fn new(counters: &Counters, until: u64, rate: Option<f64>, pattern: Pattern) -> Self {
        let window = counters.timeline.window;
        let seconds = until.min(window.until).saturating_sub(window.from) as f64 / 1e9;
        let unsent = counters.scheduled.saturating_sub(counters.sent);
        let expected = counters.expected - if excludes_sender(counters, pattern) { counters.sent } else { 0 };
        let due = expected as f64 * ratio(counters.sent + unsent, counters.sent);
        let late_share = ratio(counters.late, counters.sent);
        let lost = expected.saturating_sub(counters.received);
        let extra = counters.duplicates + counters.received.saturating_sub(expected);
        let mut notes = Vec::new();
        if rate.is_some() && late_share > LATE_SHARE_NOTE {
            notes.push(format!(
                "{:.1} % of messages were sent more than 1 ms late: this machine could not keep up, and the figures describe it \
                 rather than the server",
                late_share * 100.0
            ));
        }
        if counters.misdirected > 0 {
            notes.push(format!(
                "{} responses were delivered to clients other than the sender and are not counted: for a service that broadcasts, \
                 use --pattern broadcast",
                counters.misdirected
            ));
        }
        if pattern != Pattern::Echo && counters.received == counters.received_by_sender && lost > 0 {
            notes.push("only senders received responses: for such a service, use --pattern echo".to_owned());
        }
        if excludes_sender(counters, pattern) {
            notes.push("the service excludes the sender from broadcasts, so no response to it is expected".to_owned());
        }
        if extra > 0 {
            notes.push(format!(
                "{extra} responses were not expected: the service sends duplicates or reorders messages"
            ));
        }
        Measurement {
            rate,
            seconds,
            sent: counters.sent,
            unsent,
            received: counters.received,
            lost,
            extra,
            sent_per_second: per_second(counters.sent, seconds),
            received_per_second: per_second(counters.received_in_window, seconds),
            followed: if due > 0.0 { counters.received_in_window as f64 / due } else { 0.0 },
            latency_ms: LatencySummary::new(&counters.latency),
            p99_with_losses: p99_with_losses(&counters.latency, due),
            late_share,
            late_ms: LatencySummary::new(&counters.send_delay),
            over_time: over_time(counters, seconds),
            notes,
            distribution: distribution(&counters.latency),
            total_sent: counters.total_sent,
            unexpected: counters.unexpected.clone(),
        }
    }
}

/// Returns whether everyone in the room but the sender receives a message.
fn excludes_sender(counters: &Counters, pattern: Pattern) -> bool {
    pattern != Pattern::Echo && counters.received_by_sender == 0 && counters.received > 0
}

fn over_time(counters: &Counters, seconds: f64) -> Vec<Interval> {
    let timeline = &counters.timeline;
    let length = (timeline.window.until - timeline.window.from) as f64 / 1e9 / BUCKETS as f64;
    let buckets = (0_u32..).map(|index| f64::from(index) * length).zip(&timeline.buckets);
    // Leaves out the bucket in which an interrupted measurement ended.
    let complete = buckets.take_while(|(second, _)| second + length <= seconds * 1.000_001);
    let quantile =
        |bucket: &Bucket, quantile| (!bucket.latency.is_empty()).then(|| quantile_ms(&bucket.latency, quantile));
    complete
        .map(|(second, bucket)| Interval {
            second: (second * 1e6).round() / 1e6,
            sent_per_second: per_second(bucket.sent, length),
            received_per_second: per_second(bucket.received, length),
            p50_ms: quantile(bucket, 0.5),
            p99_ms: quantile(bucket, 0.99),
        })
        .collect()
}

fn per_second(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole > 0 { part as f64 / whole as f64 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::Window;

    const MS: u64 = 1_000_000;

    /// Counts one second in which a message is sent every 10 ms. The responses take 1 ms to 100 ms.
    fn counters(recipients: u64, is_own: bool) -> Counters {
        let mut counters = Counters::new(Window { from: 0, until: 1000 * MS }).unwrap();
        for number in 1..=100 {
            let intended = (number - 1) * 10 * MS;
            counters.record_send(intended, intended, 0, recipients);
            counters.record_response(intended, intended + number * MS, is_own);
        }
        counters
    }

    #[test]
    fn computes_figures_from_counters() {
        let measured = Measurement::new(&counters(1, true), 1000 * MS, Some(100.0), Pattern::Echo);
        let LatencySummary { mean, p50, p90, p99, max, .. } = measured.latency_ms;
        for (figure, expected) in [(mean, 50.5), (p50, 50.0), (p90, 90.0), (p99, 99.0), (max, 100.0)] {
            assert!((figure / expected - 1.0).abs() < 0.002, "{figure} is not {expected}");
        }
        assert_eq!((measured.sent, measured.received, measured.lost), (100, 100, 0));
        assert_eq!((measured.sent_per_second, measured.over_time.len()), (100.0, BUCKETS));
        // Up to the quantile that one of a hundred values determines.
        assert_eq!(measured.distribution.len(), 21);
    }

    #[test]
    fn interrupted_measurement_counts_for_its_actual_length() {
        let measured = Measurement::new(&counters(1, true), 500 * MS, None, Pattern::Echo);
        assert_eq!((measured.seconds, measured.sent_per_second, measured.over_time.len()), (0.5, 200.0, BUCKETS / 2));
        let empty = Measurement::new(&counters(1, true), 0, None, Pattern::Echo);
        assert_eq!((empty.seconds, empty.sent_per_second), (0.0, 0.0));
    }

    #[test]
    fn detects_broadcasts_that_exclude_the_sender() {
        let measured = Measurement::new(&counters(2, false), 1000 * MS, None, Pattern::Broadcast);
        assert_eq!((measured.lost, measured.extra), (0, 0));
        assert!(measured.notes[0].contains("excludes the sender"));
        let echoed = Measurement::new(&counters(2, true), 1000 * MS, None, Pattern::Broadcast);
        assert_eq!(echoed.lost, 100);
        assert!(echoed.notes[0].contains("--pattern echo"));
    }
}
