//! The host's side of the relay, which delivers a series of events to a guest of protocol 0.
//!
//! *Invariant:* the effects of an event are complete before the next event is delivered.
use wasmtime::{Caller, Func, Instance, Module, Store, TypedFunc};

use crate::{
    engine::relay::{FLUSH, RETURN, RelayAction, recv},
    memory,
    state::GuestState,
    violation::ProtocolViolation,
};

/// Instantiates the relay in a guest's store. The returned function delivers the events in the store's data.
pub(super) async fn attach(
    relay: &Module,
    store: &mut Store<GuestState>,
    recv: &TypedFunc<(u32, u32), ()>,
) -> wasmtime::Result<TypedFunc<(), ()>> {
    let next = Func::wrap(&mut *store, |mut caller: Caller<'_, GuestState>| {
        let memory = caller.data().memory.ok_or(ProtocolViolation::NoMemory)?;
        let (memory, state) = memory.data_and_store_mut(&mut caller);
        Ok(next_action(state, memory)?)
    });
    let flush = Func::wrap_async(&mut *store, |mut caller: Caller<'_, GuestState>, (): ()| {
        Box::new(async move {
            caller.data_mut().effects.flush();
            tokio::task::yield_now().await;
        })
    });
    let imports = [(*recv.func()).into(), next.into(), flush.into()];
    let instance = Instance::new_async(&mut *store, relay, &imports).await?;
    instance.get_typed_func(store, "deliver")
}

/// Finishes the event in progress, and decides what the relay does next.
fn next_action(state: &mut GuestState, memory: &mut [u8]) -> Result<RelayAction, ProtocolViolation> {
    if state.relayed.end_event() {
        state.effects.end_event();
        state.scheduler.begin_next_event();
    }
    if !state.relayed.is_finished() && state.effects.needs_flush() {
        return Ok(FLUSH);
    }
    state.begin_event();
    let address = state.relayed.address();
    let Some((event, length)) = state.relayed.next() else { return Ok(RETURN) };
    memory::bytes_mut(memory, address, length)?.copy_from_slice(event);
    Ok(recv(address, length))
}
