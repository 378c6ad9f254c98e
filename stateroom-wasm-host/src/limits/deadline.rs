//! The wall-clock time budget of an event that did not end at once.
//!
//! *Invariant:* time in which the event waits for the CPU does not count.
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{self, Sleep};

use crate::engine::ticker::TICK;

/// The time budget of one event, from its first pause on.
pub(super) struct Deadline {
    started: time::Instant,
    budget: Duration,
    timer: Pin<Box<Sleep>>,
}

impl Deadline {
    pub(super) fn new(budget: Duration) -> Self {
        Deadline { started: time::Instant::now(), budget, timer: Box::pin(time::sleep(budget)) }
    }

    /// Ready once the event has used its budget, not counting the time in which it yielded.
    pub(super) fn poll(&mut self, task: &mut Context<'_>, yielded: impl Fn() -> Duration) -> Poll<()> {
        while self.timer.as_mut().poll(task).is_ready() {
            let used = self.started.elapsed().saturating_sub(yielded());
            let Some(left) = self.budget.checked_sub(used).filter(|left| !left.is_zero()) else {
                return Poll::Ready(());
            };
            self.timer.as_mut().reset(time::Instant::now() + left.max(TICK));
        }
        Poll::Pending
    }
}
