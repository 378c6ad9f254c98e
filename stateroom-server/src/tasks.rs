//! The tasks of a server: what is waited for when it stops, and dropped where that takes too long.
//!
//! *Invariant:* nothing is spawned but through here; a handle is kept exactly as long as its task.
use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex},
};

use tokio::task::{AbortHandle, Id};
use tokio_util::task::TaskTracker;

use crate::lock;

/// TaskGroup of one kind, tracked together with those of others.
///
/// A task is not asked at each of its steps whether it is to be dropped, as it would be with a cancellation token: that
/// takes a lock which all share.
#[derive(Debug)]
pub(crate) struct TaskGroup {
    tracker: TaskTracker,
    handles: Arc<Mutex<Handles>>,
}

#[derive(Debug, Default)]
struct Handles {
    by_task: HashMap<Id, AbortHandle>,
    dropping: bool,
}

/// Forgets a task when it ends, by whatever way.
struct TaskGuard {
    handles: Arc<Mutex<Handles>>,
    id: Id,
}

impl TaskGroup {
    pub(crate) fn new(tracker: &TaskTracker) -> Self {
        TaskGroup { tracker: tracker.clone(), handles: Arc::default() }
    }

    /// Runs a task; not at all, once they are being dropped.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let handles = self.handles.clone();
        // Held until the handle is there, so that a task which ends at once does not forget it before.
        let mut kept = lock(&self.handles);
        if kept.dropping {
            return;
        }
        let handle = self.tracker.spawn(async move {
            let id = tokio::task::id();
            let _forget = TaskGuard { handles, id };
            task.await;
        });
        kept.by_task.insert(handle.id(), handle.abort_handle());
    }

    /// Drops all tasks, those that run as soon as they wait. Says whether it is the first time.
    pub(crate) fn drop_all(&self) -> bool {
        let mut kept = lock(&self.handles);
        let is_first = !kept.dropping;
        kept.dropping = true;
        let handles: Vec<AbortHandle> = kept.by_task.values().cloned().collect();
        drop(kept);
        handles.iter().for_each(AbortHandle::abort);
        is_first
    }
}

impl Drop for TaskGuard {
    fn drop(&mut self) {
        lock(&self.handles).by_task.remove(&self.id);
    }
}
