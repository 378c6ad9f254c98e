//! The program of the process that compiles a module.
//!
//! *Invariant:* it takes no more time and memory than it was given, and ends with the process that started it.
use std::{
    io::{self, Read, Write},
    mem, process, thread,
    time::Duration,
};

use wasmtime::Engine;

use crate::{
    compiler::{COMPILED, DURABLE, REJECTED, SEPARATOR, TIMED_OUT},
    engine,
};

/// Compiles the module on stdin and writes it to stdout, for a [`CompilerProcess`](crate::CompilerProcess), within the limits in the two arguments that it
/// adds. Call it in a program of its own, or before anything else in one that was started with a secret first argument.
///
/// # Errors
///
/// If the arguments are not those of a [`CompilerProcess`](crate::CompilerProcess), or it has gone.
pub fn compile_as_process(arguments: [&str; 2]) -> io::Result<()> {
    let [time, memory] = arguments.map(|argument| argument.parse::<u64>().map_err(io::Error::other));
    limit_process(memory?)?;
    let time = Duration::from_millis(time?);
    // If the other process is gone, nobody else ends this one.
    thread::spawn(move || {
        thread::sleep(time);
        process::exit(TIMED_OUT);
    });
    let (mut kind, mut module) = ([0], Vec::new());
    let mut stdin = io::stdin().lock();
    stdin.read_exact(&mut kind)?;
    stdin.read_to_end(&mut module)?;
    let engine = Engine::new(&engine::compiler_config(kind == [DURABLE]));
    let mut stdout = io::stdout().lock();
    match engine.and_then(|engine| engine.precompile_module(&mem::take(&mut module))) {
        Ok(compiled) => {
            stdout.write_all(&[COMPILED])?;
            stdout.write_all(&compiled)?;
        }
        Err(error) => {
            let chain: Vec<_> = error.chain().map(ToString::to_string).collect();
            stdout.write_all(&[REJECTED])?;
            stdout.write_all(chain.join(SEPARATOR).as_bytes())?;
        }
    }
    stdout.flush()
}

/// Limits the memory of this process, and ends it with the process that started it.
#[cfg(unix)]
fn limit_process(memory: u64) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    // Writable memory only: the address space that it only reserves is not counted.
    let limit = |resource, maximum: u64| {
        let maximum = getrlimit(resource).maximum.map_or(maximum, |allowed| allowed.min(maximum));
        setrlimit(resource, Rlimit { current: Some(maximum), maximum: Some(maximum) })
    };
    limit(Resource::Core, 0)?;
    limit(Resource::Data, memory)?;
    Ok(())
}

#[cfg(not(unix))]
fn limit_process(_: u64) -> io::Result<()> {
    Ok(())
}
