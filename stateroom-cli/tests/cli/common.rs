//! What the tests have in common: the command itself, servers that it runs, clients of those, crates to build.
//!
//! *Invariant:* nothing sleeps. What is waited for is a line, a message or an end, and never for longer than [`PATIENCE`].
mod client;
mod crates;
#[cfg(unix)]
mod programs;
mod serving;

#[cfg(unix)]
pub(crate) use self::programs::{has_tool, path_with, write_program};
use std::{
    env,
    path::Path,
    process::{Command, Output},
    time::Duration,
};

pub(crate) use self::{
    client::Client,
    crates::{build_in, built, directory, example, locked, target, with_locked_versions, write, write_service},
    serving::Serving,
};

/// Longer than anything takes, on a busy machine too.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The command, with nothing of the settings of whoever runs the tests, nor of what is kept for them.
pub(crate) fn stateroom() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stateroom"));
    for (variable, _) in env::vars_os() {
        if variable.to_string_lossy().starts_with("STATEROOM_") {
            command.env_remove(variable);
        }
    }
    command.env("STATEROOM_CACHE_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"));
    command.env("NO_COLOR", "1").env("COLUMNS", "120").env_remove("RUST_LOG").env("CARGO_TERM_COLOR", "never");
    command
}

/// The command for a snapshot.
pub(crate) fn stateroom_in(directory: &Path, line: &str) -> snapbox::cmd::Command {
    let mut command = stateroom();
    command.current_dir(directory).args(line.split_whitespace());
    snapbox::cmd::Command::from_std(command)
}

/// What it has said, if it has failed as failures do.
pub(crate) fn failure(output: &Output) -> String {
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{log}");
    log
}

/// What it has said, if it has done what it was to do.
pub(crate) fn success(output: &Output) -> String {
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{log}");
    log
}
