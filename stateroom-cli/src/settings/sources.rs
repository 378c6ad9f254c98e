//! The sources of settings: the command line, the environment and `stateroom.toml`.
use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::{Error, Result, anyhow};
use clap::error::ErrorKind;

use super::{build::BuildSettings, file::FILE_NAME, names::variable, schema::Settings, value::Seconds};
use crate::ui::error::usage;

/// Settings from all sources, before the defaults are applied.
#[derive(Debug)]
pub(crate) struct SettingsSources {
    /// Settings of the command line and the environment.
    pub(super) given: Settings,
    /// Those, and for the rest the settings of the file.
    pub(crate) settings: Settings,
    /// Path of the file.
    pub(crate) path: PathBuf,
}

impl SettingsSources {
    /// Combines settings of the command line with the `stateroom.toml` of a directory.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be read or is invalid.
    pub(crate) fn read(given: Settings, directory: &Path) -> Result<SettingsSources> {
        let given = Settings { build: with_environment(given.build), ..given };
        let settings = given.over(Settings::read_file(directory)?)?;
        Ok(SettingsSources { given, settings, path: directory.join(FILE_NAME) })
    }

    /// Returns sources without a file.
    pub(crate) fn without_file(given: Settings) -> SettingsSources {
        SettingsSources { settings: given.clone(), given, path: FILE_NAME.into() }
    }

    /// Describes the source of a setting.
    pub(super) fn source(&self, flag: &str, setting: impl Fn(&Settings) -> Option<Seconds>) -> String {
        let variable = variable(flag);
        match (setting(&self.given), setting(&self.settings)) {
            (Some(given), _) if env::var(&variable).is_ok_and(|text| text.parse() == Ok(given)) => {
                format!("from {variable}")
            }
            (Some(_), _) => format!("from `--{flag}`"),
            (None, Some(_)) => format!("from `{}` in `{}`", flag.replace('-', "_"), self.path.display()),
            (None, None) => "the default".to_owned(),
        }
    }
}

/// Returns a usage error for contradictory flags, and a failure for contradictory keys of the file.
pub(super) fn contradiction(is_given: bool, problem: &str, hint: &str) -> Error {
    let text = format!("{problem}\n  hint: {hint}");
    if is_given { usage(ErrorKind::ValueValidation, &text) } else { anyhow!(text) }
}

/// Takes the arguments of cargo from the environment if there are none on the command line: clap has no variable for them.
fn with_environment(mut build: BuildSettings) -> BuildSettings {
    if build.cargo_args.is_empty() {
        let arguments = env::var(variable("cargo-args")).unwrap_or_default();
        build.cargo_args = arguments.split_whitespace().map(str::to_owned).collect();
    }
    build
}
