//! Helpers: the command, servers that it runs, their clients, and crates to build.
//!
//! *Invariant:* tests never sleep. They wait for a line, a message or an exit, for at most [`TIMEOUT`].
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

/// The timeout of every wait, long enough for a busy machine.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);

/// Returns the command, without the settings and the cache of the user.
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

/// Returns the command with arguments, for a snapshot.
pub(crate) fn stateroom_in(directory: &Path, line: &str) -> snapbox::cmd::Command {
    let mut command = stateroom();
    command.current_dir(directory).args(line.split_whitespace());
    snapbox::cmd::Command::from_std(command)
}

/// Returns the log of a command that failed.
pub(crate) fn failure(output: &Output) -> String {
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{log}");
    log
}

/// Returns the log of a command that succeeded.
pub(crate) fn success(output: &Output) -> String {
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{log}");
    log
}
