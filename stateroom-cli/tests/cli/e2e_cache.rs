//! Compiled services are kept for the next start, unless somebody does not want that.
use std::{net::TcpListener, path::Path};

use tempfile::TempDir;

use crate::common::{directory, failure, stateroom};

const GUEST: &str = include_str!("../../../stateroom-wasm-host/tests/guests/echo.wat");

const COMPILED: &str = "module compiled";
const TAKEN: &str = "module loaded from the cache";

/// A start, until the server finds that its port is taken; what it has said by then.
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
fn nothing_is_kept_where_nobody_wants_it() {
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
fn a_flag_counts_more_than_the_file() {
    let files = directory(&[("echo.wat", GUEST), ("stateroom.toml", "no_cache = true\n")]);
    start(&files, &[], &[]);
    assert!(!has_files(&files.path().join("cache")));
    start(&files, &["--no-cache=false"], &[]);
    assert!(has_files(&files.path().join("cache/modules")));
}
