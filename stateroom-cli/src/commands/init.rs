//! `stateroom init`: a crate to begin with, in the working directory.
use std::path::Path;

use anyhow::Result;
use clap::Args;

use crate::scaffold::{ScaffoldArgs, with_templates};

const EXAMPLES: &str = "\
Examples:
  stateroom init -t counter          a crate in the working directory, which may have files
  stateroom init -C my-app -t chat   in the directory my-app";

/// Make one in this directory
#[derive(Debug, Args)]
#[command(after_help = with_templates(EXAMPLES))]
pub(crate) struct InitCommand {
    #[command(flatten)]
    scaffold: ScaffoldArgs,
}

impl InitCommand {
    /// Makes a crate in the working directory.
    ///
    /// # Errors
    ///
    /// Where something is in the way, or was not said and cannot be asked.
    pub(crate) fn run(self) -> Result<()> {
        self.scaffold.plan(Path::new("."))?.create()
    }
}
