//! The measurement window, divided into buckets to show figures over time.
use hdrhistogram::{CreationError, Histogram};

use crate::latency::{merge_histogram, new_histogram};

/// Number of buckets.
pub(crate) const BUCKETS: usize = 60;

/// The time that is measured, in nanoseconds since the run began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) from: u64,
    pub(crate) until: u64,
}

/// The buckets of a window.
pub(crate) struct Timeline {
    pub(crate) window: Window,
    pub(crate) buckets: Vec<Bucket>,
}

/// Figures of one part of a window.
pub(crate) struct Bucket {
    /// Messages sent within it.
    pub(crate) sent: u64,
    /// Responses that arrived within it.
    pub(crate) received: u64,
    /// Latency of messages scheduled within it, in nanoseconds.
    pub(crate) latency: Histogram<u64>,
}

impl Timeline {
    /// Returns empty buckets.
    ///
    /// # Errors
    ///
    /// Those of [`new_histogram`].
    pub(crate) fn new(window: Window) -> Result<Self, CreationError> {
        let bucket = |_| Ok(Bucket { sent: 0, received: 0, latency: new_histogram(2)? });
        Ok(Timeline { window, buckets: (0..BUCKETS).map(bucket).collect::<Result<_, CreationError>>()? })
    }

    /// Returns the bucket of a time, or `None` outside the window.
    pub(crate) fn bucket(&mut self, time: u64) -> Option<&mut Bucket> {
        let Window { from, until } = self.window;
        if !(from..until).contains(&time) {
            return None;
        }
        let index = u128::from(time - from) * BUCKETS as u128 / u128::from(until - from);
        self.buckets.get_mut(index as usize)
    }

    /// Adds the buckets of another timeline with the same window.
    pub(crate) fn merge(&mut self, other: &Timeline) {
        for (bucket, other) in self.buckets.iter_mut().zip(&other.buckets) {
            bucket.sent += other.sent;
            bucket.received += other.received;
            merge_histogram(&mut bucket.latency, &other.latency);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_of_the_window_has_one_bucket() {
        let mut timeline = Timeline::new(Window { from: 100, until: 220 }).unwrap();
        for (time, index) in [(99, None), (100, Some(0)), (101, Some(0)), (102, Some(1)), (219, Some(59)), (220, None)]
        {
            if let Some(bucket) = timeline.bucket(time) {
                bucket.sent += 1;
            }
            assert_eq!(timeline.buckets.iter().position(|bucket| bucket.sent == 1), index, "{time}");
            timeline.buckets.iter_mut().for_each(|bucket| bucket.sent = 0);
        }
        assert!(Timeline::new(Window::default()).unwrap().bucket(0).is_none());
    }
}
