//! Wall-clock time for a room, and the alarm that wakes it.
//!
//! *Invariant:* the clock runs with tokio's, so a test that pauses the one pauses the other, and a change of the system's
//! time moves no timer of a living room.
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::{SystemTime, UNIX_EPOCH},
};

use stateroom::room::Timestamp;
use tokio::time::{Instant, Sleep, sleep_until};

/// Converts between tokio's time and timestamps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RoomClock {
    start: Instant,
    start_timestamp: Timestamp,
}

impl RoomClock {
    /// Reads the system's time once.
    pub(crate) fn start() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        RoomClock { start: Instant::now(), start_timestamp: Timestamp::from_duration(since_epoch) }
    }

    /// The current time.
    pub(crate) fn now(&self) -> Timestamp {
        self.start_timestamp.saturating_add(self.start.elapsed())
    }

    /// The moment of a timestamp, if tokio can represent it.
    pub(crate) fn instant(&self, timestamp: Timestamp) -> Option<Instant> {
        self.start.checked_add(timestamp.saturating_since(self.start_timestamp))
    }
}

/// Wakes a task at one moment, which may change.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    /// Ready at this moment; never without one.
    pub(crate) fn poll(&mut self, at: Option<Instant>, context: &mut Context<'_>) -> Poll<()> {
        let Some(at) = at else { return Poll::Pending };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if sleep.deadline() != at {
            sleep.as_mut().reset(at);
        }
        sleep.as_mut().poll(context)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn timestamps_follow_paused_time() {
        let clock = RoomClock::start();
        let start = clock.now();
        let due = start.saturating_add(Duration::from_secs(3));
        assert_eq!(clock.instant(due), Some(Instant::now() + Duration::from_secs(3)));
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(clock.now().saturating_since(start), Duration::from_secs(5));
        assert_eq!(clock.instant(start), Some(Instant::now() - Duration::from_secs(5)));
    }
}
