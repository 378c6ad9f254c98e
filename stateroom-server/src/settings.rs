//! The settings of a server: the rooms' [`RoomStrategy`] and [`ShutdownPolicy`], all [`Limits`], and their sum.
mod limits;
mod policy;
mod strategy;

use std::{sync::Arc, time::Duration};

use stateroom_memory::MemoryBudget;
use stateroom_store::Store;
use thiserror::Error;

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
    pub(crate) memory_budget: MemoryBudget,
    pub(crate) store: Option<Arc<dyn Store>>,
    pub(crate) sleep_after: Duration,
    pub(crate) sleep_in_memory: bool,
    pub(crate) forget_after: Option<Duration>,
}

impl Settings {
    /// Returns whether rooms are kept while they have no service: they sleep, and failed events are undone.
    pub(crate) fn keeps_rooms(&self) -> bool {
        self.store.is_some() || self.sleep_in_memory
    }

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
        if self.admission.exposes_cookie() {
            tracing::error!("{}", ExposedCookieError);
        }
        self
    }
}

/// The settings would let pages of every site use the access token in a visitor's cookie. It is ignored.
#[derive(Debug, Error)]
#[error(
    "access tokens in a cookie require origins other than `any` and `null`: browsers send the cookie for every page, so list \
     the origins that may use it; the cookie is ignored"
)]
pub(crate) struct ExposedCookieError;
