//! Commands of the user's toolchain.
use std::{env, ffi::OsStr, process::Command};

/// Environment variables that `cargo run` sets about the program it starts. They do not apply to another package.
const CARGO_RUN_VARIABLES: [&str; 6] =
    ["CARGO_BIN_", "CARGO_CRATE_NAME", "CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_PRIMARY_PACKAGE", "CARGO_TARGET_TMPDIR"];

/// Returns a command that runs a program as from the user's shell, whose environment selects toolchain, flags and directories.
pub(crate) fn tool(name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    for (variable, _) in env::vars_os() {
        let name = variable.to_string_lossy();
        if CARGO_RUN_VARIABLES.iter().any(|prefix| name.starts_with(prefix)) {
            command.env_remove(&variable);
        }
    }
    command
}
