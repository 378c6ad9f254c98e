//! The cache of compiled modules.
use std::{net::TcpListener, path::Path};
#[cfg(unix)]
use std::{os::unix::fs::PermissionsExt, process::Command};

use tempfile::TempDir;

use crate::common::{directory, failure, stateroom};

const GUEST: &str = include_str!("../../../stateroom-wasm-host/tests/guests/echo.wat");

const COMPILED: &str = "module compiled";
const TAKEN: &str = "module loaded from the cache";

/// Starts a server whose port is in use, and returns its log.
fn start(files: &TempDir, flags: &[&str], variables: &[(&str, &str)]) -> String {
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = port.local_addr().unwrap();
    let mut command = stateroom();
    command.args(["serve", "echo.wat", "--ip", "127.0.0.1", "--port", &address.port().to_string()]).args(flags);
    command.env("STATEROOM_CACHE_DIR", "cache").envs(variables.iter().copied()).current_dir(files.path());
    failure(&command.output().unwrap())
}

fn has_files(directory: &Path) -> bool {
    directory.read_dir().is_ok_and(|mut files| files.next().is_some())
}

#[test]
fn the_second_start_compiles_nothing() {
    let files = directory(&[("echo.wat", GUEST)]);
    let log = start(&files, &[], &[]);
    assert!(log.contains(COMPILED), "{log}");
    assert!(has_files(&files.path().join("cache/modules")));
    let log = start(&files, &[], &[]);
    assert!(log.contains(TAKEN) && !log.contains("WARN"), "{log}");
}

#[test]
fn no_cache_disables_the_cache() {
    let files = directory(&[("echo.wat", GUEST)]);
    for (flags, variables) in [
        (&["--no-cache"][..], &[][..]),
        (&["--no-cache=true"], &[]),
        (&[], &[("STATEROOM_NO_CACHE", "1")]),
        (&[], &[("STATEROOM_NO_CACHE", "true")]),
    ] {
        let log = start(&files, flags, variables);
        assert!(log.contains(COMPILED) && !log.contains("WARN"), "{log}");
        assert!(!has_files(&files.path().join("cache")));
    }
}

#[test]
fn a_flag_overrides_the_file() {
    let files = directory(&[("echo.wat", GUEST), ("stateroom.toml", "no_cache = true\n")]);
    start(&files, &[], &[]);
    assert!(!has_files(&files.path().join("cache")));
    start(&files, &["--no-cache=false"], &[]);
    assert!(has_files(&files.path().join("cache/modules")));
}

#[cfg(unix)]
#[test]
fn the_cache_is_private_whatever_the_umask() {
    let files = directory(&[("echo.wat", GUEST)]);
    let mut command = Command::new("sh");
    // The address is one of documentation, which no machine has: the server ends after it has loaded the module.
    command.args(["-c", "umask 0002; exec \"$STATEROOM\" serve echo.wat --ip 192.0.2.1"]).current_dir(files.path());
    command.env("STATEROOM", env!("CARGO_BIN_EXE_stateroom")).env("STATEROOM_CACHE_DIR", "deep/cache");
    let log = failure(&command.output().unwrap());
    assert!(log.contains(COMPILED), "{log}");
    assert!(has_files(&files.path().join("deep/cache/modules")));
    for path in ["deep", "deep/cache", "deep/cache/modules"] {
        let mode = files.path().join(path).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{path}: {mode:o}");
    }
}
