//! `stateroom config`: what the settings are here, and why.
use std::{collections::BTreeMap, path::Path};

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use crate::{
    args::Verb,
    config::{Flags, Origin, Row, Said, Settings},
    report,
};

/// Which settings to list, and how. Takes those of `serve`, to try them out.
#[derive(Debug, Args)]
pub(crate) struct Config {
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

/// Lists the settings, and fails where they contradict each other.
pub(super) fn run(config: Config) -> Result<()> {
    let (verb, defaults) = if config.dev { ("dev", Verb::DEV) } else { ("serve", Verb::SERVE) };
    let said = Said::read(config.settings, Path::new(""))?;
    let mut rows = said.rows(&defaults, &config.flags);
    if config.changed {
        rows.retain(|row| row.origin != Origin::Default);
    }
    if config.json {
        let settings = rows.iter().map(|row| (row.key.as_str(), row)).collect();
        report::print_json(&Report { verb, settings })?;
    } else {
        let cells: Vec<_> = rows.iter().map(|row| [row.key.clone(), row.text.clone(), row.origin.describe()]).collect();
        report::print(&report::columns(&cells, ""))?;
    }
    said.check_pairs()?;
    said.resolve(&defaults).map(drop)
}
