//! `stateroom serve`: a module and its files, until a signal comes.
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::{Args, error::ErrorKind};

use crate::{
    build::dist,
    record::Records,
    serve::{Stage, until_stopped},
    settings::{Defaults, Said, Settings},
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
    /// What to serve: a .wasm file, a .wat file, or a directory that `stateroom build` made
    module: PathBuf,

    /// Show what happens in the rooms in a browser, on the address of --admin, under /_stateroom/. It is written down for that
    #[arg(long, help_heading = "Server")]
    inspector: bool,

    #[command(flatten)]
    settings: Settings,
}

impl ServeCommand {
    /// Serves until a signal comes.
    ///
    /// # Errors
    ///
    /// Where it cannot be served.
    pub(crate) fn run(self) -> Result<()> {
        let module = self.module;
        let beside = if module.is_dir() { module.as_path() } else { Path::new("") };
        let said = Said::read(self.settings, beside)?;
        said.check_pairs()?;
        let mut resolved = said.resolve(&Defaults::SERVE)?;
        if !module.exists() {
            let hint = if module.ends_with(dist::DIRECTORY) { "\n  hint: `stateroom build` makes `dist`" } else { "" };
            bail!("there is no file or directory `{}`{hint}", module.display());
        }
        let mut static_files = said.settings.static_files;
        let mut file = module.clone();
        if module.is_dir() {
            let contents = dist::contents(&module)?;
            static_files = static_files.or(contents.static_files);
            resolved.set_client(contents.client.as_deref())?;
            file = contents.module;
        }
        static_files.as_deref().map(dist::check_static_files).transpose()?;
        resolved.set_static_files(static_files.as_deref())?;
        let records = self.inspector.then(Records::new);
        if records.is_some() && resolved.admin.is_none() {
            let problem = "the inspector is for whoever runs the server, and so needs an address of its own\n  \
                           hint: name one with `--admin`, such as `--admin 127.0.0.1:9090`";
            return Err(usage(ErrorKind::MissingRequiredArgument, problem));
        }
        until_stopped(&file, resolved, Stage { records, ..Stage::default() })
    }
}
