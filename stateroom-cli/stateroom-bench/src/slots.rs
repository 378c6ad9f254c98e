//! The window of time that is measured, and its parts, to see how things went over time.
use hdrhistogram::{CreationError, Histogram};

use super::tally::{add, times};

/// In so many parts it is cut.
pub(crate) const SLOTS: usize = 60;

/// What is measured: from when, until when, in nanoseconds since the run began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) from: u64,
    pub(crate) until: u64,
}

/// The parts of a window.
pub(crate) struct Slots {
    pub(crate) window: Window,
    pub(crate) all: Vec<Slot>,
}

/// A part of a window.
pub(crate) struct Slot {
    /// Messages that left in it, and answers that came.
    pub(crate) sent: u64,
    pub(crate) arrived: u64,
    /// Of those that were meant to be sent in it.
    pub(crate) latency: Histogram<u64>,
}

impl Slots {
    /// Nothing yet.
    ///
    /// # Errors
    ///
    /// Those of [`times`].
    pub(crate) fn new(window: Window) -> Result<Self, CreationError> {
        let slot = |_| Ok(Slot { sent: 0, arrived: 0, latency: times(2)? });
        Ok(Slots { window, all: (0..SLOTS).map(slot).collect::<Result<_, CreationError>>()? })
    }

    /// The part that a time is in, if it is in the window.
    pub(crate) fn at(&mut self, time: u64) -> Option<&mut Slot> {
        let Window { from, until } = self.window;
        if !(from..until).contains(&time) {
            return None;
        }
        let place = u128::from(time - from) * SLOTS as u128 / u128::from(until - from);
        self.all.get_mut(place as usize)
    }

    /// Adds what another has counted.
    pub(crate) fn add(&mut self, other: &Slots) {
        for (slot, other) in self.all.iter_mut().zip(&other.all) {
            slot.sent += other.sent;
            slot.arrived += other.arrived;
            add(&mut slot.latency, &other.latency);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_of_the_window_has_its_part() {
        let mut slots = Slots::new(Window { from: 100, until: 220 }).unwrap();
        for (time, place) in [(99, None), (100, Some(0)), (101, Some(0)), (102, Some(1)), (219, Some(59)), (220, None)]
        {
            if let Some(slot) = slots.at(time) {
                slot.sent += 1;
            }
            assert_eq!(slots.all.iter().position(|slot| slot.sent == 1), place, "{time}");
            slots.all.iter_mut().for_each(|slot| slot.sent = 0);
        }
        assert!(Slots::new(Window::default()).unwrap().at(0).is_none());
    }
}
