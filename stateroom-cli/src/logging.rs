//! What is written to stderr, how much of it, and whether in colour.
//!
//! *Invariant:* stdout is never logged to.
use std::{
    env,
    io::{self, IsTerminal},
};

use tracing_subscriber::EnvFilter;

/// Starts logging. Flags say more than `RUST_LOG`, which says more than the default: our own `info`, others' `warn`.
pub(crate) fn init(verbose: u8, quiet: u8) {
    let asked = match (verbose, quiet) {
        (0, 0) => None,
        (0, 1) => Some("warn"),
        (0, 2) => Some("error"),
        (0, _) => Some("off"),
        (1, _) => Some("warn,stateroom=debug,stateroom_server=debug,stateroom_wasm_host=debug"),
        (2, _) => Some("info,stateroom=trace,stateroom_server=trace,stateroom_wasm_host=trace"),
        _ => Some("trace"),
    };
    let default = "warn,stateroom=info,stateroom_server=info,stateroom_wasm_host=info";
    let filter = match (asked, env::var(EnvFilter::DEFAULT_ENV)) {
        (Some(asked), _) => EnvFilter::new(asked),
        (None, Ok(variable)) if !variable.is_empty() => EnvFilter::builder().parse_lossy(variable),
        (None, _) => EnvFilter::new(default),
    };
    tracing_subscriber::fmt()
        .compact()
        .with_env_filter(filter)
        .with_target(verbose > 0)
        .with_ansi(colour())
        .with_writer(io::stderr)
        // It would report a closed stderr to that same stderr, and panic.
        .log_internal_errors(false)
        .init();
}

/// Whether stderr is for eyes: a terminal, whose owner has not said `NO_COLOR`.
pub(crate) fn colour() -> bool {
    io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
