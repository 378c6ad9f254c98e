//! The time in a simulated room.
//!
//! *Invariant:* time passes only when the room is told to let it pass.
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::room::Timestamp;

/// The time in a simulated room, for a service that has a clock of its own, such as a compiled module. Clones are the
/// same clock.
#[derive(Debug, Clone, Default)]
pub struct RoomClock(Arc<AtomicU64>);

impl RoomClock {
    /// The time since the room was created.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.timestamp().since_epoch()
    }

    /// The same as a timestamp: in a simulated room, the epoch is the room's creation.
    pub(super) fn timestamp(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }

    /// Advances to a time, unless it has passed.
    pub(super) fn advance_to(&self, time: Timestamp) {
        self.0.fetch_max(time.0, Ordering::Relaxed);
    }
}
