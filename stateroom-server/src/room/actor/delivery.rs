//! The delivery of events to the service, and of its messages to the clients, in turns: in between, other tasks run, and the
//! service continues with the later events of its batch.
//!
//! *Invariant:* while a part of an event's effects is applied, nothing else reaches the room.
use std::{
    future::poll_fn,
    pin::pin,
    task::Poll,
    time::{Duration, Instant},
};

use stateroom::{StateroomService, event_batch::EventBatch, fault::Fault, room::RoomContext};
use tokio::task::yield_now;

use super::{
    super::{inbox::Inbox, turn::Turn},
    Room,
};
use crate::metrics::EventCounts;

/// The least time that a service is charged for: charging it costs more than a small batch.
const MIN_CHARGE: Duration = Duration::from_micros(100);

impl Room {
    /// Has the service work through its pending events, and applies each event when it returns.
    pub(super) async fn run_batch<S: StateroomService>(
        &mut self,
        service: &mut S,
        context: &RoomContext<Inbox>,
    ) -> Result<(), Fault> {
        let batch = self.core.pending().clone();
        while !batch.is_empty() {
            let result = self.deliver(service, &batch, context).await;
            result.map_err(|fault| fault.in_event(batch.in_progress_label()))?;
            self.charge(service);
            if !batch.is_empty() {
                // Other tasks get the thread, and clients their messages.
                self.write_all().await;
                yield_now().await;
            }
        }
        Ok(())
    }

    /// Has the service handle a batch, and applies each event when it returns.
    async fn deliver<S: StateroomService>(
        &mut self,
        service: &mut S,
        batch: &EventBatch,
        context: &RoomContext<Inbox>,
    ) -> Result<(), Fault> {
        let mut deliver = pin!(service.deliver(batch, context));
        // Whether all members are written to before more is applied.
        let mut is_writing = false;
        loop {
            let (delivered, applied) = poll_fn(|context| {
                let start = Instant::now();
                let span = tracing::trace_span!("events", first = batch.next_label());
                let poll = span.in_scope(|| deliver.as_mut().poll(context));
                let end = Instant::now();
                self.close_waiting();
                self.cpu_time += end - start;
                let applied = !is_writing && self.apply_finished(end);
                if poll.is_pending() && (applied || is_writing) {
                    // An event takes its time. The effects of the events before it do not wait for it.
                    self.write();
                    is_writing &= !self.output.members.is_clean();
                    if !is_writing {
                        self.remove_slow();
                    }
                    if applied && self.output.members.is_clean() {
                        return Poll::Pending;
                    }
                }
                Poll::Ready((poll, applied))
            })
            .await;
            if let Poll::Ready(result) = delivered {
                if !applied {
                    self.apply_rest().await;
                }
                return result;
            }
            // The service is polled between the turns, too: it may have been given a permit that others wait for.
            is_writing |= !applied && self.must_write();
            yield_now().await;
        }
    }

    /// Applies events that have finished, until a pause. Returns whether all are applied.
    fn apply_finished(&mut self, now: Instant) -> bool {
        self.output.turn = Turn::start(now);
        let applied = self.core.apply_finished(&mut self.output);
        self.count_turn();
        if applied {
            self.remove_slow();
        }
        let counts = self.output.take_counts();
        if counts.total() > 0 {
            let cpu_time = std::mem::take(&mut self.cpu_time);
            self.metrics.handled(&counts, cpu_time);
            self.inbox.stats().add(counts.total(), cpu_time);
        }
        applied
    }

    /// Applies the other events that have finished, and lets other tasks run in between.
    async fn apply_rest(&mut self) {
        loop {
            self.rest().await;
            if self.apply_finished(Instant::now()) {
                return;
            }
        }
    }

    /// Lets other tasks run, after writing what takes much memory.
    pub(super) async fn rest(&mut self) {
        if self.must_write() {
            self.write_all().await;
        }
        yield_now().await;
        self.output.turn = Turn::default();
    }

    /// Returns whether what is unwritten takes much memory.
    fn must_write(&self) -> bool {
        self.output.members.is_full() || self.output.members.has_many_runs()
    }

    /// Writes to all members, and lets other tasks run in between.
    async fn write_all(&mut self) {
        loop {
            self.write();
            if self.output.members.is_clean() {
                break;
            }
            yield_now().await;
        }
        self.remove_slow();
    }

    /// Writes to the next few members. For one or two, the time is not worth reading the clock.
    pub(super) fn write(&mut self) {
        let is_counted = self.output.members.dirty() > 2;
        if is_counted {
            self.output.turn = Turn::start(Instant::now());
        }
        self.output.write();
        if is_counted {
            self.count_turn();
        }
    }

    /// Counts the time that the room has spent on messages to many clients.
    fn count_turn(&mut self) {
        let time = self.output.turn.time();
        if !time.is_zero() {
            self.metrics.handled(&EventCounts::default(), time);
            self.inbox.stats().add(0, time);
            self.host_time += time;
        }
    }

    /// Charges the service's share for the time that the room has spent on its messages.
    pub(super) fn charge(&mut self, service: &mut impl StateroomService) {
        if self.host_time >= MIN_CHARGE {
            service.charge(std::mem::take(&mut self.host_time));
        }
    }
}
