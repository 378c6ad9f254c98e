//! `stateroom doctor`: whether this machine has what building and serving take.
use std::path::Path;

use anyhow::{Result, bail};
use clap::Args;

use crate::{
    doctor::Examination,
    settings::{Defaults, Said, Settings},
    ui::report,
};

const EXAMPLES: &str = "\
Examples:
  stateroom doctor
  stateroom doctor -C my-service     with the settings and the client of my-service
  stateroom doctor --json | jq '.checks[] | select(.status != \"ok\")'

It ends with 1 where there is a problem. A warning is none: it is about what can be done without, or comes by itself.";

/// Check this machine for what building and serving take
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DoctorCommand {
    /// Write the result to stdout as JSON
    #[arg(long)]
    json: bool,
}

impl DoctorCommand {
    /// Checks all of it.
    ///
    /// # Errors
    ///
    /// Where there is a problem.
    pub(crate) fn run(self) -> Result<()> {
        let read = Settings::of_environment().map_err(anyhow::Error::from).and_then(|given| {
            let said = Said::read(given, Path::new(""))?;
            said.check_pairs()?;
            let resolved = said.resolve(&Defaults::SERVE)?;
            Ok((said.settings, resolved))
        });
        let examination = Examination::new(read)?;
        if self.json {
            report::print_json(&examination)?;
        } else {
            report::print(&examination.describe())?;
        }
        match examination.problems {
            0 => Ok(()),
            1 => bail!("there is a problem"),
            several => bail!("there are {several} problems"),
        }
    }
}
