//! `stateroom config`: what the settings are here, and why.
use std::{collections::BTreeMap, path::Path};

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use crate::{
    settings::{Defaults, Flags, Origin, Row, Said, Settings},
    ui::report,
};

const EXAMPLES: &str = "\
Examples:
  stateroom config                             of `stateroom serve` in this directory
  stateroom config --changed --preset public   what that would change
  stateroom config --dev -C my-service         of `stateroom dev` in my-service
  stateroom config --json | jq .settings.port.value";

/// List the settings, and where each comes from
// It takes those of `serve`, to try them out.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ConfigCommand {
    /// Those of `stateroom dev` rather than of `stateroom serve`
    #[arg(long)]
    dev: bool,

    /// Those alone that are not as they are by default
    #[arg(long)]
    changed: bool,

    /// Write the result to stdout as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    flags: Flags,

    #[command(flatten)]
    settings: Settings,
}

#[derive(Serialize)]
struct Report<'a> {
    verb: &'a str,
    settings: BTreeMap<&'a str, &'a Row>,
}

impl ConfigCommand {
    /// Lists the settings.
    ///
    /// # Errors
    ///
    /// Where they contradict each other.
    pub(crate) fn run(self) -> Result<()> {
        let (verb, defaults) = if self.dev { ("dev", Defaults::DEV) } else { ("serve", Defaults::SERVE) };
        let said = Said::read(self.settings, Path::new(""))?;
        let mut rows = said.rows(&defaults, &self.flags);
        if self.changed {
            rows.retain(|row| row.origin != Origin::Default);
        }
        if self.json {
            let settings = rows.iter().map(|row| (row.key.as_str(), row)).collect();
            report::print_json(&Report { verb, settings })?;
        } else {
            let cells: Vec<_> =
                rows.iter().map(|row| [row.key.clone(), row.text.clone(), row.origin.describe()]).collect();
            report::print(&report::columns(&cells, ""))?;
        }
        said.check_pairs()?;
        said.resolve(&defaults).map(drop)
    }
}
