//! The window of time that is measured, and its parts, to see how things went over time.
use hdrhistogram::{CreationError, Histogram};

use super::counters::{add, times};

/// In so many parts it is cut.
pub(crate) const BUCKETS: usize = 60;

/// What is measured: from when, until when, in nanoseconds since the run began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) from: u64,
    pub(crate) until: u64,
}

/// The parts of a window.
pub(crate) struct Timeline {
    pub(crate) window: Window,
    pub(crate) all: Vec<Bucket>,
}

/// A part of a window.
pub(crate) struct Bucket {
    /// Messages that left in it, and answers that came.
    pub(crate) sent: u64,
    pub(crate) arrived: u64,
    /// Of those that were meant to be sent in it.
    pub(crate) latency: Histogram<u64>,
}

impl Timeline {
    /// Nothing yet.
    ///
    /// # Errors
    ///
    /// Those of [`times`].
    pub(crate) fn new(window: Window) -> Result<Self, CreationError> {
        let bucket = |_| Ok(Bucket { sent: 0, arrived: 0, latency: times(2)? });
        Ok(Timeline { window, all: (0..BUCKETS).map(bucket).collect::<Result<_, CreationError>>()? })
    }

    /// The part that a time is in, if it is in the window.
    pub(crate) fn at(&mut self, time: u64) -> Option<&mut Bucket> {
        let Window { from, until } = self.window;
        if !(from..until).contains(&time) {
            return None;
        }
        let place = u128::from(time - from) * BUCKETS as u128 / u128::from(until - from);
        self.all.get_mut(place as usize)
    }

    /// Adds what another has counted.
    pub(crate) fn add(&mut self, other: &Timeline) {
        for (bucket, other) in self.all.iter_mut().zip(&other.all) {
            bucket.sent += other.sent;
            bucket.arrived += other.arrived;
            add(&mut bucket.latency, &other.latency);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_of_the_window_has_its_part() {
        let mut timeline = Timeline::new(Window { from: 100, until: 220 }).unwrap();
        for (time, place) in [(99, None), (100, Some(0)), (101, Some(0)), (102, Some(1)), (219, Some(59)), (220, None)]
        {
            if let Some(bucket) = timeline.at(time) {
                bucket.sent += 1;
            }
            assert_eq!(timeline.all.iter().position(|bucket| bucket.sent == 1), place, "{time}");
            timeline.all.iter_mut().for_each(|bucket| bucket.sent = 0);
        }
        assert!(Timeline::new(Window::default()).unwrap().at(0).is_none());
    }
}
