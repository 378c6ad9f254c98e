//! Errors on stderr, with their causes, and the exit code that each kind gives the process.
use std::{io::Write, process::ExitCode};

use clap::error::ErrorKind;
use stateroom::printable::{escape, escape_all_but_colors};

use super::{
    color::{self, ERROR},
    stderr::Stderr,
};

/// Creates an error of the command line, for which the process exits with 2.
pub(crate) fn usage(kind: ErrorKind, problem: &str) -> anyhow::Error {
    clap::Error::raw(kind, format!("{problem}\n")).into()
}

/// Prints an error and its causes, and returns the exit code. A closed stderr is ignored.
pub(crate) fn report(error: anyhow::Error, command: &clap::Command) -> ExitCode {
    let error = match error.downcast::<clap::Error>() {
        Ok(usage) => {
            print_usage(&usage.with_cmd(command));
            return ExitCode::from(2);
        }
        Err(error) => error,
    };
    let mut text = format!("{ERROR}error:{ERROR:#} {}\n", escape(&error.to_string()));
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        text.push_str(&format!("  caused by: {}\n", escape(cause.trim_end()).replace('\n', "\n    ")));
    }
    let text = if color::is_enabled() { text } else { anstream::adapter::strip_str(&text).to_string() };
    let _ = Stderr.write_all(text.as_bytes());
    ExitCode::FAILURE
}

/// Prints an error of the command line, or the help that was asked for. Arguments that it repeats are escaped.
pub(crate) fn print_usage(error: &clap::Error) {
    if !error.use_stderr() {
        let _ = error.print();
        return;
    }
    let text = error.render();
    let _ = if color::is_enabled() {
        Stderr.write_all(escape_all_but_colors(&text.ansi().to_string()).as_bytes())
    } else {
        Stderr.write_all(escape(&text.to_string()).as_bytes())
    };
}
