//! Calling a program of the user's toolchain.
use std::{env, ffi::OsStr, process::Command};

/// What `cargo run` tells the program it starts about that program's package: not meant for the build of another.
const ABOUT_THE_CALLER: [&str; 6] =
    ["CARGO_BIN_", "CARGO_CRATE_NAME", "CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_PRIMARY_PACKAGE", "CARGO_TARGET_TMPDIR"];

/// A program of the user's toolchain, called as from their shell. Which toolchain that is, where it builds and with which
/// flags is theirs to say, in the environment too.
pub(crate) fn tool(name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    for (variable, _) in env::vars_os() {
        let name = variable.to_string_lossy();
        if ABOUT_THE_CALLER.iter().any(|prefix| name.starts_with(prefix)) {
            command.env_remove(&variable);
        }
    }
    command
}
