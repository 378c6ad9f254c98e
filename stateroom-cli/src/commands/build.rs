//! `stateroom build`: builds the service and its client for deployment.
use std::{fs, path::Path};

use anyhow::{Context, Result};
use clap::Args;
use stateroom_wasm_host::durability;

use crate::{
    build::{self, Output, dist},
    serve::load,
    settings::{BuildSettings, Defaults, DevSettings, Settings, SettingsSources},
    ui::GlobalArgs,
};

const EXAMPLES: &str = "\
Examples:
  stateroom build                    then: stateroom serve dist
  stateroom build -C my-service -q   build the crate in my-service, print warnings and errors only
  stateroom build --locked -F a,b    with features, and the versions of Cargo.lock
  stateroom build -- --timings       with an argument of cargo build";

/// Build the service crate of the current directory into the directory dist
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BuildCommand {
    #[command(flatten)]
    build: BuildSettings,
}

impl BuildCommand {
    /// Builds the service and its client.
    ///
    /// # Errors
    ///
    /// Returns an error if the build fails, or the host rejects the module.
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<()> {
        let sources = SettingsSources::to_build(Settings::default().with_build(self.build, DevSettings::default()))?;
        let host = sources.resolve(&Defaults::SERVE)?.host;
        dist::check(&sources.settings)?;
        let output = if global.quiet > 0 { Output::Quiet } else { Output::Inherit };
        let artifacts = build::build(&sources.settings, output)?;
        // Checked now rather than on deployment, with the limits that will apply there.
        load(&artifacts.service, &host)?;
        if sources.settings.service.durable {
            warn_if_not_durable(&artifacts.service)?;
        }
        dist::write(&artifacts, &sources.settings)?;
        tracing::info!("built `{0}`: serve it with `stateroom serve {0}`", dist::DIRECTORY);
        Ok(())
    }
}

/// Warns if the rooms of a module cannot be kept.
fn warn_if_not_durable(module: &Path) -> Result<()> {
    let bytes = fs::read(module).with_context(|| format!("failed to read `{}`", module.display()))?;
    if let Err(reason) = durability(&bytes) {
        tracing::warn!(
            "the rooms of this service are to be durable (`durable = true` under `[service]`), but cannot be kept: {reason}\n  \
             hint: change the code that this is compiled from, or serve it with `--ephemeral`"
        );
    }
    Ok(())
}
