//! The project that a command works on: the directory of the crate and of `dist`, and that of `stateroom.toml`.
//!
//! *Invariant:* a command in any directory of a project works on the same project, and says so unless it is the current
//! directory's.
use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use toml::{Table, Value};

use super::{file::FILE_NAME, names::find, schema::Settings, sources::SettingsSources};

/// The name of cargo's manifests.
const MANIFEST: &str = "Cargo.toml";
/// The name of a built module, next to the settings of the built service.
pub(crate) const BUILT_MODULE: &str = "server.wasm";

/// The project of a directory.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Project {
    /// Nearest directory with a manifest or settings: `dist` is below it.
    pub(crate) directory: PathBuf,
    /// Directory of the settings, relative to that: the one of the workspace if a member has none of its own.
    settings: PathBuf,
}

impl Project {
    /// Finds the project of the current directory.
    ///
    /// # Errors
    ///
    /// Returns an error if the current directory does not exist.
    pub(crate) fn find() -> Result<Project> {
        Ok(Project::of(&current_directory()?))
    }

    /// Finds the project to build in the current directory, which may be below what was built.
    fn to_build() -> Result<Project> {
        let here = current_directory()?;
        let built =
            here.ancestors().filter(|directory| has(directory, FILE_NAME) && has(directory, BUILT_MODULE)).last();
        Ok(Project::of(built.and_then(Path::parent).unwrap_or(&here)))
    }

    /// Finds the project of a directory: its own, else the one of the nearest directory above. Without one, the directory
    /// itself is the project.
    fn of(here: &Path) -> Project {
        let is_project = |directory: &&Path| has(directory, FILE_NAME) || has(directory, MANIFEST);
        let directory = here.ancestors().find(is_project).unwrap_or(here);
        let project = Project { directory: directory.to_owned(), settings: PathBuf::new() };
        if has(directory, FILE_NAME) {
            return project;
        }
        let Some((levels, above)) = settings_of_workspace(directory) else { return project };
        if is_service(directory, above) {
            Project { settings: (0..levels).map(|_| "..").collect(), ..project }
        } else {
            // The settings are about another member.
            Project { directory: above.to_owned(), ..project }
        }
    }

    /// Returns whether a directory other than the current one is the project's.
    pub(crate) fn is_elsewhere(&self) -> bool {
        env::current_dir().is_ok_and(|here| here != self.directory)
    }

    /// Returns the directory of the settings.
    pub(crate) fn settings_directory(&self) -> PathBuf {
        if self.is_elsewhere() { self.directory.join(&self.settings) } else { self.settings.clone() }
    }

    /// Logs the project if it is not the current directory.
    pub(crate) fn announce(&self) {
        if self.is_elsewhere() {
            tracing::info!("using the project in `{}`", self.directory.display());
        }
        if self.settings != Path::new("") {
            tracing::info!("using the settings of the workspace: `{}`", self.settings.join(FILE_NAME).display());
        }
    }
}

impl SettingsSources {
    /// Changes to the directory of the project, and combines its settings with those of the command line, whose paths stay
    /// relative to the directory that it was run in.
    ///
    /// # Errors
    ///
    /// Returns an error if the settings cannot be read or are invalid.
    pub(crate) fn of_project(given: Settings) -> Result<SettingsSources> {
        SettingsSources::enter(Project::find()?, given)
    }

    /// As [`of_project`](SettingsSources::of_project), for commands that build.
    ///
    /// # Errors
    ///
    /// Returns an error if the settings cannot be read or are invalid.
    pub(crate) fn to_build(given: Settings) -> Result<SettingsSources> {
        let sources = SettingsSources::enter(Project::to_build()?, given)?;
        sources.check_cargo_args()?;
        Ok(sources)
    }

    fn enter(project: Project, mut given: Settings) -> Result<SettingsSources> {
        project.announce();
        if project.is_elsewhere() {
            let here = current_directory()?;
            given = given.with_paths(|path| here.join(path));
            env::set_current_dir(&project.directory)
                .with_context(|| format!("failed to change to the directory `{}`", project.directory.display()))?;
        }
        SettingsSources::read(given, &project.settings)
    }
}

fn current_directory() -> Result<PathBuf> {
    env::current_dir().context("failed to find the current directory")
}

fn has(directory: &Path, file: &str) -> bool {
    directory.join(file).is_file()
}

/// Returns the nearest directory with settings above a member of a workspace, up to the root of the workspace, and the number
/// of levels to it.
fn settings_of_workspace(member: &Path) -> Option<(usize, &Path)> {
    let is_root =
        |directory: &Path| table(directory, MANIFEST).is_some_and(|manifest| manifest.contains_key("workspace"));
    if is_root(member) {
        return None;
    }
    let root = member.ancestors().skip(1).find(|directory| is_root(directory))?;
    let manifest = table(root, MANIFEST)?;
    let excluded = find(&manifest, &["workspace", "exclude"]).and_then(Value::as_array).into_iter().flatten();
    if excluded.filter_map(Value::as_str).any(|path| member.starts_with(root.join(path))) {
        return None;
    }
    let within = member.ancestors().enumerate().skip(1).take_while(|(_, directory)| directory.starts_with(root));
    within.into_iter().find(|(_, directory)| has(directory, FILE_NAME))
}

/// Returns whether the package in a directory may be the service of the settings in another one.
fn is_service(directory: &Path, settings: &Path) -> bool {
    let (manifest, settings) = (table(directory, MANIFEST), table(settings, FILE_NAME));
    let package = |table: &Option<Table>, key: &[&str]| {
        table.as_ref().and_then(|table| find(table, key)?.as_str().map(str::to_owned))
    };
    let name = package(&manifest, &["package", "name"]);
    match package(&settings, &["service", "package"]) {
        Some(service) => name == Some(service),
        None => name != package(&settings, &["client", "package"]) && manifest.as_ref().is_some_and(is_module),
    }
}

/// Returns whether cargo builds a module from the package of a manifest.
fn is_module(manifest: &Table) -> bool {
    // Cargo accepts both names.
    let kinds = ["crate-type", "crate_type"].into_iter().find_map(|key| find(manifest, &["lib", key]));
    kinds.and_then(Value::as_array).into_iter().flatten().any(|kind| kind.as_str() == Some("cdylib"))
}

/// Reads a file for what it names. An invalid one is reported by what reads all of it.
fn table(directory: &Path, file: &str) -> Option<Table> {
    fs::read_to_string(directory.join(file)).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (file, text) in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn a_project_is_found_from_any_directory_in_it() {
        let package = |name: &str| format!("[package]\nname = '{name}'\n");
        let root = directory(&[
            ("plain/Cargo.toml", &package("plain")),
            ("plain/src/deep/mod.rs", ""),
            ("settings/stateroom.toml", ""),
            ("settings/static/index.html", ""),
            ("workspace/Cargo.toml", "[workspace]\nmembers = ['*']\nexclude = ['apart']\n"),
            ("workspace/stateroom.toml", "[service]\npackage = 'service'\n[client]\npackage = 'client'\n"),
            ("workspace/service/Cargo.toml", &package("service")),
            ("workspace/service/src/lib.rs", ""),
            ("workspace/client/Cargo.toml", &package("client")),
            ("workspace/client/src/lib.rs", ""),
            ("workspace/own/Cargo.toml", &package("own")),
            ("workspace/own/stateroom.toml", ""),
            ("workspace/apart/Cargo.toml", &package("apart")),
            ("workspace/root/Cargo.toml", "[workspace]\n"),
            ("workspace/static/index.html", ""),
            ("unnamed/Cargo.toml", "[workspace]\n"),
            ("unnamed/stateroom.toml", "[client]\npackage = 'client'\n"),
            ("unnamed/crates/service/Cargo.toml", &format!("{}[lib]\ncrate-type = ['cdylib']\n", package("service"))),
            ("unnamed/crates/protocol/Cargo.toml", &package("protocol")),
            ("unnamed/crates/rlib/Cargo.toml", &format!("{}[lib]\ncrate-type = ['rlib']\n", package("rlib"))),
            ("unnamed/crates/client/Cargo.toml", &package("client")),
            ("nothing/file", ""),
        ]);
        for (here, project, settings) in [
            ("plain", "plain", ""),
            ("plain/src/deep", "plain", ""),
            ("settings/static", "settings", ""),
            ("workspace", "workspace", ""),
            ("workspace/static", "workspace", ""),
            ("workspace/service", "workspace/service", ".."),
            ("workspace/service/src", "workspace/service", ".."),
            ("workspace/client/src", "workspace", ""),
            ("workspace/own", "workspace/own", ""),
            ("workspace/apart", "workspace/apart", ""),
            ("workspace/root", "workspace/root", ""),
            ("unnamed/crates/service", "unnamed/crates/service", "../.."),
            ("unnamed/crates/client", "unnamed", ""),
            ("unnamed/crates/protocol", "unnamed", ""),
            ("unnamed/crates/rlib", "unnamed", ""),
            ("nothing", "nothing", ""),
        ] {
            let expected = Project { directory: root.path().join(project), settings: settings.into() };
            assert_eq!(Project::of(&root.path().join(here)), expected, "{here}");
        }
    }
}
