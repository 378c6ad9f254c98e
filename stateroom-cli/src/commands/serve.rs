//! `stateroom serve`: serves a module with its static files.
use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, error::ErrorKind};
use stateroom_record::{RecordLimits, Recorder};

use crate::{
    build::dist::{self, DistContents},
    serve::{ModuleSource, ServeOptions, serve_until_stopped},
    settings::{Defaults, Settings},
    ui::error::usage,
};

const EXAMPLES: &str = "\
Examples:
  stateroom serve dist
  stateroom serve dist --port 80 --preset public --admin 127.0.0.1:9090
  stateroom serve dist --tls-cert cert.pem --tls-key key.pem
  stateroom serve service.wasm -r uuid -s never";

/// Serve a built service
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ServeCommand {
    /// Module to serve: a .wasm file, a .wat file, or a directory created by `stateroom build`
    module: PathBuf,

    /// Serve the inspector on the address of --admin, under /_stateroom/; records every event
    #[arg(long, help_heading = "Server options")]
    inspector: bool,

    /// Serve a service whose rooms are meant to be kept without a directory for that: they end with the server
    #[arg(long, help_heading = "Server options", conflicts_with = "data")]
    ephemeral: bool,

    #[command(flatten)]
    settings: Settings,
}

impl ServeCommand {
    /// Serves until a signal stops the process.
    ///
    /// # Errors
    ///
    /// Returns an error if the module cannot be served.
    pub(crate) fn run(self) -> Result<()> {
        let source = ModuleSource::find(self.module, self.settings)?;
        source.sources.check_pairs()?;
        let mut resolved = source.sources.resolve(&Defaults::SERVE)?;
        if self.ephemeral {
            resolved.data = None;
        } else if source.sources.settings.service.durable && resolved.data.is_none() {
            let problem = "the rooms of this service are durable (`durable = true` under `[service]`), and have no directory\n  \
                           hint: add `--data DIR`, or `--ephemeral` if they may be lost";
            return Err(usage(ErrorKind::MissingRequiredArgument, problem));
        }
        let DistContents { module, static_files, client } = source.contents()?;
        let sandboxed = resolved.sandbox.then(|| source.path().to_owned());
        let static_files = source.sources.settings.static_files.or(static_files);
        resolved.set_client(client.as_deref())?;
        static_files.as_deref().map(dist::check_static_files).transpose()?;
        resolved.set_static_files(static_files.as_deref())?;
        if self.inspector && resolved.admin.is_none() {
            let problem = "`--inspector` requires `--admin`: it is only served on the admin address\n  \
                           hint: add for example `--admin 127.0.0.1:9090`";
            return Err(usage(ErrorKind::MissingRequiredArgument, problem));
        }
        let recorder = self.inspector.then(|| Recorder::new(RecordLimits::default()));
        serve_until_stopped(&module, resolved, ServeOptions { recorder, sandboxed, ..ServeOptions::default() })
    }
}
