//! Programs: those of the machine, and shell scripts that a test puts before them.
use std::{
    env,
    ffi::OsString,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use super::write;

/// Writes a program.
pub(crate) fn write_program(path: &Path, script: &str) {
    write(path, &format!("#!/bin/sh\n{script}\n"));
    fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
}

/// PATH with a directory before all others.
pub(crate) fn path_with(directory: &Path) -> OsString {
    let path = env::var_os("PATH").unwrap();
    env::join_paths([directory.to_owned()].into_iter().chain(env::split_paths(&path))).unwrap()
}

/// Returns whether the machine has a program that only some tests need. If `STATEROOM_TEST_TOOLS` is set to `required`, as in
/// CI, a missing one fails the test.
pub(crate) fn has_tool(name: &str) -> bool {
    let path = env::var_os("PATH").unwrap();
    let found = env::split_paths(&path).any(|directory| directory.join(name).is_file());
    let is_required = env::var("STATEROOM_TEST_TOOLS").is_ok_and(|value| value == "required");
    assert!(found || !is_required, "`{name}` is not on PATH");
    found
}
