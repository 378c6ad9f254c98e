//! The module that a command is given, with the settings that apply to it.
//!
//! *Invariant:* `serve` and `inspect` find the same module and the same settings.
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::{
    build::dist::{self, DistContents},
    settings::{Project, Settings, SettingsSources},
};

/// A module that a command is given: a file, or a directory created by `stateroom build`.
pub(crate) struct ModuleSource {
    path: PathBuf,
    is_directory: bool,
    /// Settings of the directory, or those of the project for a file.
    pub(crate) sources: SettingsSources,
}

impl ModuleSource {
    /// Finds the settings for a path. `dist` is found from any directory of a project, as it was built.
    ///
    /// # Errors
    ///
    /// Returns an error if the settings cannot be read or are invalid.
    pub(crate) fn find(mut path: PathBuf, given: Settings) -> Result<ModuleSource> {
        let project = Project::find()?;
        let built = project.directory.join(&path);
        if path == Path::new(dist::DIRECTORY) && !path.exists() && built.is_dir() {
            tracing::info!("using `{}`", built.display());
            path = built;
        }
        let is_directory = path.is_dir();
        let sources = if is_directory {
            SettingsSources::read(given, &path)?
        } else {
            project.announce();
            SettingsSources::read(given, &project.settings_directory())?
        };
        Ok(ModuleSource { path, is_directory, sources })
    }

    /// Returns the file or the directory.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the module, and what else is in its directory.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no module.
    pub(crate) fn contents(&self) -> Result<DistContents> {
        if self.is_directory {
            return dist::contents(&self.path);
        }
        if !self.path.exists() {
            let is_dist = self.path.ends_with(dist::DIRECTORY);
            let hint = if is_dist { "\n  hint: create it with `stateroom build`" } else { "" };
            bail!("no such file or directory: `{}`{hint}", self.path.display());
        }
        Ok(DistContents { module: self.path.clone(), static_files: None, client: None })
    }
}
