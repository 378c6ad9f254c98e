//! The slow lane: permits for events that compute for long.
//!
//! *Invariant:* by default one worker of the runtime remains for short events, if it has more than one.
use std::sync::{Arc, OnceLock};

use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
};

use crate::config::Limit;

/// Permits for events that compute for long, in the order of request.
#[derive(Debug)]
pub(crate) struct SlowLane {
    permits: Option<usize>,
    /// Created at first use, which is inside of the runtime whose workers are counted.
    semaphore: OnceLock<Arc<Semaphore>>,
}

impl SlowLane {
    pub(crate) fn new(permits: Option<usize>) -> Self {
        SlowLane { permits, semaphore: OnceLock::new() }
    }

    /// Waits for a permit. Returns `None` only if the semaphore is closed, which it never is.
    pub(crate) async fn enter(&self) -> Option<OwnedSemaphorePermit> {
        let semaphore = self.semaphore.get_or_init(|| {
            let workers = Handle::try_current().map_or(1, |runtime| runtime.metrics().num_workers());
            let permits = self.permits.unwrap_or(workers.saturating_sub(1)).clamp(1, Semaphore::MAX_PERMITS);
            Arc::new(Semaphore::new(permits))
        });
        if let Ok(permit) = Arc::clone(semaphore).try_acquire_owned() {
            return Some(permit);
        }
        Limit::SlowLane.count_exceeded();
        let permit = Arc::clone(semaphore).acquire_owned().await.ok();
        // The guest that released the permit woke this task, which its thread would run next, and others after it: what is not
        // slow comes first.
        tokio::task::yield_now().await;
        permit
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
    fn counts_events_that_wait_for_a_permit() {
        let recorder = DebuggingRecorder::new();
        metrics::with_local_recorder(&recorder, || {
            let lane = SlowLane::new(Some(1));
            let mut task = Context::from_waker(Waker::noop());
            let Poll::Ready(permit) = pin!(lane.enter()).poll(&mut task) else { panic!("a permit is free") };
            assert_eq!(recorder.snapshotter().snapshot().into_vec().len(), 0);
            assert!(pin!(lane.enter()).poll(&mut task).is_pending());
            drop(permit);
        });
        let counters = recorder.snapshotter().snapshot().into_vec();
        assert!(counters[0].0.key().labels().any(|label| label.value() == "slow_lane"), "{counters:?}");
    }
}
