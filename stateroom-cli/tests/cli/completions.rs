//! `stateroom completions`: scripts that their shells can read.
use std::{
    io::{ErrorKind, Write},
    process::{Command, Stdio},
};

use crate::common::{stateroom, success};

fn script(shell: &str) -> String {
    let output = stateroom().args(["completions", shell]).output().unwrap();
    assert_eq!(success(&output), "");
    String::from_utf8(output.stdout).unwrap()
}

/// Has a shell read its script without running it; nothing where there is no such shell.
fn check(shell: &str) {
    let script = script(shell);
    for word in ["inspect", "--heartbeat-interval", "--color"] {
        assert!(script.contains(word), "{shell} lacks {word}");
    }
    let child = Command::new(shell).arg("-n").stdin(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = match child {
        Err(error) if error.kind() == ErrorKind::NotFound => return,
        child => child.unwrap(),
    };
    child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    assert_eq!(success(&child.wait_with_output().unwrap()), "");
}

#[test]
fn bash_can_read_it() {
    check("bash");
}

#[test]
fn zsh_can_read_it() {
    check("zsh");
}

#[test]
fn powershell_and_elvish_are_known_too() {
    for shell in ["powershell", "elvish"] {
        assert!(script(shell).contains("inspect"));
    }
}

/// fish lists flags without their dashes.
#[test]
fn fish_completes_flags() {
    assert!(script("fish").contains("-l heartbeat-interval"));
}
