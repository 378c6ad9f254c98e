//! `stateroom init`: creates a service crate in the current directory.
use std::path::Path;

use anyhow::Result;
use clap::Args;

use crate::{
    scaffold::{ScaffoldArgs, with_templates},
    ui::GlobalArgs,
};

const EXAMPLES: &str = "\
Examples:
  stateroom init -t counter          in the current directory, which may contain files
  stateroom init -C my-app -t chat   in the directory my-app";

/// Create a service crate in the current directory
#[derive(Debug, Args)]
#[command(after_help = with_templates(EXAMPLES))]
pub(crate) struct InitCommand {
    #[command(flatten)]
    scaffold: ScaffoldArgs,
}

impl InitCommand {
    /// Creates the crate.
    ///
    /// # Errors
    ///
    /// Returns an error if a file exists already, or a missing argument cannot be asked for.
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<()> {
        let example = format!("stateroom init{} -t counter", global.directory_flag());
        self.scaffold.plan(Path::new("."), &example)?.create()
    }
}
