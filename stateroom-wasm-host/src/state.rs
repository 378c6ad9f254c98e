//! The data in a guest's store: everything that the host's functions need.
mod relayed_events;

use std::sync::Arc;

use wasmtime::{AsContextMut, Memory};
use wasmtime_wasi::p1::WasiP1Ctx;

pub(crate) use self::relayed_events::RelayedEvents;
use crate::{
    effects::EffectBuffer,
    environment::{EventClock, RecordedEnvironment},
    guest_log::RoomLog,
    limits::{resources::ResourceLimits, scheduler::Scheduler},
    memory,
    module::{durable::DurableModule, symbols::Symbols},
    violation::ProtocolViolation,
};

/// The data in a guest's store.
pub(crate) struct GuestState {
    pub(crate) wasi: WasiP1Ctx,
    /// `None` while the module's start function runs.
    pub(crate) memory: Option<Memory>,
    /// The address at which the guest publishes the effects of a batch.
    pub(crate) effects_pointer: u32,
    pub(crate) clock: Option<EventClock>,
    /// `None` for a room that is not durable.
    pub(crate) durable: Option<DurableState>,
    pub(crate) limits: ResourceLimits,
    pub(crate) effects: EffectBuffer,
    /// The events that the relay delivers.
    pub(crate) relayed: RelayedEvents,
    pub(crate) log: Arc<RoomLog>,
    pub(crate) symbols: Option<Arc<Symbols>>,
    pub(crate) scheduler: Arc<Scheduler>,
}

/// The part of a guest's state that only durable rooms have.
pub(crate) struct DurableState {
    pub(crate) module: Arc<DurableModule>,
    pub(crate) environment: RecordedEnvironment,
    /// Whether the events in progress were handled before.
    pub(crate) is_replay: bool,
}

impl GuestState {
    /// Resets what belongs to the previous event.
    pub(crate) fn begin_event(&mut self) {
        self.log.end_events();
        self.limits.begin_event();
    }
}

/// Reads the effects that the guest has published since the last call. Returns whether an event has finished since.
///
/// It is called before each output, so that all output so far belongs to the events that have finished since.
pub(crate) fn read_published(mut store: impl AsContextMut<Data = GuestState>) -> Result<bool, ProtocolViolation> {
    let mut context = store.as_context_mut();
    let (memory, pointer) = match context.data() {
        GuestState { memory: Some(memory), effects_pointer, effects, .. } if effects.is_in_batch() => {
            (*memory, *effects_pointer)
        }
        _ => return Ok(false),
    };
    let (memory, state) = memory.data_and_store_mut(&mut context);
    let has_finished = state.effects.read_published(memory::published(memory, pointer)?)?;
    if has_finished {
        state.log.end_events();
    }
    Ok(has_finished)
}

/// Returns whether an event of a batch has finished since the last tick of the clock. The effects so far are read, unless the
/// room is durable: when a tick happens is different in a replay.
pub(crate) fn read_at_tick(mut store: impl AsContextMut<Data = GuestState>) -> Result<bool, ProtocolViolation> {
    let mut context = store.as_context_mut();
    let (memory, pointer) = match context.data() {
        GuestState { durable: Some(_), memory: Some(memory), effects_pointer, effects, .. }
            if effects.is_in_batch() =>
        {
            (*memory, *effects_pointer)
        }
        _ => return read_published(context),
    };
    let (memory, state) = memory.data_and_store_mut(&mut context);
    Ok(memory::published(memory, pointer).is_ok_and(|published| state.effects.look_at_published(published)))
}

/// Takes the effects of a batch so far, so that the guest can reuse their memory: those published, and records of the event in
/// progress.
pub(crate) fn hand_over(
    mut store: impl AsContextMut<Data = GuestState>,
    memory: Memory,
    address: u32,
    length: u32,
) -> Result<(), ProtocolViolation> {
    let has_finished = read_published(&mut store)?;
    let mut context = store.as_context_mut();
    let (memory, state) = memory.data_and_store_mut(&mut context);
    if has_finished {
        state.scheduler.begin_next_event();
    }
    state.effects.hand_over(memory::bytes(memory, address, length)?)?;
    memory::clear_published(memory, state.effects_pointer)
}
