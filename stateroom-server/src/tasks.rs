//! A group of tasks that shutdown can wait for and abort.
//!
//! *Invariant:* the server spawns its tasks here only; a handle is kept exactly as long as its task.
use std::{collections::HashMap, future::Future, sync::Arc};

use parking_lot::Mutex;
use tokio::task::{AbortHandle, Id};
use tokio_util::task::TaskTracker;

/// Tasks of one kind, tracked together with those of other groups.
///
/// Tasks are aborted by their handles rather than by a cancellation token: polling a token takes a lock that all tasks
/// share.
#[derive(Debug)]
pub(crate) struct TaskGroup {
    tracker: TaskTracker,
    handles: Arc<Mutex<Handles>>,
}

#[derive(Debug, Default)]
struct Handles {
    by_task: HashMap<Id, AbortHandle>,
    aborting: bool,
}

/// Removes the handle of a task when the task ends or is aborted.
struct TaskGuard {
    handles: Arc<Mutex<Handles>>,
    id: Id,
}

impl TaskGroup {
    pub(crate) fn new(tracker: &TaskTracker) -> Self {
        TaskGroup { tracker: tracker.clone(), handles: Arc::default() }
    }

    /// Spawns a task, unless the group is aborted.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let handles = self.handles.clone();
        // Locked until the handle is inserted: a task that ends at once must not remove it before.
        let mut locked = self.handles.lock();
        if locked.aborting {
            return;
        }
        let handle = self.tracker.spawn(async move {
            let _guard = TaskGuard { handles, id: tokio::task::id() };
            task.await;
        });
        locked.by_task.insert(handle.id(), handle.abort_handle());
    }

    /// Aborts all tasks; those that run end at their next await. Returns whether this is the first call.
    pub(crate) fn abort_all(&self) -> bool {
        let mut locked = self.handles.lock();
        let is_first = !locked.aborting;
        locked.aborting = true;
        let handles: Vec<AbortHandle> = locked.by_task.values().cloned().collect();
        drop(locked);
        handles.iter().for_each(AbortHandle::abort);
        is_first
    }
}

impl Drop for TaskGuard {
    fn drop(&mut self) {
        self.handles.lock().by_task.remove(&self.id);
    }
}
