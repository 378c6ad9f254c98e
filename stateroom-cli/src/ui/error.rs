//! Errors as people see them: with their causes, on stderr; a usage error as clap prints it.
use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::error::ErrorKind;

use super::color;

/// A command line that asks for what cannot be: its exit code is 2.
pub(crate) fn usage(kind: ErrorKind, problem: &str) -> anyhow::Error {
    clap::Error::raw(kind, format!("{problem}\n")).into()
}

/// Prints an error with its causes. Nobody may be there to read it (a closed pipe): that is no reason to fail again.
pub(crate) fn report(error: anyhow::Error, command: &clap::Command) -> ExitCode {
    let error = match error.downcast::<clap::Error>() {
        Ok(usage) => {
            let _ = usage.with_cmd(command).print();
            return ExitCode::from(2);
        }
        Err(error) => error,
    };
    let (bold, plain) = if color::is_enabled() { ("\x1b[1;31m", "\x1b[0m") } else { ("", "") };
    let mut text = format!("{bold}error:{plain} {error}\n");
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        text.push_str(&format!("  caused by: {}\n", cause.trim_end().replace('\n', "\n    ")));
    }
    let _ = io::stderr().write_all(text.as_bytes());
    ExitCode::FAILURE
}
