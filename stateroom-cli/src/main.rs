//! The command `stateroom`: builds a service crate into a WebAssembly module, serves it, and measures it.
//!
//! This file owns the way out: every error of every verb ends here, is printed once, and becomes the exit code.
//!
//! *Invariant:* 0 is success, 1 a failure, 2 a command line that asks for what cannot be.
mod anatomy;
mod args;
mod build;
mod closest;
mod colour;
mod commands;
mod config;
mod dev;
mod doctor;
mod logging;
mod metrics;
mod new;
#[cfg(test)]
mod readme;
mod refusal;
mod report;
mod shutdown;
mod systemd;
#[cfg(feature = "otel")]
mod telemetry;

use std::{
    io::{self, Write},
    process::ExitCode,
};

fn main() -> ExitCode {
    let cli = args::parse();
    cli.color.choose();
    logging::init(cli.verbose, cli.quiet, cli.log_format, matches!(cli.verb, args::Verb::Dev(_)));
    args::check_variables();
    let code = match commands::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => tell(error),
    };
    #[cfg(feature = "otel")]
    telemetry::end();
    code
}

/// Prints an error with its causes. Nobody may be there to read it (a closed pipe): that is no reason to fail again.
fn tell(error: anyhow::Error) -> ExitCode {
    let error = match error.downcast::<clap::Error>() {
        Ok(usage) => {
            let _ = usage.with_cmd(&args::command()).print();
            return ExitCode::from(2);
        }
        Err(error) => error,
    };
    let (bold, plain) = if logging::colour() { ("\x1b[1;31m", "\x1b[0m") } else { ("", "") };
    let mut text = format!("{bold}error:{plain} {error}\n");
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        text.push_str(&format!("  caused by: {}\n", cause.trim_end().replace('\n', "\n    ")));
    }
    let _ = io::stderr().write_all(text.as_bytes());
    ExitCode::FAILURE
}
