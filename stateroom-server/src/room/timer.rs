//! When a room has to wake up by itself.
//!
//! *Invariant:* a timer that was replaced never fires: it is looked at before anything else of a turn. Between two that fire
//! is some time, so that a room cannot keep a thread busy with them.
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

use crate::limits;

/// The room's one timer, as its service set it, and the time at which the room ends if it stays empty.
#[derive(Debug)]
pub(crate) struct Timer {
    interval: Duration,
    service: Option<Instant>,
    /// When the service's timer may fire again.
    earliest: Instant,
    empty: Option<Instant>,
    /// When the next client is to be closed, as the server is about to stop.
    drain: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    /// `interval` is the least time between two that fire.
    pub(crate) fn new(interval: Duration) -> Self {
        Timer { interval, service: None, earliest: Instant::now(), empty: None, drain: None, sleep: None }
    }

    /// Sets the service's timer, instead of the one that is set.
    pub(crate) fn set(&mut self, delay: Duration) {
        self.service = Instant::now().checked_add(delay).map(|due| {
            if due < self.earliest {
                limits::exceeded("timer_interval");
            }
            due.max(self.earliest)
        });
    }

    /// Another service takes over, which has set no timer.
    pub(crate) fn clear(&mut self) {
        self.service = None;
    }

    /// It has fired now, whenever it was set for.
    pub(crate) fn fire(&mut self) {
        self.service = None;
        self.earliest = Instant::now() + self.interval;
    }

    /// The next client is to be closed then.
    pub(crate) fn set_drain(&mut self, next: Option<Instant>) {
        self.drain = next;
    }

    /// Whether the service's timer is due; it is then no longer set.
    pub(crate) fn take_due(&mut self) -> bool {
        let now = Instant::now();
        let is_due = self.service.take_if(|due| *due <= now).is_some();
        if is_due {
            self.earliest = now + self.interval;
        }
        is_due
    }

    /// The room has just become empty and ends after that time, if at all.
    pub(crate) fn start_empty(&mut self, time: Option<Duration>) {
        if self.empty.is_none() {
            self.empty = time.and_then(|time| Instant::now().checked_add(time));
        }
    }

    /// Somebody is in the room.
    pub(crate) fn stop_empty(&mut self) {
        self.empty = None;
    }

    /// Whether the room has been empty for as long as it may.
    pub(crate) fn is_empty_over(&self) -> bool {
        self.empty.is_some_and(|end| end <= Instant::now())
    }

    /// Ready when any of the times has come.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(next) = self.service.into_iter().chain(self.empty).chain(self.drain).min() else {
            return Poll::Pending;
        };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(next)));
        if sleep.deadline() != next {
            sleep.as_mut().reset(next);
        }
        sleep.as_mut().poll(context)
    }
}
