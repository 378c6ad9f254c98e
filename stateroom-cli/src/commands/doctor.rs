//! `stateroom doctor`: whether this machine has what building and serving take.
use std::path::Path;

use anyhow::{Result, bail};
use clap::Args;

use crate::{args::Verb, config, doctor::Examination, report};

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Write the result to stdout as JSON
    #[arg(long)]
    json: bool,
}

/// Checks all of it, and fails where there is a problem.
pub(super) fn run(doctor: &Doctor) -> Result<()> {
    let read = config::Settings::of_environment().map_err(anyhow::Error::from).and_then(|given| {
        let said = config::Said::read(given, Path::new(""))?;
        said.check_pairs()?;
        let resolved = said.resolve(&Verb::SERVE)?;
        Ok((said.settings, resolved))
    });
    let examination = Examination::new(read)?;
    if doctor.json {
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
