//! The figures of one measurement: what the counts come to.
use serde::Serialize;

use super::{
    args::Pattern,
    latency::{Latency, distribution, p99_of_due, quantile},
    notes::{leaves_out_the_sender, notes},
    slots::{SLOTS, Slot},
    tally::Tally,
};

/// Figures. Times are in milliseconds.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Measured {
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
    pub(crate) latency_ms: Latency,
    /// The p99 that is judged: what was never answered is infinitely late.
    #[serde(skip)]
    pub(crate) p99_of_due: f64,
    /// Which share of the messages left more than a millisecond late by our own fault.
    pub(crate) late_share: f64,
    /// How late messages left by our own fault, which is part of their latency.
    pub(crate) late_ms: Latency,
    pub(crate) over_time: Vec<Point>,
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
pub(crate) struct Point {
    /// When it began.
    pub(crate) second: f64,
    pub(crate) sent_per_second: f64,
    pub(crate) received_per_second: f64,
    /// Of what was meant to be sent then; nothing, if nothing of it was answered.
    pub(crate) p50_ms: Option<f64>,
    pub(crate) p99_ms: Option<f64>,
}

impl Measured {
    /// What the counts come to, if the measurement ended at that time.
    pub(crate) fn new(tally: &Tally, until: u64, rate: Option<f64>, pattern: Pattern) -> Self {
        let seconds = until.min(tally.slots.window.until).saturating_sub(tally.slots.window.from) as f64 / 1e9;
        let unsent = tally.due.saturating_sub(tally.sent);
        let expected = tally.expected - if leaves_out_the_sender(tally, pattern) { tally.sent } else { 0 };
        let due = expected as f64 * ratio(tally.sent + unsent, tally.sent);
        let mut measured = Measured {
            rate,
            seconds,
            sent: tally.sent,
            unsent,
            received: tally.heard,
            lost: expected.saturating_sub(tally.heard),
            extra: tally.repeated + tally.heard.saturating_sub(expected),
            sent_per_second: per(tally.sent, seconds),
            received_per_second: per(tally.arrived, seconds),
            followed: if due > 0.0 { tally.arrived as f64 / due } else { 0.0 },
            latency_ms: Latency::of(&tally.latency),
            p99_of_due: p99_of_due(&tally.latency, due),
            late_share: ratio(tally.late, tally.sent),
            late_ms: Latency::of(&tally.lateness),
            over_time: over_time(tally, seconds),
            notes: Vec::new(),
            distribution: distribution(&tally.latency),
            said: tally.said,
            strange: (tally.strange.count, tally.strange.samples.clone()),
        };
        measured.notes = notes(&measured, tally, pattern);
        measured
    }
}

fn over_time(tally: &Tally, seconds: f64) -> Vec<Point> {
    let whole = (tally.slots.window.until - tally.slots.window.from) as f64 / 1e9 / SLOTS as f64;
    let slots = (0_u32..).map(|place| f64::from(place) * whole).zip(&tally.slots.all);
    // What is left of a part that was cut short says nothing.
    let measured = slots.take_while(|(second, _)| second + whole <= seconds * 1.000_001);
    let at = |slot: &Slot, share| (!slot.latency.is_empty()).then(|| quantile(&slot.latency, share));
    measured
        .map(|(second, slot)| Point {
            second: (second * 1e6).round() / 1e6,
            sent_per_second: per(slot.sent, whole),
            received_per_second: per(slot.arrived, whole),
            p50_ms: at(slot, 0.5),
            p99_ms: at(slot, 0.99),
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
    use super::{super::slots::Window, *};

    const MS: u64 = 1_000_000;

    /// A second, in which each tenth millisecond one says something, which so many are answered after 1 ms to 100 ms.
    fn tally(recipients: u64, own: bool) -> Tally {
        let mut tally = Tally::new(Window { from: 0, until: 1000 * MS }).unwrap();
        for number in 1..=100 {
            let intended = (number - 1) * 10 * MS;
            tally.sends(intended, intended, 0, recipients);
            tally.hears(intended, intended + number * MS, own);
        }
        tally
    }

    #[test]
    fn figures_are_those_of_the_times() {
        let measured = Measured::new(&tally(1, true), 1000 * MS, Some(100.0), Pattern::Echo);
        let Latency { mean, p50, p90, p99, max, .. } = measured.latency_ms;
        for (figure, expected) in [(mean, 50.5), (p50, 50.0), (p90, 90.0), (p99, 99.0), (max, 100.0)] {
            assert!((figure / expected - 1.0).abs() < 0.002, "{figure} is not {expected}");
        }
        assert_eq!((measured.sent, measured.received, measured.lost), (100, 100, 0));
        assert_eq!((measured.sent_per_second, measured.over_time.len()), (100.0, SLOTS));
        // Up to the share that one of a hundred times is.
        assert_eq!(measured.distribution.len(), 21);
    }

    #[test]
    fn what_is_cut_short_counts_as_long_as_it_lasted() {
        let measured = Measured::new(&tally(1, true), 500 * MS, None, Pattern::Echo);
        assert_eq!((measured.seconds, measured.sent_per_second, measured.over_time.len()), (0.5, 200.0, SLOTS / 2));
        let nothing = Measured::new(&tally(1, true), 0, None, Pattern::Echo);
        assert_eq!((nothing.seconds, nothing.sent_per_second), (0.0, 0.0));
    }

    #[test]
    fn a_sender_may_be_left_out() {
        let measured = Measured::new(&tally(2, false), 1000 * MS, None, Pattern::Broadcast);
        assert_eq!((measured.lost, measured.extra), (0, 0));
        assert!(measured.notes[0].contains("leaves out the sender"));
        let echoed = Measured::new(&tally(2, true), 1000 * MS, None, Pattern::Broadcast);
        assert_eq!(echoed.lost, 100);
        assert!(echoed.notes[0].contains("--pattern echo"));
    }
}
