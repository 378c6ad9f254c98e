//! The use of an event's time budgets.
//!
//! *Invariant:* time in which an event yields to others is not time in which it computes or sleeps.
use std::time::Duration;

use tokio::{sync::OwnedSemaphorePermit, time};

/// The time used by an event that did not end at once.
#[derive(Debug, Default)]
pub(super) struct EventUsage {
    /// CPU time of the event, as far as it is known.
    pub(super) cpu_time: Duration,
    /// Time in which the event yielded to others.
    pub(super) yielded: Duration,
    /// The start of the current yield, if the event yields; otherwise it computes or sleeps.
    pub(super) yielding_since: Option<time::Instant>,
    pub(super) permit: Option<OwnedSemaphorePermit>,
    pub(super) cpu_exhausted: bool,
    /// Whether another event has begun since the last pause.
    pub(super) next_event_began: bool,
}

impl EventUsage {
    /// Returns the time in which the event yielded until now.
    pub(super) fn yielded(&self) -> Duration {
        self.yielded + self.yielding_since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}
