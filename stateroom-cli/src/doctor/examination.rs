//! All checks and their results.
use std::path::PathBuf;

use anyhow::{Error, Result};
use serde::Serialize;

use super::{
    check::{Check, CheckStatus},
    durability, machine, storage, toolchain,
};
use crate::settings::{Defaults, ResolvedSettings, Settings, SettingsSources};

/// The results of all checks.
#[derive(Debug, Serialize)]
pub(crate) struct Examination {
    checks: Vec<Check>,
    warnings: usize,
    pub(crate) problems: usize,
}

impl Examination {
    /// Runs all checks with these settings, or with the defaults if the settings are invalid. Rooms are kept in `data`, or
    /// where the settings say.
    ///
    /// # Errors
    ///
    /// Returns an error if the defaults are invalid.
    pub(crate) fn run(settings: Result<(Settings, ResolvedSettings)>, data: Option<PathBuf>) -> Result<Examination> {
        let mut checks = toolchain::check();
        checks.push(storage::check_project());
        let (settings, resolved) = match settings {
            Ok(settings) => {
                checks.push(Check::ok("settings", "the environment and stateroom.toml are valid"));
                settings
            }
            Err(error) => {
                checks.push(Check::problem("settings", single_line(&error), "stateroom config"));
                let sources = SettingsSources::without_file(Settings::default());
                let resolved = sources.resolve(&Defaults::SERVE)?;
                (sources.settings, resolved)
            }
        };
        checks.push(toolchain::check_build(&settings));
        checks.push(toolchain::check_client(&settings));
        let data = data.or(resolved.data);
        checks.push(durability::check(data.is_some() || settings.service.durable));
        checks.push(machine::check_port(&resolved.server));
        checks.extend(machine::check_open_files(resolved.server.limits.connections));
        checks.extend(machine::check_mappings(&resolved.host, resolved.server.limits.rooms));
        checks.extend(machine::check_watches());
        checks.extend(machine::check_sandbox());
        checks.push(storage::check_cache());
        #[cfg(unix)]
        checks.extend(data.iter().flat_map(|data| super::data::check(data)));
        let count = |status| checks.iter().filter(|check| check.status == status).count();
        Ok(Examination { warnings: count(CheckStatus::Warning), problems: count(CheckStatus::Problem), checks })
    }

    /// Formats a line for each check, followed by one for its fix.
    pub(crate) fn describe(&self) -> String {
        let width = self.checks.iter().map(|check| check.name.len()).max().unwrap_or(0);
        let line = |check: &Check| {
            let (style, status) = (check.status.style(), check.status.name());
            let fix = check.fix.as_ref().map(|fix| format!("{:9}{:width$}  fix: {fix}\n", "", "")).unwrap_or_default();
            format!("{style}{status:7}{style:#}  {:width$}  {}\n{fix}", check.name, check.found)
        };
        self.checks.iter().map(line).collect()
    }
}

/// Formats an error in one line, without hints and excerpts of files.
fn single_line(error: &Error) -> String {
    let text = format!("{error:#}");
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.contains('|') && !line.starts_with("hint:"));
    let lines: Vec<_> = lines.map(|line| line.trim_start_matches("error: ")).collect();
    lines.join("; ")
}
