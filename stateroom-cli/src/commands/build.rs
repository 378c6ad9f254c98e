//! `stateroom build`: the service and its client, ready to be served elsewhere.
use std::path::Path;

use anyhow::Result;
use clap::Args;

use crate::{
    build::{self, Profile, Voice, dist},
    serve::load,
    settings::{Defaults, Said, Settings},
    ui::GlobalArgs,
};

const EXAMPLES: &str = "\
Examples:
  stateroom build                    then: stateroom serve dist
  stateroom build -C my-service -q   the crate in my-service; errors and warnings alone are told";

/// Build the service crate here into the directory dist
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BuildCommand {}

impl BuildCommand {
    /// Builds.
    ///
    /// # Errors
    ///
    /// Where something does not build, or could not be served.
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<()> {
        let said = Said::read(Settings::default(), Path::new(""))?;
        let host = said.resolve(&Defaults::SERVE)?.host;
        let voice = if global.quiet > 0 { Voice::Quiet } else { Voice::Aloud };
        let built = build::build(&said.settings, Profile::Release, voice)?;
        // Here rather than where it is to be served: whether it is a service at all, and fits the limits it will have.
        load(&built.service, &host)?;
        dist::write(&built, &said.settings)?;
        tracing::info!("built {}: serve it with `stateroom serve {}`", dist::DIRECTORY, dist::DIRECTORY);
        Ok(())
    }
}
