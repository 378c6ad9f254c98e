//! Waiting for a guest on a thread, inside of a tokio runtime or out of it.
//!
//! *Invariant:* what is waited for makes progress although this thread, maybe the only one of a runtime, does nothing else.
use std::{
    future::Future,
    io,
    pin::pin,
    sync::{Arc, LazyLock},
    task::{Context, Poll, Wake},
    thread::{self, Thread},
};

use tokio::runtime::{Builder, Runtime};

use crate::engine::TICK;

/// Drives the timers of those who wait. Nothing runs on it.
static TIMERS: LazyLock<io::Result<Runtime>> = LazyLock::new(|| {
    Builder::new_multi_thread().worker_threads(1).thread_name("stateroom-timers").enable_time().build()
});

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for a future. Whoever calls it inside of a task holds up the task's thread.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    // The timers of a runtime of which this is the only thread do not run now, so those of another one are used. That
    // there is none, as no thread could be started, is left for whoever needs a timer to say.
    let _entered = TIMERS.as_ref().ok().map(Runtime::enter);
    // The task in which we may be has a budget of its own, which is not renewed before it waits.
    let mut future = pin!(tokio::task::unconstrained(future));
    let waker = Arc::new(Unpark(thread::current())).into();
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        // Not for ever: tokio's way of yielding, as a sleep of no length uses it, wakes a task only when its thread is
        // free, which this one is not.
        thread::park_timeout(TICK);
    }
}
