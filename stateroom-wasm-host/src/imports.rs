//! The functions that a guest can call: one of Stateroom, and WASI preview 1 with the least possible behind it.
//!
//! *Invariant:* none of them reaches a file, a socket, an environment variable or the host's terminal, and none ends a room
//! where a program expects an answer.
mod durable;
mod random;
mod stdio;

use wasmtime::{Caller, Engine, Extern, Linker, Memory};
use wasmtime_wasi::{I32Exit, p1};

use crate::{
    memory,
    state::{self, GuestState},
    violation::ProtocolViolation,
};

const WASI: &str = "wasi_snapshot_preview1";
/// WASI's error codes: none; an unknown descriptor; an address outside of memory; an invalid argument; too little memory; a
/// descriptor that is not a socket.
const SUCCESS: i32 = 0;
const BADF: i32 = 8;
const FAULT: i32 = 21;
const INVAL: i32 = 28;
const NOMEM: i32 = 48;
const NOTSOCK: i32 = 57;

/// The functions of WASI preview 1, all of which can be imported.
const WASI_FUNCTIONS: [&str; 46] = [
    "args_get",
    "args_sizes_get",
    "clock_res_get",
    "clock_time_get",
    "environ_get",
    "environ_sizes_get",
    "fd_advise",
    "fd_allocate",
    "fd_close",
    "fd_datasync",
    "fd_fdstat_get",
    "fd_fdstat_set_flags",
    "fd_fdstat_set_rights",
    "fd_filestat_get",
    "fd_filestat_set_size",
    "fd_filestat_set_times",
    "fd_pread",
    "fd_prestat_dir_name",
    "fd_prestat_get",
    "fd_pwrite",
    "fd_read",
    "fd_readdir",
    "fd_renumber",
    "fd_seek",
    "fd_sync",
    "fd_tell",
    "fd_write",
    "path_create_directory",
    "path_filestat_get",
    "path_filestat_set_times",
    "path_link",
    "path_open",
    "path_readlink",
    "path_remove_directory",
    "path_rename",
    "path_symlink",
    "path_unlink_file",
    "poll_oneoff",
    "proc_exit",
    "proc_raise",
    "random_get",
    "sched_yield",
    "sock_accept",
    "sock_recv",
    "sock_send",
    "sock_shutdown",
];

/// Returns whether guests may import this function from this module. A guest with any other import is rejected.
#[must_use]
pub fn offers_import(module: &str, name: &str) -> bool {
    match module {
        "env" => name == "stateroom_send",
        WASI => WASI_FUNCTIONS.contains(&name),
        _ => false,
    }
}

/// Returns a linker with all functions that a guest may import. Those of durable guests keep no state.
pub(crate) fn linker(engine: &Engine, durable: bool) -> wasmtime::Result<Linker<GuestState>> {
    let mut linker = Linker::new(engine);
    p1::add_to_linker_async(&mut linker, |state: &mut GuestState| &mut state.wasi)?;
    linker.allow_shadowing(true);
    // Those of wasmtime-wasi refuse a long write or read with "out of memory", which ends a program in Rust.
    linker.func_wrap(WASI, "fd_write", stdio::write)?;
    linker.func_wrap(WASI, "fd_read", stdio::read)?;
    // That of wasmtime-wasi ends the guest above its limit, and keeps its thread meanwhile.
    linker.func_wrap_async(WASI, "random_get", |caller, (address, length): (u32, u32)| {
        Box::new(random::get(caller, address, length))
    })?;
    // That of wasmtime-wasi does not tell the code if it is above 125.
    linker.func_wrap(WASI, "proc_exit", |code: i32| -> wasmtime::Result<()> { Err(I32Exit(code).into()) })?;
    // Those of wasmtime-wasi return the same, but log a warning for each call.
    linker.func_wrap(WASI, "sock_accept", |_: i32, _: i32, _: i32| NOTSOCK)?;
    linker.func_wrap(WASI, "sock_recv", |_: i32, _: i32, _: i32, _: i32, _: i32, _: i32| NOTSOCK)?;
    linker.func_wrap(WASI, "sock_send", |_: i32, _: i32, _: i32, _: i32, _: i32| NOTSOCK)?;
    linker.func_wrap(WASI, "sock_shutdown", |_: i32, _: i32| NOTSOCK)?;
    linker.func_wrap("env", "stateroom_send", send)?;
    if durable {
        durable::shadow(&mut linker)?;
    }
    Ok(linker)
}

/// `env.stateroom_send`: accepts an effect or, within a batch, records of effects.
fn send(mut caller: Caller<'_, GuestState>, address: u32, length: u32) -> wasmtime::Result<()> {
    let memory = guest_memory(&mut caller)?;
    if caller.data().effects.is_in_batch() {
        return Ok(state::hand_over(caller, memory, address, length)?);
    }
    let (memory, state) = memory.data_and_store_mut(&mut caller);
    state.effects.receive(memory::bytes(memory, address, length)?)?;
    Ok(())
}

/// Returns the memory of the calling guest, whose start function may still be running.
fn guest_memory(caller: &mut Caller<'_, GuestState>) -> Result<Memory, ProtocolViolation> {
    match caller.data().memory {
        Some(memory) => Ok(memory),
        None => caller.get_export("memory").and_then(Extern::into_memory).ok_or(ProtocolViolation::NoMemory),
    }
}

#[cfg(test)]
mod tests {
    use wasmtime::{Module, UnknownImportError};

    use super::*;

    #[test]
    fn offered_imports_are_those_that_link() {
        let engine = Engine::default();
        let all = WASI_FUNCTIONS.iter().map(|name| (WASI, *name));
        let all = all.chain([("env", "stateroom_send"), ("env", "puts"), (WASI, "fd_open"), ("wbg", "f")]);
        for ((module, name), durable) in all.flat_map(|import| [(import, false), (import, true)]) {
            let linker = linker(&engine, durable).unwrap();
            let guest = Module::new(&engine, format!("(module (import \"{module}\" \"{name}\" (func)))")).unwrap();
            // Most have another type than this one, which is another error.
            let unknown = linker.instantiate_pre(&guest).is_err_and(|error| error.is::<UnknownImportError>());
            assert_eq!(offers_import(module, name), !unknown, "{module} {name}");
        }
    }
}
