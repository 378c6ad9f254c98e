//! The data in a guest's store: everything that the host's functions need.
mod relayed_events;

use std::sync::Arc;

use wasmtime::Memory;
use wasmtime_wasi::p1::WasiP1Ctx;

pub(crate) use self::relayed_events::RelayedEvents;
use crate::{
    effects::EffectBuffer,
    environment::EventClock,
    guest_log::RoomLog,
    limits::{resources::ResourceLimits, scheduler::Scheduler},
};

/// The data in a guest's store.
pub(crate) struct GuestState {
    pub(crate) wasi: WasiP1Ctx,
    /// `None` while the module's start function runs.
    pub(crate) memory: Option<Memory>,
    /// The address at which the guest publishes the effects of a batch.
    pub(crate) effects_pointer: u32,
    pub(crate) clock: Option<EventClock>,
    pub(crate) limits: ResourceLimits,
    pub(crate) effects: EffectBuffer,
    /// The events that the relay delivers.
    pub(crate) relayed: RelayedEvents,
    pub(crate) log: Arc<RoomLog>,
    pub(crate) scheduler: Arc<Scheduler>,
}

impl GuestState {
    /// Resets what belongs to the previous event.
    pub(crate) fn begin_event(&mut self) {
        self.log.end_events();
        self.limits.begin_event();
    }
}
