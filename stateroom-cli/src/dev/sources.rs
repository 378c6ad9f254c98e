//! The files that a service is built from, and which of them have changed.
//!
//! *Invariant:* what a build reads is scanned; what it writes into the sources causes one more build at most.
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use super::{
    builder::{Build, Builder},
    changes::Changes,
    version::FileVersion,
    walk::{self, Rules},
};
use crate::build::{BuildInputs, ScriptTimes, dist};

/// Builds in a row during which a file changes until it counts as written by them, if that was while a build script ran.
const BUILDS_BY_SCRIPT: u8 = 2;
/// The same for other files, which a user may have saved twice.
const BUILDS: u8 = 3;

/// The files to scan, and the result of the last scan.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    directory: PathBuf,
    settings: PathBuf,
    static_files: Option<PathBuf>,
    inputs: BuildInputs,
    /// Files that the last build was compiled from.
    compiled: BTreeSet<PathBuf>,
    /// Versions that were built, or returned as changes.
    scanned: BTreeMap<PathBuf, FileVersion>,
    directories: BTreeSet<PathBuf>,
    /// Files that changed during each of the last builds, and not since.
    rewritten: BTreeMap<PathBuf, Rewritten>,
    /// Static files that builds write, which changed since the last scan.
    rebuilt_static_files: Vec<PathBuf>,
    /// Whether the last build failed, perhaps for a reason outside of the sources.
    has_failed: bool,
    /// Directories that were reported as ignored by git.
    ignored: BTreeSet<PathBuf>,
}

#[derive(Debug, Default)]
struct Rewritten {
    builds: u8,
    /// Whether the builds write it.
    by_builds: bool,
    /// The version that the last build left.
    version: Option<FileVersion>,
}

impl Sources {
    /// Scans the inputs of a build and the static files, relative to a directory.
    pub(crate) fn new(inputs: BuildInputs, static_files: Option<&Path>, directory: &Path, settings: &Path) -> Self {
        let mut sources = Sources {
            directory: directory.to_owned(),
            settings: directory.join(settings),
            static_files: static_files.map(|files| directory.join(files)),
            ..Sources::default()
        };
        sources.set_inputs(inputs);
        sources
    }

    /// Replaces the inputs of the build. Changes that were not returned yet are kept.
    pub(super) fn set_inputs(&mut self, inputs: BuildInputs) {
        self.inputs = inputs;
        self.inputs.outputs.push(self.directory.join(dist::DIRECTORY));
        let before = std::mem::take(&mut self.scanned);
        self.scanned = self.read(&before);
        for (path, version) in &mut self.scanned {
            if let Some(before) = before.get(path) {
                *version = *before;
            }
        }
    }

    /// Updates the inputs of the build if the changes may have changed them, such as the dependencies.
    pub(crate) fn update_inputs(&mut self, changes: &Changes, builder: &Builder) {
        if changes.manifest {
            match builder.inputs() {
                Ok(inputs) => self.set_inputs(inputs),
                Err(error) => tracing::warn!("failed to update the watched directories: {error:#}"),
            }
        }
    }

    /// Returns the directories to watch.
    pub(super) fn directories(&self) -> &BTreeSet<PathBuf> {
        &self.directories
    }

    /// Returns whether it is not known yet who changed a file during the last two builds: a build, or a user.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.rewritten.values().any(|rewritten| !rewritten.by_builds && rewritten.builds == BUILDS - 1)
    }

    /// Scans all files and returns the changes since the last scan.
    pub(super) fn scan(&mut self) -> Changes {
        let now = self.read(&self.scanned.clone());
        // Somebody else writes these.
        self.rewritten.retain(|path, rewritten| is_same(now.get(path), rewritten.version.as_ref()));
        let mut changes = Changes::default();
        for path in self.differences(&now) {
            changes.static_files |= self.is_static(&path);
            changes.settings |= path == self.settings;
            changes.code |= self.is_code(&path);
            changes.manifest |= path.extension().is_some_and(|extension| extension == "toml");
            changes.files.push(self.describe(&path));
        }
        for path in std::mem::take(&mut self.rebuilt_static_files) {
            changes.static_files = true;
            changes.files.push(self.describe(&path));
        }
        self.scanned = now;
        changes
    }

    /// Takes note of the changes during a build. They are returned by the next scan, except of files that builds write.
    pub(crate) fn build_ended(&mut self, build: &Build) {
        self.has_failed = false;
        if let Some(artifacts) = build.artifacts() {
            let is_output = |file: &&PathBuf| self.inputs.outputs.iter().any(|output| file.starts_with(output));
            self.compiled = artifacts.sources.iter().filter(|file| !is_output(file)).cloned().collect();
        }
        let mut now = self.read(&self.scanned.clone());
        // Files that were not known before are as they were compiled, unless they were written since.
        let is_older = |version: &FileVersion| version.modified().is_some_and(|modified| modified < build.started);
        let compiled = now.iter().filter(|(path, version)| self.is_compiled(path) && is_older(version));
        let compiled: Vec<_> = compiled.map(|(path, version)| (path.clone(), *version)).collect();
        for (path, version) in compiled {
            self.scanned.entry(path).or_insert(version);
        }
        // Files that are not compiled any more.
        self.scanned.retain(|path, _| now.contains_key(path) || !path.exists());
        let changed: BTreeSet<PathBuf> = self.differences(&now).into_iter().collect();
        self.rewritten.retain(|path, _| changed.contains(path));
        let scripts = build.scripts();
        for path in changed.into_iter().filter(|path| !path.ends_with("Cargo.lock")) {
            if self.is_code(&path) && self.is_written_by_builds(&path, now.get(&path), &scripts) {
                self.rebuilt_static_files.extend(Some(path).filter(|path| self.is_static(path)));
            } else {
                // As it was before the build, so that the next scan returns it.
                match self.scanned.get(&path) {
                    Some(version) => now.insert(path, *version),
                    None => now.remove(&path),
                };
            }
        }
        self.scanned = now;
        self.has_failed = build.result.is_err();
    }

    /// Counts a build during which a file changed, and returns whether it is builds that change it.
    fn is_written_by_builds(&mut self, path: &Path, version: Option<&FileVersion>, scripts: &ScriptTimes) -> bool {
        let file = self.describe(path);
        let rewritten = self.rewritten.entry(path.to_owned()).or_default();
        rewritten.builds = rewritten.builds.saturating_add(1);
        rewritten.version = version.copied();
        let by_script = version.and_then(FileVersion::modified).is_some_and(|modified| scripts.contain(modified));
        if rewritten.builds >= if by_script { BUILDS_BY_SCRIPT } else { BUILDS } && !rewritten.by_builds {
            rewritten.by_builds = true;
            tracing::info!(
                "{file} is written by the build itself: its changes during a build do not cause another build"
            );
        }
        rewritten.by_builds
    }

    /// Reads the versions of all files, and lists the directories to watch.
    fn read(&mut self, before: &BTreeMap<PathBuf, FileVersion>) -> BTreeMap<PathBuf, FileVersion> {
        let mut files: BTreeSet<PathBuf> = self.inputs.files.union(&self.compiled).cloned().collect();
        files.insert(self.settings.clone());
        let mut directories: BTreeSet<PathBuf> =
            files.iter().filter_map(|file| file.parent()).map(Path::to_owned).collect();
        let links = files.iter().filter(|file| file.is_symlink()).filter_map(|file| file.canonicalize().ok());
        directories.extend(links.filter_map(|file| file.parent().map(Path::to_owned)));
        // A build script may depend on all of a directory.
        let whole: Vec<PathBuf> = self.compiled.iter().filter(|path| path.is_dir()).cloned().collect();
        let walks = self.inputs.packages.iter().map(|root| (root, false, true));
        // Static files may be links to files that several pages share.
        let walks = walks.chain(self.inputs.sources.iter().chain(&self.static_files).map(|root| (root, true, true)));
        let walks: Vec<_> = walks.chain(whole.iter().map(|root| (root, true, false))).collect();
        let mut ignored = BTreeSet::new();
        for (root, follow_links, respect_git) in walks {
            let rules = Rules { follow_links, respect_git, without: &self.inputs.outputs };
            let mut listing = walk::list(root, rules);
            if listing.files.is_empty() {
                listing = walk::list(root, Rules { respect_git: false, ..rules });
                if !listing.files.is_empty() {
                    ignored.insert(root.clone());
                }
            }
            files.extend(listing.files);
            directories.extend(listing.directories);
        }
        for root in ignored {
            if self.ignored.insert(root.clone()) {
                tracing::info!("git ignores all files in `{}`: watching them nevertheless", root.display());
            }
        }
        // By their real names: the system watches a directory once.
        self.directories = directories.iter().filter_map(|directory| directory.canonicalize().ok()).collect();
        let version = |path: PathBuf| {
            let version = FileVersion::read(&path, before.get(&path))?;
            Some((path, version))
        };
        files.into_iter().filter_map(version).collect()
    }

    /// Returns the files that differ from the last scan.
    fn differences(&self, now: &BTreeMap<PathBuf, FileVersion>) -> Vec<PathBuf> {
        // If the reason was outside of the sources, saving a file builds again.
        let is_new = |(path, version): &(&PathBuf, &FileVersion)| {
            let before = self.scanned.get(*path);
            !is_same(before, Some(version))
                || (self.has_failed && before.is_some_and(|before| before.is_rewritten(version)))
        };
        let removed = self.scanned.keys().filter(|path| !now.contains_key(*path));
        now.iter().filter(is_new).map(|(path, _)| path).chain(removed).cloned().collect()
    }

    fn is_static(&self, path: &Path) -> bool {
        self.static_files.as_ref().is_some_and(|files| path.starts_with(files))
    }

    /// Returns whether the last build depended on a file, or on a directory around it.
    fn is_compiled(&self, path: &Path) -> bool {
        path.ancestors().any(|path| self.compiled.contains(path))
    }

    /// Returns whether a build may depend on a file.
    fn is_code(&self, path: &Path) -> bool {
        self.is_compiled(path) || self.inputs.files.contains(path) || !(self.is_static(path) || path == self.settings)
    }

    /// Returns the name of a file for people.
    fn describe(&self, path: &Path) -> String {
        path.strip_prefix(&self.directory).unwrap_or(path).display().to_string()
    }
}

fn is_same(one: Option<&FileVersion>, other: Option<&FileVersion>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.is_same(other),
        (None, None) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
