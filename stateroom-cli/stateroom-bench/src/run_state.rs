//! State shared by all connections of a run: its clock, the end of the measurement, and the counters.
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use hdrhistogram::CreationError;
use parking_lot::{Mutex, MutexGuard};

use crate::{
    config::{Config, MAX_MESSAGE_SIZE, MESSAGE_PLACEHOLDER, Pattern},
    counters::Counters,
    error_counts::ErrorCounts,
    marker::Marker,
    timeline::Window,
};

/// Number of counters that connections are distributed over, to reduce lock contention.
const SHARDS: u32 = 4;

/// State shared by all connections of a run.
pub(crate) struct RunState {
    /// Random number that identifies the run among others against the same server.
    pub(crate) run: u32,
    pub(crate) connections: u32,
    pub(crate) pattern: Pattern,
    began: Instant,
    size: usize,
    template: String,
    /// End of the measurement. Messages due later are not sent.
    until: AtomicU64,
    shards: Vec<Mutex<Counters>>,
    error_counts: Mutex<ErrorCounts>,
}

impl RunState {
    /// Returns the state of a run that begins now.
    ///
    /// # Errors
    ///
    /// Those of [`Counters::new`].
    pub(crate) fn new(config: &Config) -> Result<Self, CreationError> {
        let shard = |_| Ok(Mutex::new(Counters::new(Window::default())?));
        Ok(RunState {
            run: fastrand::u32(..),
            connections: config.connections.get(),
            pattern: config.pattern,
            began: Instant::now(),
            size: config.size.min(MAX_MESSAGE_SIZE),
            template: config.template.clone(),
            until: AtomicU64::new(0),
            shards: (0..SHARDS).map(shard).collect::<Result<_, CreationError>>()?,
            error_counts: Mutex::default(),
        })
    }

    /// Returns whether messages contain markers.
    pub(crate) fn has_markers(&self) -> bool {
        self.template.contains(MESSAGE_PLACEHOLDER)
    }

    /// Returns the nanoseconds since the run began.
    pub(crate) fn now(&self) -> u64 {
        nanos(self.began.elapsed())
    }

    /// Returns the duration until a time, zero if it has passed.
    pub(crate) fn time_until(&self, time: u64) -> Duration {
        Duration::from_nanos(time.saturating_sub(self.now()))
    }

    /// Resets the counters for a measurement of `window`.
    ///
    /// # Errors
    ///
    /// Those of [`Counters::new`].
    pub(crate) fn begin(&self, window: Window) -> Result<(), CreationError> {
        for shard in &self.shards {
            *shard.lock() = Counters::new(window)?;
        }
        self.until.store(window.until, Ordering::Relaxed);
        Ok(())
    }

    /// Ends the measurement now unless it has ended.
    pub(crate) fn end(&self) {
        self.until.fetch_min(self.now(), Ordering::Relaxed);
    }

    /// Returns the end of the measurement.
    pub(crate) fn until(&self) -> u64 {
        self.until.load(Ordering::Relaxed)
    }

    /// Returns the counters of a connection.
    pub(crate) fn counters(&self, connection: u32) -> Option<MutexGuard<'_, Counters>> {
        self.shards.get((connection % SHARDS) as usize).map(Mutex::lock)
    }

    /// Returns the counts of failed and lost connections.
    pub(crate) fn error_counts(&self) -> MutexGuard<'_, ErrorCounts> {
        self.error_counts.lock()
    }

    /// Returns the sum of all counters.
    ///
    /// # Errors
    ///
    /// Those of [`Counters::new`].
    pub(crate) fn totals(&self, window: Window) -> Result<Counters, CreationError> {
        let mut totals = Counters::new(window)?;
        self.shards.iter().for_each(|shard| totals.merge(&shard.lock()));
        Ok(totals)
    }

    /// Returns the number of responses received to messages of the window.
    pub(crate) fn received(&self) -> u64 {
        self.shards.iter().map(|shard| shard.lock().received).sum()
    }

    /// Returns whether all queued messages were sent and all responses received.
    pub(crate) fn is_complete(&self) -> bool {
        // All locked at once: what a connection of one shard sends, one of another may receive.
        let shards: Vec<_> = self.shards.iter().map(Mutex::lock).collect();
        let sum = |count: fn(&Counters) -> u64| shards.iter().map(|counters| count(counters)).sum::<u64>();
        sum(|counters| counters.total_sent) >= sum(|counters| counters.queued)
            && sum(|counters| counters.received) >= sum(|counters| counters.expected)
    }

    /// Returns the text of a message whose length is `size_factor` times the configured one.
    pub(crate) fn message(&self, marker: &Marker, size_factor: f64) -> String {
        let message = marker.message((self.size as f64 * size_factor) as usize);
        if self.template == MESSAGE_PLACEHOLDER {
            message
        } else {
            self.template.replace(MESSAGE_PLACEHOLDER, &message)
        }
    }
}

/// Converts a duration to nanoseconds, which last for centuries.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
