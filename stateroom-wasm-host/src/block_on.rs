//! Blocking a thread on a guest, inside or outside of a tokio runtime.
//!
//! *Invariant:* the future makes progress even if this thread is the only worker of a runtime.
use std::{
    future::{Future, poll_fn},
    io,
    pin::pin,
    sync::{Arc, LazyLock},
    task::{Context, Poll, Wake},
    thread::{self, Thread},
};

use tokio::runtime::{Builder, Runtime};

use crate::engine::ticker::TICK;

/// Drives the timers of blocking callers; no task runs on it.
static TIMERS: LazyLock<io::Result<Runtime>> = LazyLock::new(|| {
    Builder::new_multi_thread().worker_threads(1).thread_name("stateroom-timers").enable_time().build()
});

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future to completion on this thread. Called inside of a task, it blocks the task's thread.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    // The timers of a runtime do not run while its only thread is blocked, so another runtime's are used. If that runtime
    // could not be started, the first use of a timer reports it.
    let _entered = TIMERS.as_ref().ok().map(Runtime::enter);
    // The cooperative budget of a surrounding task is not renewed before that task yields.
    let mut future = pin!(tokio::task::unconstrained(future));
    let waker = Arc::new(Unpark(thread::current())).into();
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        // With a timeout: tokio's `yield_now`, which a sleep of length zero uses, defers the wake-up until the worker is
        // idle, which a blocked thread never is.
        thread::park_timeout(TICK);
    }
}

/// Returns to the poller once, so that it checks the deadline. tokio's `yield_now` requires a worker that becomes idle.
pub(crate) async fn yield_on_thread() {
    let mut yielded = false;
    poll_fn(|task| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        task.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
