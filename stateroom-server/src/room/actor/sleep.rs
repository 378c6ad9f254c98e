//! The sleep of rooms that are kept: without a service, until something happens, and then until there is a place for one.
//!
//! *Invariant:* a room sleeps only when no event is on its way.
use std::{future::poll_fn, time::Duration};

use stateroom::room::CloseReason;
use tokio::time::Instant;

use super::{Ending, Room, RoomCommand, ServiceEnd};
use crate::metrics::{GaugeGuard, Metrics};

/// How long a room that is kept waits for a place for its service.
pub(crate) const PLACE_TIME: Duration = Duration::from_secs(5);

/// Number of clients of a sleeping room up to which they may all be closed, and reconnect, at once.
const FEW_CLIENTS: usize = 16;

/// Whether a room has a service.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sleep {
    Awake,
    Asleep,
    /// It is about to get a service, because something happened at this time.
    Waking(Instant),
    /// It waits for a place for its service.
    Waiting(Instant),
}

impl Room {
    /// Ends the service of a room in which nothing happens. Without clients, a durable room is in the store alone.
    pub(super) fn fall_asleep(&self) -> ServiceEnd {
        if self.inbox.sleep(self.core.is_empty() && self.is_durable()) {
            ServiceEnd::Room(Ending::Empty)
        } else {
            ServiceEnd::Asleep
        }
    }

    /// Has the room wait for a place, of which there is none now. Returns whether it does: it does not if it is not kept, or has
    /// waited for long and would lose nothing.
    pub(super) fn may_wait_for_place(&mut self) -> bool {
        let since = if let Sleep::Waking(since) = self.sleep { since } else { Instant::now() };
        let may_wait = self.keep.is_some() && (self.continues_in_memory() || since.elapsed() < PLACE_TIME);
        if may_wait {
            self.sleep = Sleep::Waiting(since);
        }
        may_wait
    }

    pub(crate) fn is_asleep(&self) -> bool {
        matches!(self.sleep, Sleep::Asleep)
    }

    /// Returns whether there was no place for the service.
    pub(crate) fn waits_for_place(&self) -> bool {
        matches!(self.sleep, Sleep::Waiting(_))
    }

    /// Returns whether the room goes on with the state that it has in memory, which only the same factory understands.
    pub(crate) fn continues_in_memory(&self) -> bool {
        self.has_begun && !self.is_durable()
    }

    /// Waits until something happens in a room that sleeps, if it does. Returns how the room ends, if it ends meanwhile: that takes no
    /// service.
    pub(crate) async fn wake(&mut self) -> Option<Ending> {
        let was_asleep = self.is_asleep();
        // State that is in memory alone has no use once the room is to end, for whatever reason.
        let needs_no_service = self.waits_for_place() && self.continues_in_memory();
        let since = match self.sleep {
            Sleep::Awake | Sleep::Waking(_) => return None,
            Sleep::Waiting(since) => since,
            Sleep::Asleep => {
                let ending = self.sleep_on().await;
                if ending.is_some() {
                    return ending;
                }
                Instant::now()
            }
        };
        self.sleep = Sleep::Waking(since);
        if let Some((reason, ended)) = self.inbox.take_stop(needs_no_service) {
            self.waiting_for_end.extend(ended);
            return Some(Ending::Stopped(reason));
        }
        if was_asleep && self.core.is_empty() {
            let evicted = self.inbox.take_evictions();
            if (!evicted.is_empty() || self.core.is_expired(&self.output)) && self.inbox.end_if_empty() {
                self.waiting_for_end.extend(evicted);
                return Some(Ending::Empty);
            }
        }
        if was_asleep {
            Metrics::woken(self.inbox.first_cause().unwrap_or("timer"));
        }
        None
    }

    /// Waits until something happens. Returns how the room ends if that is only that the server is about to stop. Its clients, if they
    /// are few, are then closed together, at a random time.
    async fn sleep_on(&mut self) -> Option<Ending> {
        let _gauge = GaugeGuard::of(&self.metrics.rooms_asleep);
        poll_fn(|context| self.poll_work(None, context)).await;
        let clients = self.core.connections().len();
        let (time, done) = if clients <= FEW_CLIENTS { self.inbox.take_only_drain()? } else { return None };
        let share = if clients == 0 { 0.0 } else { rand::random::<f64>() };
        let now = Instant::now();
        let ends_at = now + time.mul_f64(share);
        if poll_fn(|context| self.poll_work(Some(ends_at), context)).await {
            let time = time.saturating_sub(now.elapsed());
            self.inbox.put_back(vec![RoomCommand::Drain { time, done }]);
            return None;
        }
        self.waiting_for_end.push(done);
        Some(Ending::Stopped(CloseReason::Stopping))
    }
}
