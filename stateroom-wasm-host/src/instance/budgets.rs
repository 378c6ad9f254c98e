//! Running calls into a guest within the budgets of their events.
//!
//! *Invariant:* effects of finished events are released whenever the guest waits.
use std::{
    future::{Future, poll_fn},
    pin::pin,
};

use super::guest::Guest;
use crate::limits::scheduler::Scheduler;

/// Runs calls into the guest, and `release` whenever they have waited, so that it can take the effects of finished events.
/// Returns no error if the guest exceeded its time budget.
pub(super) async fn run_within_budgets<T>(
    guest: &mut Guest,
    scheduler: &Scheduler,
    calls: impl AsyncFnOnce(&mut Guest) -> wasmtime::Result<T>,
    release: impl Fn(),
) -> Result<T, Option<wasmtime::Error>> {
    let calls = pin!(calls(guest));
    let mut scheduled = pin!(scheduler.run(calls));
    let mut has_waited = false;
    let outcome = poll_fn(|task| {
        let poll = scheduled.as_mut().poll(task);
        has_waited |= poll.is_pending();
        if has_waited {
            release();
        }
        poll
    })
    .await;
    match outcome {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Some(error)),
        Err(_) => Err(None),
    }
}
