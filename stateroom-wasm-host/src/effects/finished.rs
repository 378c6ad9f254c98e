//! The effects of finished events until the room takes them.
//!
//! *Invariant:* it is locked for a few instructions, by one task at a time.
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use stateroom::{event_batch::FinishedEvents, messages::Effect};

/// The effects of finished events until the room takes them, shared so that the room can do so while the guest continues
/// with later events.
#[derive(Debug, Clone, Default)]
pub(crate) struct FinishedEffects(Arc<Mutex<FinishedEvents>>);

impl FinishedEffects {
    pub(crate) fn lock(&self) -> MutexGuard<'_, FinishedEvents> {
        self.0.lock()
    }
}

/// Appends an event with its effects, and leaves `effects` empty.
pub(super) fn append_event(finished: &mut FinishedEvents, effects: &mut Vec<Effect>) {
    finished.effects.append(effects);
    finished.ends.push(finished.effects.len());
}
