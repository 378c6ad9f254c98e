//! Who is closed when, as the server is about to stop: spread over some time, so that those who come back elsewhere do not all
//! come at once.
use std::time::Duration;

use tokio::{sync::oneshot, time::Instant};

use super::inbox::ConnectionId;

/// The closing of a room's clients.
#[derive(Debug)]
pub(crate) struct Drain {
    /// The next one last.
    plan: Vec<(Instant, ConnectionId)>,
    /// Whoever waits for it hears of its end when this is dropped.
    _done: oneshot::Sender<()>,
}

impl Drain {
    /// Closes these within that time, each at a time of its own.
    pub(crate) fn new(
        connections: impl Iterator<Item = ConnectionId>,
        time: Duration,
        done: oneshot::Sender<()>,
    ) -> Self {
        let now = Instant::now();
        let mut plan: Vec<_> = connections.map(|id| (now + time.mul_f64(rand::random::<f64>()), id)).collect();
        plan.sort_unstable_by(|one, other| other.cmp(one));
        Drain { plan, _done: done }
    }

    /// Those whose time has come.
    pub(crate) fn take_due(&mut self) -> Vec<ConnectionId> {
        let now = Instant::now();
        let later = self.plan.partition_point(|(time, _)| *time > now);
        self.plan.drain(later..).rev().map(|(_, id)| id).collect()
    }

    /// When the next one's time comes.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.plan.last().map(|(time, _)| *time)
    }
}
