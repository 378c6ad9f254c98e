//! What is counted during a measurement: by each connection for itself, and added up in the end.
//!
//! *Invariant:* a message counts if it was meant to be sent within the window; its latency is from that time on, however
//! late it left.
use hdrhistogram::{CreationError, Histogram};

use super::{
    timeline::{Timeline, Window},
    unexpected_messages::UnexpectedMessages,
};

/// A message that leaves later than that is late.
pub(crate) const LATE: u64 = 1_000_000;

/// What was counted.
pub(crate) struct Counters {
    /// Messages that somebody was told to send, and those that were sent, within the window or not.
    pub(crate) ordered: u64,
    pub(crate) said: u64,
    /// Messages of the window that were to be sent at a given rate, and those that were sent.
    pub(crate) due: u64,
    pub(crate) sent: u64,
    /// How many answers are due to those that were sent.
    pub(crate) expected: u64,
    /// Answers to messages of the window: all, and those that went to the message's own sender.
    pub(crate) heard: u64,
    pub(crate) own: u64,
    /// What came again of the window's messages.
    pub(crate) repeated: u64,
    /// Answers that were not expected of an echo: they went to others.
    pub(crate) astray: u64,
    /// Answers that came during the window.
    pub(crate) arrived: u64,
    /// How long answers took.
    pub(crate) latency: Histogram<u64>,
    /// How late messages left, by our own fault.
    pub(crate) lateness: Histogram<u64>,
    pub(crate) late: u64,
    pub(crate) timeline: Timeline,
    /// What else came.
    pub(crate) strange: UnexpectedMessages,
}

impl Counters {
    /// Nothing yet.
    ///
    /// # Errors
    ///
    /// Those of [`times`].
    pub(crate) fn new(window: Window) -> Result<Self, CreationError> {
        Ok(Counters {
            ordered: 0,
            said: 0,
            due: 0,
            sent: 0,
            expected: 0,
            heard: 0,
            own: 0,
            repeated: 0,
            astray: 0,
            arrived: 0,
            latency: times(3)?,
            lateness: times(3)?,
            late: 0,
            timeline: Timeline::new(window)?,
            strange: UnexpectedMessages::default(),
        })
    }

    /// A message leaves, for so many. `late` is our own part of its delay.
    pub(crate) fn sends(&mut self, intended: u64, at: u64, late: u64, recipients: u64) {
        self.said += 1;
        if let Some(bucket) = self.timeline.at(at) {
            bucket.sent += 1;
        }
        if self.timeline.at(intended).is_none() {
            return;
        }
        self.sent += 1;
        self.expected += recipients;
        self.lateness.saturating_record(late);
        self.late += u64::from(late > LATE);
    }

    /// An answer comes. `own` is whether it went to who had asked.
    pub(crate) fn hears(&mut self, intended: u64, at: u64, own: bool) {
        if let Some(bucket) = self.timeline.at(at) {
            bucket.arrived += 1;
            self.arrived += 1;
        }
        let Some(bucket) = self.timeline.at(intended) else { return };
        let latency = at.saturating_sub(intended);
        bucket.latency.saturating_record(latency);
        self.latency.saturating_record(latency);
        self.heard += 1;
        self.own += u64::from(own);
    }

    /// Something comes that has come before.
    pub(crate) fn repeats(&mut self, intended: u64) {
        self.repeated += u64::from(self.timeline.at(intended).is_some());
    }

    /// Adds what another has counted.
    pub(crate) fn add(&mut self, other: &Counters) {
        self.ordered += other.ordered;
        self.said += other.said;
        self.sent += other.sent;
        self.due += other.due;
        self.expected += other.expected;
        self.heard += other.heard;
        self.own += other.own;
        self.repeated += other.repeated;
        self.astray += other.astray;
        self.arrived += other.arrived;
        self.late += other.late;
        add(&mut self.latency, &other.latency);
        add(&mut self.lateness, &other.lateness);
        self.timeline.add(&other.timeline);
        self.strange.add(&other.strange);
    }
}

/// No times yet. They are told apart by a microsecond, and up to an hour, by that many digits.
///
/// # Errors
///
/// None for so few digits.
pub(crate) fn times(digits: u8) -> Result<Histogram<u64>, CreationError> {
    Histogram::new_with_bounds(1_000, 3_600_000_000_000, digits)
}

/// Adds times that have the same bounds, so that what one holds the other can.
pub(crate) fn add(sum: &mut Histogram<u64>, other: &Histogram<u64>) {
    if let Err(error) = sum.add(other) {
        tracing::error!("times are left out: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn counters() -> Counters {
        Counters::new(Window { from: 100 * MS, until: 160 * MS }).unwrap()
    }

    #[test]
    fn what_was_meant_to_be_sent_before_or_after_does_not_count() {
        let mut counters = counters();
        for intended in [0, 100 * MS - 1, 100 * MS, 160 * MS - 1, 160 * MS] {
            counters.sends(intended, intended, 0, 3);
            counters.hears(intended, 161 * MS, true);
            counters.repeats(intended);
        }
        assert_eq!(
            (counters.sent, counters.expected, counters.heard, counters.repeated, counters.arrived),
            (2, 6, 2, 2, 0)
        );
        counters.hears(0, 101 * MS, true);
        assert_eq!((counters.heard, counters.arrived), (2, 1), "an answer counts for the rate when it comes");
    }

    #[test]
    fn latency_counts_from_when_it_was_meant_to_be_sent() {
        let mut counters = counters();
        counters.sends(100 * MS, 105 * MS, 5 * MS, 1);
        counters.hears(100 * MS, 107 * MS, true);
        assert_eq!(counters.latency.max() / 10_000, 700);
        assert_eq!(counters.timeline.all[0].latency.len(), 1);
        assert_eq!((counters.late, counters.timeline.all[5].sent, counters.timeline.all[7].arrived), (1, 1, 1));
    }

    #[test]
    fn tallies_add_up() {
        let (mut one, mut other) = (counters(), counters());
        one.hears(100 * MS, 101 * MS, true);
        other.hears(100 * MS, 110 * MS, false);
        other.repeats(100 * MS);
        one.add(&other);
        assert_eq!(
            (one.heard, one.own, one.repeated, one.latency.len(), one.timeline.all[0].latency.len()),
            (2, 1, 1, 2, 2)
        );
        assert_eq!(one.latency.max() / MS, 10);
    }
}
