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
use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::time;
use wasmtime::{Trap, UpdateDeadline};

use super::{cpu_clock, cpu_share::CpuShare, deadline::Deadline, usage::EventUsage};
use crate::{
    config::{Limit, WasmHostConfig},
    engine::lane::SlowLane,
};

/// CPU time of an event from which on it needs a permit.
const LONG_EVENT: Duration = Duration::from_micros(1500);

/// The time budgets of one room, and their use by the event in progress.
#[derive(Debug)]
pub(crate) struct Scheduler {
    cpu_budget: Duration,
    time_budget: Duration,
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

    pub(crate) fn cpu_budget(&self) -> Duration {
        self.cpu_budget
    }

    pub(crate) fn time_budget(&self) -> Duration {
        self.time_budget
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
            let deadline = deadline.get_or_insert_with(|| Deadline::new(self.time_budget));
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
        if usage.cpu_time >= self.cpu_budget {
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

/// Returns to the poller once, so that it checks the deadline. tokio's `yield_now` requires a worker that becomes idle.
async fn yield_on_thread() {
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

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;
    use crate::engine::ticker::TICK;

    /// Creates the scheduler of a room with a share of 0 percent that has computed for a number of ticks.
    fn scheduler(lane: &Arc<SlowLane>, ticks: u32) -> Arc<Scheduler> {
        let config = WasmHostConfig::default().with_cpu_percent(0);
        let scheduler = Arc::new(Scheduler::new(&config, Arc::clone(lane)));
        (0..ticks).for_each(|_| drop(scheduler.tick_after(TICK)));
        scheduler
    }

    async fn waits(event: impl Future) -> bool {
        time::timeout(Duration::ZERO, event).await.is_err()
    }

    #[tokio::test]
    async fn a_room_above_its_share_needs_a_permit_even_for_a_short_event() {
        let lane = Arc::new(SlowLane::new(Some(1)));
        let (within, above) = (scheduler(&lane, 50), scheduler(&lane, 150));
        let permit = lane.enter().await;
        assert!(!waits(within.run(pin!(async {}))).await);
        assert!(waits(above.run(pin!(async {}))).await);
        above.set_blocking(true);
        assert!(!waits(above.run(pin!(async {}))).await, "a blocked thread does not wait for the lane");
        above.set_blocking(false);
        drop(permit);
        assert!(!waits(above.run(pin!(async {}))).await);
    }

    #[tokio::test]
    async fn time_that_the_host_spends_on_effects_counts_as_the_guests() {
        let lane = Arc::new(SlowLane::new(Some(1)));
        let scheduler = scheduler(&lane, 0);
        let _permit = lane.enter().await;
        scheduler.charge(Duration::from_millis(50));
        assert!(!waits(scheduler.run(pin!(async {}))).await, "within a burst");
        scheduler.charge(Duration::from_millis(100));
        assert!(waits(scheduler.run(pin!(async {}))).await);
    }

    #[tokio::test]
    async fn a_permit_is_kept_for_the_next_event_and_released_after_the_batch() {
        let lane = Arc::new(SlowLane::new(Some(1)));
        let (one, two) = (scheduler(&lane, 150), scheduler(&lane, 150));
        for _ in 0..3 {
            assert!(!waits(one.run(pin!(async {}))).await);
            assert!(waits(two.run(pin!(async {}))).await);
        }
        one.end_batch();
        assert!(!waits(two.run(pin!(async {}))).await);
    }
}
