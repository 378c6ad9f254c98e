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

/// The wall-clock time at which a simulated room is created, since 1970: January 1, 2026, in UTC.
pub(super) const START: Duration = Duration::from_secs(1_767_225_600);

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

    /// Returns the wall-clock time in the room, since January 1, 1970: it begins on January 1, 2026.
    #[must_use]
    pub fn wall_time(&self) -> Duration {
        START.saturating_add(self.now())
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
