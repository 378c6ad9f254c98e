//! The clock of a simulated room.
//!
//! *Invariant:* time passes only when the room advances it.
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::room::Timestamp;

/// The clock of one simulated room, for a service that reads the time itself, such as a compiled module. Clones share the
/// same time.
#[derive(Debug, Clone, Default)]
pub struct RoomClock(Arc<AtomicU64>);

impl RoomClock {
    /// Returns the time since the room was created.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.timestamp().since_epoch()
    }

    /// Returns the time as a timestamp. The epoch of a simulated room is its creation.
    pub(super) fn timestamp(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }

    /// Advances the clock to a time, unless it has passed.
    pub(super) fn advance_to(&self, time: Timestamp) {
        self.0.fetch_max(time.0, Ordering::Relaxed);
    }
}
