//! The closing of a room's clients before the server stops, spread over some time so that they do not all reconnect
//! elsewhere at once.
use std::time::Duration;

use stateroom::room::ConnectionId;
use tokio::{sync::oneshot, time::Instant};

/// A schedule that closes the clients of a room.
#[derive(Debug)]
pub(crate) struct Drain {
    /// Sorted by time, the next one last.
    schedule: Vec<(Instant, ConnectionId)>,
    /// Dropping it tells the server that all clients are closed.
    _done: oneshot::Sender<()>,
}

impl Drain {
    /// Schedules each connection at a random time within `time`.
    pub(crate) fn new(connections: Vec<ConnectionId>, time: Duration, done: oneshot::Sender<()>) -> Self {
        let now = Instant::now();
        let at_random = |id| (now + time.mul_f64(rand::random::<f64>()), id);
        let mut schedule: Vec<_> = connections.into_iter().map(at_random).collect();
        schedule.sort_unstable_by(|one, other| other.cmp(one));
        Drain { schedule, _done: done }
    }

    /// Takes the connections that are due.
    pub(crate) fn take_due(&mut self) -> Vec<ConnectionId> {
        let now = Instant::now();
        let later = self.schedule.partition_point(|(time, _)| *time > now);
        self.schedule.drain(later..).rev().map(|(_, id)| id).collect()
    }

    /// The time at which the next connection is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.schedule.last().map(|(time, _)| *time)
    }
}
