//! `stateroom doctor`: checks this machine's setup.
use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use crate::{
    doctor::Examination,
    settings::{Defaults, Settings, SettingsSources},
    ui::report,
};

const EXAMPLES: &str = "\
Examples:
  stateroom doctor
  stateroom doctor -C my-service     check with the settings and the client of my-service
  stateroom doctor --data rooms      check the disk that durable rooms are stored on
  stateroom doctor --json | jq '.checks[] | select(.status != \"ok\")'

Exits with status 1 if any check fails. Warnings do not affect the exit status.";

/// Check this machine's setup for building and serving
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DoctorCommand {
    /// Print the result as JSON
    #[arg(long)]
    json: bool,

    /// Check the directory of durable rooms and its disk as well; by default that of the settings, if there is one
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl DoctorCommand {
    /// Runs all checks.
    ///
    /// # Errors
    ///
    /// Returns an error if a check fails.
    pub(crate) fn run(self) -> Result<()> {
        let settings = Settings::of_environment().map_err(anyhow::Error::from).and_then(|given| {
            let sources = SettingsSources::of_project(given)?;
            sources.check_pairs()?;
            sources.check_cargo_args()?;
            let resolved = sources.resolve(&Defaults::SERVE)?;
            Ok((sources.settings, resolved))
        });
        let examination = Examination::run(settings, self.data)?;
        if self.json {
            report::print_json(&examination)?;
        } else {
            report::print(&examination.describe())?;
        }
        match examination.problems {
            0 => Ok(()),
            1 => bail!("1 check failed"),
            problems => bail!("{problems} checks failed"),
        }
    }
}
