//! How long an event may go on, and how it shares the processor with the events of other rooms.
//!
//! Most events are over before the first tick of the clock and meet nothing of this. One that is not gives way to others
//! at each tick; from its second tick on it also needs a place in the slow lane for each millisecond that it computes,
//! and those who want one take turns. So a room that spins costs the others a millisecond now and then, and many that
//! spin cost them no more than one. A room that has used up its share by many short events needs the place before it
//! computes at all, and keeps it until the next tick or the end of its turn: else a few such rooms would keep all workers
//! busy, and everybody else would wait behind all of them.
//!
//! *Invariant:* a place in the slow lane is held only while the guest computes, or is about to: not while it gives way, not
//! while it sleeps, and not between turns.
use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use tokio::{
    sync::OwnedSemaphorePermit,
    time::{self, Sleep},
};
use wasmtime::UpdateDeadline;

use super::cpu_share::Share;
use crate::{
    config::{Limit, WasmHostConfig},
    engine::{TICK, lane::SlowLane},
};

/// The time budgets of one room, and how much of them the event that is under way has used.
#[derive(Debug)]
pub(crate) struct Pace {
    cpu_budget: Duration,
    time_budget: Duration,
    lane: Arc<SlowLane>,
    /// Touched by nothing but ticks, as long as the room is within it.
    share: Mutex<Share>,
    /// Whether the room had used up its share when that was last looked at: read at each event.
    over_share: AtomicBool,
    /// Whether the thread itself waits for the guest. Then nobody else can use it, so that giving way is of no use, and
    /// waiting in the lane, behind a task that this thread should run, would never end.
    blocking: AtomicBool,
    /// Touched by nothing but events that did not end at once.
    progress: Mutex<Progress>,
}

#[derive(Debug, Default)]
struct Progress {
    /// How long the event has computed, as far as it is known.
    computed: Duration,
    /// How long it has given way to others.
    waited: Duration,
    /// Since when it does, if it does; else it computes or sleeps.
    waiting_since: Option<time::Instant>,
    place: Option<OwnedSemaphorePermit>,
    exhausted: bool,
    /// Whether another event has begun since it was last looked at.
    is_another: bool,
}

impl Progress {
    /// How long the event has given way to others until now.
    fn waited(&self) -> Duration {
        self.waited + self.waiting_since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

/// An event took longer than it may, computing or asleep.
#[derive(Debug)]
pub(crate) struct TimeUp;

impl Pace {
    pub(crate) fn new(config: &WasmHostConfig, lane: Arc<SlowLane>) -> Self {
        Pace {
            cpu_budget: config.cpu_budget,
            time_budget: config.time_budget,
            lane,
            share: Mutex::new(Share::new(config.cpu_percent, Instant::now())),
            over_share: AtomicBool::new(false),
            blocking: AtomicBool::new(false),
            progress: Mutex::default(),
        }
    }

    /// Says whether the calls that follow keep their thread to themselves.
    pub(crate) fn set_blocking(&self, blocking: bool) {
        self.blocking.store(blocking, Ordering::Relaxed);
    }

    /// Whether the event was stopped because it had computed for too long.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.lock().exhausted
    }

    pub(crate) fn cpu_budget(&self) -> Duration {
        self.cpu_budget
    }

    pub(crate) fn time_budget(&self) -> Duration {
        self.time_budget
    }

    /// Runs an event's calls into the guest. They are pinned where they are made, as moving them would
    /// cost something at each event.
    pub(crate) async fn run<T>(&self, mut calls: Pin<&mut impl Future<Output = T>>) -> Result<T, TimeUp> {
        if self.over_share.load(Ordering::Relaxed) {
            self.take_lane().await;
        }
        // No clock is read for an event that ends at once.
        let mut watch: Option<Watch> = None;
        let mut has_paused = false;
        let outcome = poll_fn(|task| {
            let resumed = watch.is_some().then(Instant::now);
            if let Poll::Ready(outcome) = calls.as_mut().poll(task) {
                return Poll::Ready(Ok(outcome));
            }
            has_paused = true;
            if self.paused(resumed) {
                watch = None;
            }
            let watch = watch.get_or_insert_with(|| Watch::new(self.time_budget));
            watch.poll(task, || self.lock().waited()).map(|()| Err(TimeUp))
        })
        .await;
        if has_paused {
            let mut progress = self.lock();
            let place = progress.place.take().filter(|_| self.over_share.load(Ordering::Relaxed));
            *progress = Progress { exhausted: progress.exhausted, place, ..Progress::default() };
        }
        outcome
    }

    /// Of the events that the guest was told of in one go, another has begun: it has budgets of its own.
    pub(crate) fn next_event(&self) {
        let mut progress = self.lock();
        progress.computed = Duration::ZERO;
        progress.waited = Duration::ZERO;
        progress.is_another = true;
    }

    /// To be called after a row of events: what comes next may be long in coming.
    pub(crate) fn end_turn(&self) {
        if self.over_share.load(Ordering::Relaxed) {
            self.lock().place = None;
        }
    }

    /// Waits for a place if the room is still over its share, and has none.
    async fn take_lane(&self) {
        if self.blocking.load(Ordering::Relaxed) || self.lock().place.is_some() {
            return;
        }
        let is_over_share = lock(&self.share).is_used_up(Instant::now());
        self.over_share.store(is_over_share, Ordering::Relaxed);
        if is_over_share {
            let place = self.lane.enter().await;
            self.lock().place = place;
        }
    }

    /// What a guest that runs into a tick of the clock does next.
    pub(crate) fn tick(self: &Arc<Self>) -> UpdateDeadline {
        let mut progress = self.lock();
        if progress.computed >= self.cpu_budget {
            progress.exhausted = true;
            return UpdateDeadline::Interrupt;
        }
        progress.waiting_since = Some(time::Instant::now());
        progress.place = None;
        // Ticks do not ask what a room does between them: who computes for half of the time meets half of them.
        let is_over_share = lock(&self.share).charge(TICK, Instant::now());
        if is_over_share && !self.over_share.load(Ordering::Relaxed) {
            Limit::CpuPercent.count_exceeded();
        }
        self.over_share.store(is_over_share, Ordering::Relaxed);
        let takes_lane = (is_over_share || progress.computed >= TICK) && !self.blocking.load(Ordering::Relaxed);
        drop(progress);
        let pace = Arc::clone(self);
        UpdateDeadline::YieldCustom(1, Box::pin(async move { pace.give_way(takes_lane).await }))
    }

    async fn give_way(&self, takes_lane: bool) {
        if self.blocking.load(Ordering::Relaxed) {
            yield_on_thread().await;
        } else {
            tokio::task::yield_now().await;
        }
        if takes_lane {
            let place = self.lane.enter().await;
            self.lock().place = place;
        }
        let mut progress = self.lock();
        progress.waited = progress.waited();
        progress.waiting_since = None;
    }

    /// The guest has stopped computing for now: at a tick, or to sleep. Says whether that is in another event than before.
    fn paused(&self, resumed: Option<Instant>) -> bool {
        // A thread that the system holds up between two ticks is no fault of the guest, hence no more than a tick.
        let computed = resumed.map_or(TICK, |resumed| resumed.elapsed().min(TICK));
        let mut progress = self.lock();
        progress.computed += computed;
        if progress.waiting_since.is_none() {
            progress.place = None;
        }
        std::mem::take(&mut progress.is_another)
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        lock(&self.progress)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The clock of one event, from its first pause on.
struct Watch {
    started: time::Instant,
    budget: Duration,
    alarm: Pin<Box<Sleep>>,
}

impl Watch {
    fn new(budget: Duration) -> Self {
        Watch { started: time::Instant::now(), budget, alarm: Box::pin(time::sleep(budget)) }
    }

    /// Ready when the event has had its time, apart from what it has waited for others.
    fn poll(&mut self, task: &mut Context<'_>, waited: impl Fn() -> Duration) -> Poll<()> {
        while self.alarm.as_mut().poll(task).is_ready() {
            let used = self.started.elapsed().saturating_sub(waited());
            let Some(left) = self.budget.checked_sub(used).filter(|left| !left.is_zero()) else {
                return Poll::Ready(());
            };
            self.alarm.as_mut().reset(time::Instant::now() + left.max(TICK));
        }
        Poll::Pending
    }
}

/// Lets whoever polls have a look at the time. tokio's way of yielding would count on a thread that is free.
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
    use super::*;

    /// A room that has computed for so many ticks, and may do so for none over time.
    fn pace(lane: &Arc<SlowLane>, ticks: u32) -> Arc<Pace> {
        let config = WasmHostConfig::default().with_cpu_percent(0);
        let pace = Arc::new(Pace::new(&config, Arc::clone(lane)));
        (0..ticks).for_each(|_| drop(pace.tick()));
        pace
    }

    async fn is_held_up(event: impl Future) -> bool {
        time::timeout(Duration::ZERO, event).await.is_err()
    }

    #[tokio::test]
    async fn who_has_used_up_its_share_needs_a_place_even_for_a_short_event() {
        let lane = Arc::new(SlowLane::new(Some(1)));
        let (modest, greedy) = (pace(&lane, 50), pace(&lane, 150));
        let place = lane.enter().await;
        assert!(!is_held_up(modest.run(std::pin::pin!(async {}))).await);
        assert!(is_held_up(greedy.run(std::pin::pin!(async {}))).await);
        greedy.set_blocking(true);
        assert!(!is_held_up(greedy.run(std::pin::pin!(async {}))).await, "its thread has nobody else to run");
        greedy.set_blocking(false);
        drop(place);
        assert!(!is_held_up(greedy.run(std::pin::pin!(async {}))).await);
    }

    #[tokio::test]
    async fn a_place_is_kept_for_the_next_event_and_given_back_after_the_last() {
        let lane = Arc::new(SlowLane::new(Some(1)));
        let (one, two) = (pace(&lane, 150), pace(&lane, 150));
        for _ in 0..3 {
            assert!(!is_held_up(one.run(std::pin::pin!(async {}))).await);
            assert!(is_held_up(two.run(std::pin::pin!(async {}))).await);
        }
        one.end_turn();
        assert!(!is_held_up(two.run(std::pin::pin!(async {}))).await);
    }
}
