//! All that is checked, and what was found.
use anyhow::{Error, Result};
use serde::Serialize;

use super::{
    check::{Check, CheckStatus},
    machine, storage, toolchain,
};
use crate::settings::{Defaults, Resolved, Said, Settings};

/// All that was found.
#[derive(Debug, Serialize)]
pub(crate) struct Examination {
    checks: Vec<Check>,
    warnings: usize,
    pub(crate) problems: usize,
}

impl Examination {
    /// Checks all there is to check, with these settings, or, where they cannot be read, with those by default.
    ///
    /// # Errors
    ///
    /// Where even the defaults do not fit together, which they do.
    pub(crate) fn new(settings: Result<(Settings, Resolved)>) -> Result<Examination> {
        let mut checks = toolchain::check();
        let (settings, resolved) = match settings {
            Ok(read) => {
                checks.push(Check::ok("settings", "the environment and stateroom.toml can be used"));
                read
            }
            Err(error) => {
                checks.push(Check::problem("settings", in_a_line(&error), "stateroom config"));
                let said = Said::of(Settings::default());
                let resolved = said.resolve(&Defaults::SERVE)?;
                (said.settings, resolved)
            }
        };
        checks.push(toolchain::check_client(&settings));
        checks.push(machine::check_port(&resolved.server.ip, resolved.server.port));
        checks.extend(machine::check_open_files(resolved.server.limits.connections));
        checks.extend(machine::check_mappings(&resolved.host, resolved.server.limits.rooms));
        checks.extend(machine::check_watches());
        checks.push(storage::check_cache());
        let count = |status| checks.iter().filter(|check| check.status == status).count();
        Ok(Examination { warnings: count(CheckStatus::Warning), problems: count(CheckStatus::Problem), checks })
    }

    /// A line for each, and one for what to do about it.
    pub(crate) fn describe(&self) -> String {
        let width = self.checks.iter().map(|check| check.name.len()).max().unwrap_or(0);
        let line = |check: &Check| {
            let (colour, status) = (check.status.colour(), check.status.name());
            let fix = check.fix.as_ref().map(|fix| format!("{:9}{:width$}  fix: {fix}\n", "", "")).unwrap_or_default();
            format!("{colour}{status:7}\x1b[0m  {:width$}  {}\n{fix}", check.name, check.found)
        };
        self.checks.iter().map(line).collect()
    }
}

/// An error in a line, without the picture of the place in a file, and without a hint.
fn in_a_line(error: &Error) -> String {
    let text = format!("{error:#}");
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.contains('|') && !line.starts_with("hint:"));
    let lines: Vec<_> = lines.map(|line| line.trim_start_matches("error: ")).collect();
    lines.join("; ")
}
