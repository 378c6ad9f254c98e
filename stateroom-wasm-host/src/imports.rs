//! What a guest can call: one function of ours, and WASI preview 1 with as little behind it as it can have.
//!
//! *Invariant:* nothing here reaches a file, a socket, the environment or the host's terminal.
use wasmtime::{Caller, Engine, Extern, Linker, Memory};
use wasmtime_wasi::p1;

use crate::{instance::State, memory, violation::Breach};

const WASI: &str = "wasi_snapshot_preview1";
/// WASI's error code for "that is no socket".
const NOTSOCK: i32 = 57;

/// What WASI preview 1 has, all of which can be imported.
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

/// Whether a guest may import a function of this name from a module of that name. A guest that imports anything else is
/// refused.
#[must_use]
pub fn offers_import(module: &str, name: &str) -> bool {
    match module {
        "env" => name == "stateroom_send",
        WASI => WASI_FUNCTIONS.contains(&name),
        _ => false,
    }
}

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

#[cfg(test)]
mod tests {
    use wasmtime::{Module, UnknownImportError};

    use super::*;

    #[test]
    fn what_is_said_to_be_offered_is_what_can_be_linked() {
        let engine = Engine::default();
        let linker = linker(&engine).unwrap();
        let all = WASI_FUNCTIONS.iter().map(|name| (WASI, *name));
        for (module, name) in all.chain([("env", "stateroom_send"), ("env", "puts"), (WASI, "fd_open"), ("wbg", "f")]) {
            let guest = Module::new(&engine, format!("(module (import \"{module}\" \"{name}\" (func)))")).unwrap();
            // Of another type than this one, most of them; but known.
            let unknown = linker.instantiate_pre(&guest).is_err_and(|error| error.is::<UnknownImportError>());
            assert_eq!(offers_import(module, name), !unknown, "{module} {name}");
        }
    }
}
