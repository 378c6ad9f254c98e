//! `stateroom serve`: serves a module with its static files.
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::{Args, error::ErrorKind};
use stateroom_record::{RecordLimits, Recorder};

use crate::{
    build::dist,
    serve::{ServeOptions, serve_until_stopped},
    settings::{Defaults, Project, Settings, SettingsSources},
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
        let (mut path, project) = (self.module, Project::find()?);
        let built = project.directory.join(&path);
        // From any directory of a project, as it was built.
        if path == Path::new(dist::DIRECTORY) && !path.exists() && built.is_dir() {
            tracing::info!("serving `{}`", built.display());
            path = built;
        }
        let is_directory = path.is_dir();
        let sources = if is_directory {
            SettingsSources::read(self.settings, &path)?
        } else {
            project.announce();
            SettingsSources::read(self.settings, &project.settings_directory())?
        };
        sources.check_pairs()?;
        let mut resolved = sources.resolve(&Defaults::SERVE)?;
        if !path.exists() {
            let is_dist = path.ends_with(dist::DIRECTORY);
            let hint = if is_dist { "\n  hint: create it with `stateroom build`" } else { "" };
            bail!("no such file or directory: `{}`{hint}", path.display());
        }
        let mut static_files = sources.settings.static_files;
        let mut module = path.clone();
        if is_directory {
            let contents = dist::contents(&path)?;
            static_files = static_files.or(contents.static_files);
            resolved.set_client(contents.client.as_deref())?;
            module = contents.module;
        }
        static_files.as_deref().map(dist::check_static_files).transpose()?;
        resolved.set_static_files(static_files.as_deref())?;
        if self.inspector && resolved.admin.is_none() {
            let problem = "`--inspector` requires `--admin`: it is only served on the admin address\n  \
                           hint: add for example `--admin 127.0.0.1:9090`";
            return Err(usage(ErrorKind::MissingRequiredArgument, problem));
        }
        let recorder = self.inspector.then(|| Recorder::new(RecordLimits::default()));
        serve_until_stopped(&module, resolved, ServeOptions { recorder, ..ServeOptions::default() })
    }
}
