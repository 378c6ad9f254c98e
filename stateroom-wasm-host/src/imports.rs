//! What a guest can call: one function of ours, and WASI preview 1 with as little behind it as it can have.
//!
//! *Invariant:* nothing here reaches a file, a socket, the environment or the host's terminal.
pub(crate) mod output;

use wasmtime::{Caller, Engine, Extern, Linker, Memory};
use wasmtime_wasi::p1;

use crate::{
    instance::{State, breach::Breach},
    memory,
};

const WASI: &str = "wasi_snapshot_preview1";
/// WASI's error code for "that is no socket".
const NOTSOCK: i32 = 57;

/// All that a guest may import.
pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    p1::add_to_linker_async(&mut linker, |state: &mut State| &mut state.wasi)?;
    // Those of wasmtime-wasi do no more than these, but write a warning into the host's log at each call.
    linker.allow_shadowing(true);
    linker.func_wrap(WASI, "sock_accept", |_: i32, _: i32, _: i32| NOTSOCK)?;
    linker.func_wrap(WASI, "sock_recv", |_: i32, _: i32, _: i32, _: i32, _: i32, _: i32| NOTSOCK)?;
    linker.func_wrap(WASI, "sock_send", |_: i32, _: i32, _: i32, _: i32, _: i32| NOTSOCK)?;
    linker.func_wrap(WASI, "sock_shutdown", |_: i32, _: i32| NOTSOCK)?;
    linker.func_wrap("env", "stateroom_send", send)?;
    Ok(linker)
}

/// `env.stateroom_send`: the guest asks for something.
fn send(mut caller: Caller<'_, State>, address: u32, length: u32) -> wasmtime::Result<()> {
    let memory = match caller.data().memory {
        Some(memory) => memory,
        None => exported_memory(&mut caller).ok_or(Breach::NoMemory)?,
    };
    let (memory, state) = memory.data_and_store_mut(&mut caller);
    state.outbox.take_in(memory::bytes(memory, address, length)?)?;
    Ok(())
}

/// The memory of a guest whose start function is still running.
fn exported_memory(caller: &mut Caller<'_, State>) -> Option<Memory> {
    caller.get_export("memory").and_then(Extern::into_memory)
}
