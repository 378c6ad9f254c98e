//! Shared code of the benchmarks: the server process, single-threaded clients, and latency statistics.
pub(crate) mod client;
pub(crate) mod frame;
pub(crate) mod latencies;
pub(crate) mod load;
pub(crate) mod server_process;

use std::{env, future::Future, io, path::PathBuf};

use tokio::{runtime::Builder, task::LocalSet};

/// The program and module to measure.
pub(crate) struct Target {
    /// The `stateroom` binary.
    pub(crate) program: PathBuf,
    /// The served module, which must implement the messages of `service.wat`.
    pub(crate) module: PathBuf,
}

impl Target {
    /// Reads the program and module from the arguments. Returns `None` without `--bench`, as in
    /// `cargo test --all-targets`.
    pub(crate) fn from_arguments() -> io::Result<Option<Self>> {
        let (flags, paths): (Vec<_>, Vec<_>) = env::args().skip(1).partition(|argument| argument.starts_with("--"));
        if !flags.iter().any(|flag| flag == "--bench") {
            return Ok(None);
        }
        let mut paths = paths.into_iter().map(PathBuf::from);
        let program = paths.next().or_else(release_binary).filter(|program| program.is_file());
        let program = program.ok_or_else(|| {
            io::Error::other(
                "`stateroom` binary not found: run `cargo build --release -p stateroom-cli`, or pass its path",
            )
        })?;
        let module =
            paths.next().unwrap_or_else(|| [env!("CARGO_MANIFEST_DIR"), "benches/service.wat"].iter().collect());
        Ok(Some(Target { program, module }))
    }
}

/// Returns the path of the release binary, in the parent of the directory of this benchmark.
fn release_binary() -> Option<PathBuf> {
    Some(env::current_exe().ok()?.parent()?.parent()?.join("stateroom"))
}

/// Runs a measurement with all clients on this thread, which leaves the other cores to the server.
pub(crate) fn run<T>(measurement: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, measurement)
}
