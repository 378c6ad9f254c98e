//! What the benches have in common: the served command, many clients in one thread, and figures.
pub(crate) mod client;
pub(crate) mod crowd;
pub(crate) mod figures;
pub(crate) mod frame;
pub(crate) mod served;

use std::{env, future::Future, io, path::PathBuf};

use tokio::{runtime::Builder, task::LocalSet};

/// What is measured.
pub(crate) struct Subject {
    /// The command `stateroom`.
    pub(crate) program: PathBuf,
    /// What it serves: a service that does what `service.wat` does.
    pub(crate) module: PathBuf,
}

impl Subject {
    /// As the arguments say: the program, and the module. None if this is no bench but a test of all targets.
    pub(crate) fn from_arguments() -> io::Result<Option<Self>> {
        let (flags, paths): (Vec<_>, Vec<_>) = env::args().skip(1).partition(|argument| argument.starts_with("--"));
        if !flags.iter().any(|flag| flag == "--bench") {
            return Ok(None);
        }
        let mut paths = paths.into_iter().map(PathBuf::from);
        let program = paths.next().or_else(built_beside).filter(|program| program.is_file());
        let program = program.ok_or_else(|| {
            io::Error::other("there is no such program: `cargo build --release -p stateroom-cli` first, or name one")
        })?;
        let module =
            paths.next().unwrap_or_else(|| [env!("CARGO_MANIFEST_DIR"), "benches/service.wat"].iter().collect());
        Ok(Some(Subject { program, module }))
    }
}

/// The command where cargo has built it in release: this very program lies in a directory below.
fn built_beside() -> Option<PathBuf> {
    Some(env::current_exe().ok()?.parent()?.parent()?.join("stateroom"))
}

/// Runs a measurement: all clients in this one thread, so that the server has the other cores to itself.
pub(crate) fn run<T>(measurement: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, measurement)
}
