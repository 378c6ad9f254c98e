//! A guest's random numbers.
//!
//! *Invariant:* many of them are a computation like any other: it yields to other rooms, and uses the event's CPU budget.
use std::time::Instant;

use wasmtime::Caller;
use wasmtime_wasi::{WasiView, p2::bindings::random::random::Host};

use super::{FAULT, INVAL, SUCCESS, guest_memory};
use crate::{engine::ticker::TICK, limits::resources::Refusal, memory, state::GuestState};

/// Number of bytes between two looks at the clock.
const CHUNK_BYTES: u32 = 16 << 10;

/// `random_get`: fills a buffer.
pub(super) async fn get(mut caller: Caller<'_, GuestState>, address: u32, length: u32) -> wasmtime::Result<i32> {
    let memory = guest_memory(&mut caller)?;
    if memory::bytes(memory.data(&caller), address, length).is_err() {
        return Ok(FAULT);
    }
    let limit = caller.data().limits.random_bytes();
    if u64::from(length) > limit {
        let refusal = Refusal::RandomBytes(limit);
        caller.data_mut().limits.refuse(refusal);
        return if caller.data().limits.fails_events() { Err(refusal.into()) } else { Ok(INVAL) };
    }
    let mut resumed = Instant::now();
    let mut filled = 0;
    while filled < length {
        let chunk = CHUNK_BYTES.min(length - filled);
        let random = caller.data_mut().wasi.ctx().ctx.random().get_random_bytes(chunk.into())?;
        memory::bytes_mut(memory.data_mut(&mut caller), address + filled, chunk)?.copy_from_slice(&random);
        filled += chunk;
        if filled < length && resumed.elapsed() >= TICK {
            caller.data().scheduler.clone().tick_in_host().await?;
            resumed = Instant::now();
        }
    }
    Ok(SUCCESS)
}
