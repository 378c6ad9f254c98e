//! The effects of finished events until the room takes them.
//!
//! *Invariant:* it is locked for a few instructions, by one task at a time.
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use stateroom::event_batch::FinishedEvents;

/// The effects of finished events until the room takes them, shared so that the room can do so while the guest continues
/// with later events.
#[derive(Debug, Clone, Default)]
pub(crate) struct FinishedEffects(Arc<Mutex<FinishedEvents>>);

impl FinishedEffects {
    pub(crate) fn lock(&self) -> MutexGuard<'_, FinishedEvents> {
        self.0.lock()
    }
}
