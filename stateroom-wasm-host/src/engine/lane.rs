//! The slow lane: places for events that take long.
//!
//! *Invariant:* at least one worker of the runtime is left for short events, if it has more than one.
use std::sync::{Arc, OnceLock};

use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
};

/// Places for events that take long, given to those who wait in the order in which they came.
#[derive(Debug)]
pub(crate) struct SlowLane {
    places: Option<usize>,
    /// Made when it is first needed: by then we are in the runtime that it is for.
    semaphore: OnceLock<Arc<Semaphore>>,
}

impl SlowLane {
    pub(crate) fn new(places: Option<usize>) -> Self {
        SlowLane { places, semaphore: OnceLock::new() }
    }

    /// Waits for a place. None if there are none to wait for, which does not happen: the semaphore is never closed.
    pub(crate) async fn enter(&self) -> Option<OwnedSemaphorePermit> {
        let semaphore = self.semaphore.get_or_init(|| {
            let workers = Handle::try_current().map_or(1, |runtime| runtime.metrics().num_workers());
            let places = self.places.unwrap_or(workers.saturating_sub(1)).clamp(1, Semaphore::MAX_PERMITS);
            Arc::new(Semaphore::new(places))
        });
        Arc::clone(semaphore).acquire_owned().await.ok()
    }
}
