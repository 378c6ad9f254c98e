//! The wait of a room for a disk that does not answer.
//!
//! *Invariant:* a stall is reported only while the room waits for the store: after ten seconds, and again each second.
use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

use crate::rate_limit::warnings::WarningLimiter;

/// How long the store may take before clients are closed.
const STALL_TIME: Duration = Duration::from_secs(10);
/// Time between two reports of a stall, each about the clients that have arrived since the last.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// Reports to a room that its service waits for a disk that does not answer. Both run in one task, so nothing has to be woken.
#[derive(Debug, Default)]
pub(crate) struct StallReport(AtomicBool);

impl StallReport {
    /// Returns whether there is a report since the last call.
    pub(crate) fn take(&self) -> bool {
        self.0.load(Ordering::Relaxed) && self.0.swap(false, Ordering::Relaxed)
    }
}

/// Measures how long a room waits for the store.
#[derive(Debug)]
pub(super) struct StallWatch {
    report: Arc<StallReport>,
    room_id: Arc<str>,
    /// Set when it has passed, not for each request: most are answered long before.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl StallWatch {
    pub(super) fn new(report: Arc<StallReport>, room_id: Arc<str>) -> Self {
        StallWatch { report, room_id, alarm: None }
    }

    /// Waits for a request to the store.
    pub(super) async fn wait<T>(&mut self, request: impl Future<Output = T>) -> T {
        let mut request = pin!(request);
        let mut due = None;
        poll_fn(|context| {
            if let Poll::Ready(result) = request.as_mut().poll(context) {
                return Poll::Ready(result);
            }
            let due = due.get_or_insert_with(|| Instant::now() + STALL_TIME);
            while self.poll_alarm(*due, context).is_ready() {
                let now = Instant::now();
                if now >= *due {
                    *due = now + REPORT_INTERVAL;
                    self.report();
                }
                if let Some(alarm) = &mut self.alarm {
                    alarm.as_mut().reset(*due);
                }
            }
            Poll::Pending
        })
        .await
    }

    fn poll_alarm(&mut self, due: Instant, context: &mut Context<'_>) -> Poll<()> {
        self.alarm.get_or_insert_with(|| Box::pin(sleep_until(due))).as_mut().poll(context)
    }

    fn report(&self) {
        static WARNINGS: WarningLimiter = WarningLimiter::frequent();

        self.report.0.store(true, Ordering::Relaxed);
        if let Some(suppressed) = WARNINGS.allow(Instant::now()) {
            tracing::error!(
                room = &*self.room_id,
                suppressed,
                "the disk does not answer: clients that wait for it are closed"
            );
        }
    }
}
