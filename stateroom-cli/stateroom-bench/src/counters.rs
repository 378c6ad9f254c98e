//! The counters of a measurement: each connection counts on its own, and the sum is computed at the end.
//!
//! *Invariant:* a message counts if it was scheduled within the window. Its latency begins at that time, however late it was
//! sent.
use hdrhistogram::{CreationError, Histogram};

use crate::{
    latency::{merge_histogram, new_histogram},
    timeline::{Timeline, Window},
    unexpected_messages::UnexpectedMessages,
};

/// Delay above which a message was sent late, in nanoseconds.
pub(crate) const LATE_THRESHOLD: u64 = 1_000_000;

/// Counters of a measurement.
pub(crate) struct Counters {
    /// Messages that were queued for a connection, inside the window or not.
    pub(crate) queued: u64,
    /// Messages that were sent, inside the window or not.
    pub(crate) total_sent: u64,
    /// Messages of the window that a rate scheduled.
    pub(crate) scheduled: u64,
    /// Messages of the window that were sent.
    pub(crate) sent: u64,
    /// Responses that the sent messages of the window should get.
    pub(crate) expected: u64,
    /// Responses to messages of the window.
    pub(crate) received: u64,
    /// Those of `received` that were delivered to the sender.
    pub(crate) received_by_sender: u64,
    /// Duplicates of responses to messages of the window.
    pub(crate) duplicates: u64,
    /// Echoes that were delivered to a client other than the sender.
    pub(crate) misdirected: u64,
    /// Responses that arrived within the window.
    pub(crate) received_in_window: u64,
    /// Time from the schedule to each response, in nanoseconds.
    pub(crate) latency: Histogram<u64>,
    /// Time from the schedule to each send, without that in which the server did not read, in nanoseconds.
    pub(crate) send_delay: Histogram<u64>,
    /// Messages with a send delay above [`LATE_THRESHOLD`].
    pub(crate) late: u64,
    pub(crate) timeline: Timeline,
    pub(crate) unexpected: UnexpectedMessages,
}

impl Counters {
    /// Returns counters at zero.
    ///
    /// # Errors
    ///
    /// Those of [`new_histogram`].
    pub(crate) fn new(window: Window) -> Result<Self, CreationError> {
        Ok(Counters {
            queued: 0,
            total_sent: 0,
            scheduled: 0,
            sent: 0,
            expected: 0,
            received: 0,
            received_by_sender: 0,
            duplicates: 0,
            misdirected: 0,
            received_in_window: 0,
            latency: new_histogram(3)?,
            send_delay: new_histogram(3)?,
            late: 0,
            timeline: Timeline::new(window)?,
            unexpected: UnexpectedMessages::default(),
        })
    }

    /// Counts a message sent to `recipients`. `delay` is the part of its lateness that this process caused.
    pub(crate) fn record_send(&mut self, intended: u64, at: u64, delay: u64, recipients: u64) {
        self.total_sent += 1;
        if let Some(bucket) = self.timeline.bucket(at) {
            bucket.sent += 1;
        }
        if self.timeline.bucket(intended).is_none() {
            return;
        }
        self.sent += 1;
        self.expected += recipients;
        self.send_delay.saturating_record(delay);
        self.late += u64::from(delay > LATE_THRESHOLD);
    }

    /// Counts a response. `is_own` is whether the sender received it.
    pub(crate) fn record_response(&mut self, intended: u64, at: u64, is_own: bool) {
        if let Some(bucket) = self.timeline.bucket(at) {
            bucket.received += 1;
            self.received_in_window += 1;
        }
        let Some(bucket) = self.timeline.bucket(intended) else { return };
        let latency = at.saturating_sub(intended);
        bucket.latency.saturating_record(latency);
        self.latency.saturating_record(latency);
        self.received += 1;
        self.received_by_sender += u64::from(is_own);
    }

    /// Counts a duplicate of a response.
    pub(crate) fn record_duplicate(&mut self, intended: u64) {
        self.duplicates += u64::from(self.timeline.bucket(intended).is_some());
    }

    /// Adds the counters of other connections.
    pub(crate) fn merge(&mut self, other: &Counters) {
        self.queued += other.queued;
        self.total_sent += other.total_sent;
        self.scheduled += other.scheduled;
        self.sent += other.sent;
        self.expected += other.expected;
        self.received += other.received;
        self.received_by_sender += other.received_by_sender;
        self.duplicates += other.duplicates;
        self.misdirected += other.misdirected;
        self.received_in_window += other.received_in_window;
        self.late += other.late;
        merge_histogram(&mut self.latency, &other.latency);
        merge_histogram(&mut self.send_delay, &other.send_delay);
        self.timeline.merge(&other.timeline);
        self.unexpected.merge(&other.unexpected);
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
    fn ignores_messages_scheduled_outside_the_window() {
        let mut counters = counters();
        for intended in [0, 100 * MS - 1, 100 * MS, 160 * MS - 1, 160 * MS] {
            counters.record_send(intended, intended, 0, 3);
            counters.record_response(intended, 161 * MS, true);
            counters.record_duplicate(intended);
        }
        assert_eq!((counters.sent, counters.expected, counters.received, counters.duplicates), (2, 6, 2, 2));
        assert_eq!(counters.received_in_window, 0);
        counters.record_response(0, 101 * MS, true);
        assert_eq!((counters.received, counters.received_in_window), (2, 1), "throughput counts arrivals");
    }

    #[test]
    fn latency_begins_at_the_scheduled_time() {
        let mut counters = counters();
        counters.record_send(100 * MS, 105 * MS, 5 * MS, 1);
        counters.record_response(100 * MS, 107 * MS, true);
        assert_eq!(counters.latency.max() / 10_000, 700);
        assert_eq!(counters.timeline.buckets[0].latency.len(), 1);
        assert_eq!(
            (counters.late, counters.timeline.buckets[5].sent, counters.timeline.buckets[7].received),
            (1, 1, 1)
        );
    }

    #[test]
    fn merge_adds_up() {
        let (mut one, mut other) = (counters(), counters());
        one.record_response(100 * MS, 101 * MS, true);
        other.record_response(100 * MS, 110 * MS, false);
        other.record_duplicate(100 * MS);
        one.merge(&other);
        assert_eq!((one.received, one.received_by_sender, one.duplicates), (2, 1, 1));
        assert_eq!((one.latency.len(), one.timeline.buckets[0].latency.len()), (2, 2));
        assert_eq!(one.latency.max() / MS, 10);
    }
}
