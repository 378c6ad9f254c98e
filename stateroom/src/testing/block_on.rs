//! Waiting for a future on this thread.
//!
//! *Invariant:* a panic in the future is a fault of the room's, not the test's.
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

/// After so long it is looked at the future unasked: inside of another runtime, some wake only when that one is idle.
const PATIENCE: Duration = Duration::from_millis(1);

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs what drives a service to its end.
pub(super) fn block_on<T>(future: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let run = AssertUnwindSafe(|| {
        let mut future = pin!(future);
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        loop {
            if let Poll::Ready(outcome) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return outcome;
            }
            thread::park_timeout(PATIENCE);
        }
    });
    catch_unwind(run).unwrap_or_else(|panic| Err(Fault::from_panic(FaultKind::Panic, &*panic)))
}
