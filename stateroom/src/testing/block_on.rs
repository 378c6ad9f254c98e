//! Blocks the current thread on a future.
//!
//! *Invariant:* a panic in the future becomes a fault of the room, and does not fail the test.
use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::Duration,
};

use crate::fault::{Fault, FaultKind};

/// Maximum time between two polls. Inside of another runtime, a future may be woken only when that runtime is idle.
const POLL_INTERVAL: Duration = Duration::from_millis(1);

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future to completion.
pub(super) fn block_on<T>(future: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let run = AssertUnwindSafe(|| {
        let mut future = pin!(future);
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        loop {
            if let Poll::Ready(outcome) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return outcome;
            }
            thread::park_timeout(POLL_INTERVAL);
        }
    });
    catch_unwind(run).unwrap_or_else(|panic| Err(Fault::from_panic(FaultKind::Panic, &*panic)))
}
