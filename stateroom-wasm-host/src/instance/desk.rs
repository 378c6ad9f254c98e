//! Where a room's service and its guest meet: events are put down here for the guest, and effects for the room.
//!
//! *Invariant:* neither holds it while it works.
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use stateroom::{messages::Event, turn::Finished};

/// Where a service and its guest meet.
#[derive(Debug, Clone, Default)]
pub(crate) struct Desk(Arc<Mutex<Papers>>);

/// What lies there.
#[derive(Debug, Default)]
pub(crate) struct Papers {
    /// What the guest is to be told; or, when it waits, what it has left for the next time.
    pub(crate) events: VecDeque<Event>,
    /// What it has been told, and asks for.
    pub(crate) finished: Finished,
    /// Whether the guest waits.
    pub(crate) is_idle: bool,
}

impl Desk {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Papers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
