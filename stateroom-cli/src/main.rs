//! The command `stateroom`: builds a service crate into a WebAssembly module, serves it, and load-tests it.
//!
//! This file owns the exit code: the error of a command is printed here, once.
//!
//! *Invariant:* the exit code is 0 for success, 1 for a failure and 2 for an invalid command line. Imports point one way:
//! main, cli, commands; then serve, dev, build, scaffold, module_info and doctor; then settings; then ui.
mod build;
mod cli;
mod commands;
mod dev;
mod doctor;
mod module_info;
mod scaffold;
mod serve;
mod settings;
mod ui;

use std::process::ExitCode;

use ui::{error, logging, stderr};

fn main() -> ExitCode {
    if let Some(code) = serve::run_compiler() {
        return code;
    }
    let _flush = stderr::FlushOnDrop;
    let cli = cli::parse();
    cli.global.color.apply();
    logging::init(&cli.global, cli.is_dev(), serve::GUEST_LOGS.clone());
    cli::check_variables();
    let code = match cli.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error::report(error, &cli::command()),
    };
    #[cfg(feature = "otel")]
    ui::telemetry::shut_down();
    code
}
