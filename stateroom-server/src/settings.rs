//! The settings of a server: the rooms' [`RoomStrategy`] and [`ShutdownPolicy`], all [`Limits`], and their sum.
mod limits;
mod policy;
mod strategy;

use std::time::Duration;

use crate::admission::Admission;

pub use self::{
    limits::{Limit, Limits},
    policy::{ParseShutdownPolicyError, ShutdownPolicy},
    strategy::{ParseRoomStrategyError, RoomStrategy, ShortLength},
};

/// The settings of a running server, taken from its [`Server`](crate::Server).
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) heartbeat_interval: Duration,
    pub(crate) heartbeat_timeout: Duration,
    pub(crate) static_path: Option<String>,
    pub(crate) client_path: Option<String>,
    pub(crate) room_strategy: RoomStrategy,
    pub(crate) shutdown_policy: ShutdownPolicy,
    pub(crate) compression: bool,
    pub(crate) response_headers: Vec<String>,
    pub(crate) drain_time: Duration,
    pub(crate) admission: Admission,
    pub(crate) limits: Limits,
}

impl Settings {
    /// Cuts values to what the server can compute with, and warns about settings that contradict each other.
    pub(crate) fn checked(mut self) -> Self {
        self.limits.clamp();
        self.drain_time = self.drain_time.min(Limits::LONGEST);
        let (interval, timeout) = (self.heartbeat_interval, self.heartbeat_timeout);
        if !timeout.is_zero() && timeout <= interval {
            tracing::warn!(
                ?interval,
                ?timeout,
                "the heartbeat timeout is not above the interval: silent clients are closed before the first ping"
            );
        }
        self
    }
}
