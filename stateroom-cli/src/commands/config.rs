//! `stateroom config`: lists the settings and their origins.
use std::collections::BTreeMap;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use crate::{
    settings::{BuildSettings, Defaults, DevSettings, GivenFlags, ListedSetting, Origin, Settings, SettingsSources},
    ui::report,
};

const EXAMPLES: &str = "\
Examples:
  stateroom config                             settings of `stateroom serve` in this directory
  stateroom config --changed --preset public   preview the effect of a flag
  stateroom config --dev -C my-service         settings of `stateroom dev` in my-service
  stateroom config --json | jq .settings.port.value";

/// List the settings and where each comes from
// Accepts the flags of `serve`, `build` and `dev`, to preview their effect.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ConfigCommand {
    /// List the settings of `stateroom dev` instead of `stateroom serve`
    #[arg(long)]
    dev: bool,

    /// List only settings that differ from their default
    #[arg(long)]
    changed: bool,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    flags: GivenFlags,

    #[command(flatten)]
    dev_settings: DevSettings,

    #[command(flatten)]
    build: BuildSettings,

    #[command(flatten)]
    settings: Settings,
}

#[derive(Serialize)]
struct ConfigReport<'a> {
    verb: &'a str,
    settings: BTreeMap<&'a str, &'a ListedSetting>,
}

impl ConfigCommand {
    /// Lists the settings.
    ///
    /// # Errors
    ///
    /// Returns an error if settings contradict each other.
    pub(crate) fn run(self) -> Result<()> {
        let (verb, defaults) = if self.dev { ("dev", Defaults::DEV) } else { ("serve", Defaults::SERVE) };
        let given = self.settings.with_build(self.build, self.dev_settings);
        let sources = SettingsSources::of_project(given)?;
        let mut settings = sources.list(&defaults, &self.flags)?;
        if self.changed {
            settings.retain(|setting| setting.origin != Origin::Default);
        }
        if self.json {
            let settings = settings.iter().map(|setting| (setting.key.as_str(), setting)).collect();
            report::print_json(&ConfigReport { verb, settings })?;
        } else {
            let row = |setting: &ListedSetting| [setting.key.clone(), setting.text.clone(), setting.origin.describe()];
            let rows: Vec<_> = settings.iter().map(row).collect();
            report::print(&report::columns(&rows, ""))?;
        }
        sources.check_pairs()?;
        sources.check_cargo_args()?;
        sources.resolve(&defaults).map(drop)
    }
}
