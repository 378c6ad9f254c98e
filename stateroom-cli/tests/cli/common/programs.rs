//! Shell scripts that replace programs of the machine.
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

/// Returns PATH with a directory prepended.
pub(crate) fn path_with(directory: &Path) -> OsString {
    let path = env::var_os("PATH").unwrap();
    env::join_paths([directory.to_owned()].into_iter().chain(env::split_paths(&path))).unwrap()
}
