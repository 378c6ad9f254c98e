//! How long an event may go on, and how it shares the processor with the events of other rooms.
//!
//! Most events are over before the first tick of the clock and meet nothing of this. One that is not gives way to others
//! at each tick; from its second tick on it also needs a place in the slow lane for each millisecond that it computes,
//! and those who want one take turns. So a room that spins costs the others a millisecond now and then, and many that
//! spin cost them no more than one. A room that has used up its share by many short events needs the place from the first
//! tick on.
//!
//! *Invariant:* a place in the slow lane is held only while the guest computes: not while it gives way, and not while
//! it sleeps.
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

use super::share::Share;
use crate::{
    config::WasmHostConfig,
    engine::{TICK, lane::SlowLane},
};

/// The time budgets of one room, and how much of them the event that is under way has used.
#[derive(Debug)]
pub(crate) struct Pace {
    cpu_budget: Duration,
    time_budget: Duration,
    lane: Arc<SlowLane>,
    /// Touched by nothing but ticks.
    share: Mutex<Share>,
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
        // No clock is read for an event that ends at once.
        let mut watch: Option<Watch> = None;
        let outcome = poll_fn(|task| {
            let resumed = watch.is_some().then(Instant::now);
            if let Poll::Ready(outcome) = calls.as_mut().poll(task) {
                return Poll::Ready(Ok(outcome));
            }
            self.paused(resumed);
            let watch = watch.get_or_insert_with(|| Watch::new(self.time_budget));
            watch.poll(task, || self.lock().waited()).map(|()| Err(TimeUp))
        })
        .await;
        if watch.is_some() {
            let mut progress = self.lock();
            *progress = Progress { exhausted: progress.exhausted, ..Progress::default() };
        }
        outcome
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

    /// The guest has stopped computing for now: at a tick, or to sleep.
    fn paused(&self, resumed: Option<Instant>) {
        // A thread that the system holds up between two ticks is no fault of the guest, hence no more than a tick.
        let computed = resumed.map_or(TICK, |resumed| resumed.elapsed().min(TICK));
        let mut progress = self.lock();
        progress.computed += computed;
        if progress.waiting_since.is_none() {
            progress.place = None;
        }
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
