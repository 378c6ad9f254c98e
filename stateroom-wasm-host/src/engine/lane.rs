//! The slow lane: places for events that take long.
//!
//! *Invariant:* at least one worker of the runtime is left for short events, if it has more than one.
use std::sync::{Arc, OnceLock};

use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
};

use crate::config::Limit;

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
        if let Ok(place) = Arc::clone(semaphore).try_acquire_owned() {
            return Some(place);
        }
        Limit::SlowLane.count_exceeded();
        Arc::clone(semaphore).acquire_owned().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::Future,
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use metrics_util::debugging::DebuggingRecorder;

    use super::*;

    #[test]
    fn who_waits_for_a_place_is_counted() {
        let trips = |limit: &str| {
            let recorder = DebuggingRecorder::new();
            metrics::with_local_recorder(&recorder, || {
                let lane = SlowLane::new(Some(1));
                let mut task = Context::from_waker(Waker::noop());
                let Poll::Ready(place) = pin!(lane.enter()).poll(&mut task) else { panic!("there is a place") };
                assert_eq!(recorder.snapshotter().snapshot().into_vec().len(), 0);
                assert!(pin!(lane.enter()).poll(&mut task).is_pending());
                drop(place);
            });
            let met = recorder.snapshotter().snapshot().into_vec();
            assert!(met[0].0.key().labels().any(|label| label.value() == limit), "{met:?}");
        };
        trips("slow_lane");
    }
}
