//! The time budgets of a room's events, and fair use of the CPU among rooms.
//!
//! Most events end before the first tick of the clock and are not affected. A longer one yields at each tick; once it has
//! computed for longer than a tick, it also needs a permit of the slow lane for each millisecond in which it computes, and such
//! events take turns. A room that spins therefore delays others by a millisecond now and then, and many that spin by no more than one.
//! A room that exceeds its CPU share with many short events needs the permit before it computes at all, and keeps it until
//! the next tick or the end of its batch: otherwise a few such rooms would keep all workers busy.
//!
//! *Invariant:* a permit of the slow lane is held only while the guest computes or is about to: not while it yields, not
//! while it sleeps, and not between batches.
#[cfg(test)]
mod tests;

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    task::Poll,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::time;
use wasmtime::{Trap, UpdateDeadline};

use super::{cpu_clock, cpu_share::CpuShare, deadline::Deadline, usage::EventUsage};
use crate::{
    block_on::yield_on_thread,
    config::{Limit, WasmHostConfig},
    engine::lane::SlowLane,
};

/// CPU time of an event from which on it needs a permit.
const LONG_EVENT: Duration = Duration::from_micros(1500);

/// The budgets of an event in a replay, as a multiple: it has ended before, perhaps on a faster machine.
const REPLAY_FACTOR: u32 = 10;

/// The time budgets of one room, and their use by the event in progress.
#[derive(Debug)]
pub(crate) struct Scheduler {
    cpu_budget: Duration,
    time_budget: Duration,
    /// What both budgets are multiplied by.
    factor: AtomicU32,
    lane: Arc<SlowLane>,
    /// Locked at ticks only, while the room is within its share.
    share: Mutex<CpuShare>,
    /// Whether the room exceeded its share when that was last computed: read for each call into the guest.
    over_share: AtomicBool,
    /// Whether a thread is blocked on the guest. No other task can use the thread then, so yielding is pointless, and
    /// waiting in the lane for a task that this thread should run would never end.
    blocking: AtomicBool,
    /// Locked for events that did not end at once.
    usage: Mutex<EventUsage>,
}

/// An event exceeded its time budget, computing or asleep.
#[derive(Debug)]
pub(crate) struct TimeBudgetExceeded;

impl Scheduler {
    pub(crate) fn new(config: &WasmHostConfig, lane: Arc<SlowLane>) -> Self {
        Scheduler {
            cpu_budget: config.cpu_budget,
            time_budget: config.time_budget,
            factor: AtomicU32::new(1),
            lane,
            share: Mutex::new(CpuShare::new(config.cpu_percent, Instant::now())),
            over_share: AtomicBool::new(false),
            blocking: AtomicBool::new(false),
            usage: Mutex::default(),
        }
    }

    /// Sets whether the following calls block their thread.
    pub(crate) fn set_blocking(&self, blocking: bool) {
        self.blocking.store(blocking, Ordering::Relaxed);
    }

    /// Returns whether the event was stopped because it exceeded its CPU budget.
    pub(crate) fn is_cpu_exhausted(&self) -> bool {
        self.usage.lock().cpu_exhausted
    }

    /// Sets whether the following events were handled before.
    pub(crate) fn set_replay(&self, is_replay: bool) {
        self.factor.store(if is_replay { REPLAY_FACTOR } else { 1 }, Ordering::Relaxed);
    }

    pub(crate) fn cpu_budget(&self) -> Duration {
        self.cpu_budget.saturating_mul(self.factor.load(Ordering::Relaxed))
    }

    pub(crate) fn time_budget(&self) -> Duration {
        self.time_budget.saturating_mul(self.factor.load(Ordering::Relaxed))
    }

    /// Runs an event's calls into the guest. The caller pins them, because moving them here would cost time for each event.
    pub(crate) async fn run<T>(&self, mut calls: Pin<&mut impl Future<Output = T>>) -> Result<T, TimeBudgetExceeded> {
        if self.over_share.load(Ordering::Relaxed) {
            self.enter_lane().await;
        }
        // No clock is read for an event that ends at once.
        let mut deadline: Option<Deadline> = None;
        let mut has_paused = false;
        let outcome = poll_fn(|task| {
            if has_paused {
                cpu_clock::begin_exactly()
            } else {
                cpu_clock::begin()
            }
            let poll = calls.as_mut().poll(task);
            let cpu_time = if has_paused { Some(cpu_clock::take_exactly()) } else { cpu_clock::take() };
            // An instruction that fills or copies memory is not interrupted by ticks.
            if let Some(cpu_time) = cpu_time {
                self.charge(cpu_time);
            }
            if let Poll::Ready(outcome) = poll {
                return Poll::Ready(Ok(outcome));
            }
            has_paused = true;
            if self.record_pause(cpu_time.unwrap_or_default()) {
                deadline = None;
            }
            let deadline = deadline.get_or_insert_with(|| Deadline::new(self.time_budget()));
            deadline.poll(task, || self.usage.lock().yielded()).map(|()| Err(TimeBudgetExceeded))
        })
        .await;
        if has_paused {
            let mut usage = self.usage.lock();
            let permit = usage.permit.take().filter(|_| self.over_share.load(Ordering::Relaxed));
            *usage = EventUsage { cpu_exhausted: usage.cpu_exhausted, permit, ..EventUsage::default() };
        }
        outcome
    }

    /// Begins the next event of a batch, with new budgets.
    pub(crate) fn begin_next_event(&self) {
        let mut usage = self.usage.lock();
        usage.cpu_time = Duration::ZERO;
        usage.yielded = Duration::ZERO;
        usage.next_event_began = true;
    }

    /// Ends a batch of events. The next one may be far away, so the permit is released.
    pub(crate) fn end_batch(&self) {
        if self.over_share.load(Ordering::Relaxed) {
            self.usage.lock().permit = None;
        }
    }

    /// Waits for a permit if the room still exceeds its share and has none.
    async fn enter_lane(&self) {
        if self.blocking.load(Ordering::Relaxed) || self.usage.lock().permit.is_some() {
            return;
        }
        let over_share = self.share.lock().is_exceeded(Instant::now());
        self.over_share.store(over_share, Ordering::Relaxed);
        if over_share {
            let permit = self.lane.enter().await;
            self.usage.lock().permit = permit;
        }
    }

    /// Charges the room's share for CPU time. Returns whether the room is above it.
    pub(crate) fn charge(&self, cpu_time: Duration) -> bool {
        let over_share = self.share.lock().charge(cpu_time, Instant::now());
        if over_share && !self.over_share.load(Ordering::Relaxed) {
            Limit::CpuPercent.count_exceeded();
        }
        self.over_share.store(over_share, Ordering::Relaxed);
        over_share
    }

    /// Decides how a guest continues that was interrupted by a tick.
    pub(crate) fn tick(self: &Arc<Self>) -> UpdateDeadline {
        self.tick_after(cpu_clock::take_exactly())
    }

    fn tick_after(self: &Arc<Self>, cpu_time: Duration) -> UpdateDeadline {
        let over_share = self.charge(cpu_time);
        let mut usage = self.usage.lock();
        usage.cpu_time += cpu_time;
        if usage.cpu_time >= self.cpu_budget() {
            usage.cpu_exhausted = true;
            return UpdateDeadline::Interrupt;
        }
        usage.yielding_since = Some(time::Instant::now());
        usage.permit = None;
        let needs_permit = (over_share || usage.cpu_time >= LONG_EVENT) && !self.blocking.load(Ordering::Relaxed);
        drop(usage);
        let scheduler = Arc::clone(self);
        UpdateDeadline::YieldCustom(1, Box::pin(async move { scheduler.yield_to_others(needs_permit).await }))
    }

    /// Ends a tick of a host function that computes for a guest.
    ///
    /// # Errors
    ///
    /// If the event has exceeded its CPU budget.
    pub(crate) async fn tick_in_host(self: &Arc<Self>) -> wasmtime::Result<()> {
        match self.tick() {
            UpdateDeadline::YieldCustom(_, others) => others.await,
            _ => return Err(Trap::Interrupt.into()),
        }
        Ok(())
    }

    async fn yield_to_others(&self, needs_permit: bool) {
        if self.blocking.load(Ordering::Relaxed) {
            yield_on_thread().await;
        } else {
            tokio::task::yield_now().await;
        }
        if needs_permit {
            let permit = self.lane.enter().await;
            self.usage.lock().permit = permit;
        }
        let mut usage = self.usage.lock();
        usage.yielded = usage.yielded();
        usage.yielding_since = None;
    }

    /// Records that the guest stopped computing after that CPU time, at a tick or to sleep. Returns whether another event has
    /// begun since the last pause.
    fn record_pause(&self, cpu_time: Duration) -> bool {
        let mut usage = self.usage.lock();
        usage.cpu_time += cpu_time;
        if usage.yielding_since.is_none() {
            usage.permit = None;
        }
        std::mem::take(&mut usage.next_event_began)
    }
}
