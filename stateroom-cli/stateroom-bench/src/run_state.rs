//! What all connections of a run share: its clock, what is being measured, and what they have counted.
use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use hdrhistogram::CreationError;

use super::{
    args::{Bench, MESSAGE, Pattern},
    counters::Counters,
    error_counts::ErrorCounts,
    marker::Marker,
    timeline::Window,
};

/// So many tallies there are, lest connections wait for each other.
const SHARDS: u32 = 4;

/// What is shared.
pub(crate) struct RunState {
    /// Tells it apart from others on the same server.
    pub(crate) run: u32,
    pub(crate) connections: u32,
    began: Instant,
    pub(crate) pattern: Pattern,
    size: usize,
    template: String,
    /// When the last message of the measurement is due; none is sent after that.
    until: AtomicU64,
    shards: Vec<Mutex<Counters>>,
    errors: Mutex<ErrorCounts>,
}

impl RunState {
    /// A run that begins now.
    ///
    /// # Errors
    ///
    /// Those of [`Counters::new`].
    pub(crate) fn new(bench: &Bench) -> Result<Self, CreationError> {
        let counters = |_| Ok(Mutex::new(Counters::new(Window::default())?));
        Ok(RunState {
            run: fastrand::u32(..),
            connections: bench.connections,
            began: Instant::now(),
            pattern: bench.pattern,
            size: bench.size,
            template: bench.template.clone(),
            until: AtomicU64::new(0),
            shards: (0..SHARDS).map(counters).collect::<Result<_, CreationError>>()?,
            errors: Mutex::default(),
        })
    }

    /// Whether messages are known again by what is in them.
    pub(crate) fn marks(&self) -> bool {
        self.template.contains(MESSAGE)
    }

    /// In nanoseconds since the run began.
    pub(crate) fn now(&self) -> u64 {
        nanos(self.began.elapsed())
    }

    /// How long until a time; nothing if it has passed.
    pub(crate) fn time_to(&self, time: u64) -> Duration {
        Duration::from_nanos(time.saturating_sub(self.now()))
    }

    /// Counts anew, within this window.
    ///
    /// # Errors
    ///
    /// Those of [`Counters::new`].
    pub(crate) fn begin(&self, window: Window) -> Result<(), CreationError> {
        for counters in &self.shards {
            *lock(counters) = Counters::new(window)?;
        }
        self.until.store(window.until, Ordering::Relaxed);
        Ok(())
    }

    /// Ends the measurement now, if it would go on.
    pub(crate) fn cut(&self) {
        self.until.fetch_min(self.now(), Ordering::Relaxed);
    }

    /// When the measurement ends.
    pub(crate) fn until(&self) -> u64 {
        self.until.load(Ordering::Relaxed)
    }

    /// Where a connection counts.
    pub(crate) fn counters(&self, connection: u32) -> Option<MutexGuard<'_, Counters>> {
        self.shards.get((connection % SHARDS) as usize).map(lock)
    }

    /// What goes wrong with connections.
    pub(crate) fn errors(&self) -> MutexGuard<'_, ErrorCounts> {
        lock(&self.errors)
    }

    /// All that was counted.
    ///
    /// # Errors
    ///
    /// Those of [`Counters::new`].
    pub(crate) fn sum(&self, window: Window) -> Result<Counters, CreationError> {
        let mut sum = Counters::new(window)?;
        self.shards.iter().for_each(|counters| sum.add(&lock(counters)));
        Ok(sum)
    }

    /// How many answers to messages of the window have come.
    pub(crate) fn heard(&self) -> u64 {
        self.shards.iter().map(|counters| lock(counters).heard).sum()
    }

    /// Whether all was sent that somebody was told to send, and all answers have come.
    pub(crate) fn is_done(&self) -> bool {
        // All at the same time: what one has sent another may have heard.
        let shards: Vec<_> = self.shards.iter().map(lock).collect();
        let sum = |count: fn(&Counters) -> u64| shards.iter().map(|counters| count(counters)).sum::<u64>();
        sum(|counters| counters.said) >= sum(|counters| counters.ordered)
            && sum(|counters| counters.heard) >= sum(|counters| counters.expected)
    }

    /// What a connection says.
    pub(crate) fn message(&self, connection: u32, number: u64, intended: u64, size: f64) -> String {
        let size = (self.size as f64 * size) as usize;
        let message = Marker { run: self.run, connection, number, intended }.message(size);
        if self.template == MESSAGE { message } else { self.template.replace(MESSAGE, &message) }
    }
}

/// Nanoseconds, of which there are enough for centuries.
pub(crate) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Counts are right after each addition: a panic elsewhere does not spoil them.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
