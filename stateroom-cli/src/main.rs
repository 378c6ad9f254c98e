//! The command `stateroom`: builds a service crate into a WebAssembly module, serves it, and measures it.
//!
//! This file owns the way out: every error of every verb ends here, is printed once, and becomes the exit code.
//!
//! *Invariant:* 0 is success, 1 a failure, 2 a command line that asks for what cannot be. Imports point one way: main, cli,
//! commands, then serve, dev, build, scaffold, module_info and doctor, then settings, then ui.
mod bench;
mod build;
mod cli;
mod commands;
mod dev;
mod doctor;
mod inspector;
mod module_info;
mod record;
mod scaffold;
mod serve;
mod settings;
mod ui;

use std::process::ExitCode;

use record::GuestLines;
use ui::{error, logging};

fn main() -> ExitCode {
    let cli = cli::parse();
    cli.global.color.choose();
    logging::init(&cli.global, cli.is_dev(), GuestLines);
    cli::check_variables();
    let code = match cli.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error::report(error, &cli::command()),
    };
    #[cfg(feature = "otel")]
    ui::telemetry::end();
    code
}
