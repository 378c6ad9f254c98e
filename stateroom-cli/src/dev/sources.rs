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
    /// Files that the last build was compiled from, and those that the failed ones since read or could not find.
    compiled: BTreeSet<PathBuf>,
    /// Versions that were built, or returned as changes.
    scanned: BTreeMap<PathBuf, FileVersion>,
    /// Versions that were last seen.
    seen: BTreeMap<PathBuf, FileVersion>,
    directories: BTreeSet<PathBuf>,
    /// Files that changed during each of the last builds, and not since; and directories in which files came or went.
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
        self.scanned = self.read();
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
        let before = self.seen.clone();
        let now = self.read();
        // A change between builds is not their own.
        for path in differences(&before, &now, false) {
            for key in writer_keys(&path, &before, &now) {
                self.rewritten.remove(key);
            }
        }
        let mut changes = Changes::default();
        // If a build failed for a reason outside of the sources, saving a file builds again.
        for path in differences(&self.scanned, &now, self.has_failed) {
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
        let is_output = |file: &PathBuf| self.inputs.outputs.iter().any(|output| file.starts_with(output));
        match build.artifacts() {
            Some(artifacts) => self.compiled = artifacts.sources.clone(),
            None => self.compiled.extend(build.failed_on(&self.directory)),
        }
        self.compiled.retain(|file| !is_output(file));
        let mut now = self.read();
        // Files that were not known before are as they were compiled, unless they were written since.
        let is_older = |version: &FileVersion| version.modified().is_some_and(|modified| modified < build.started);
        let compiled = now.iter().filter(|(path, version)| self.is_compiled(path) && is_older(version));
        let compiled: Vec<_> = compiled.map(|(path, version)| (path.clone(), *version)).collect();
        for (path, version) in compiled {
            self.scanned.entry(path).or_insert(version);
        }
        // Files that are not compiled any more.
        self.scanned.retain(|path, _| now.contains_key(path) || !path.exists());
        let mut changed = differences(&self.scanned, &now, false);
        changed.retain(|path| !path.ends_with("Cargo.lock"));
        self.count_writes(&changed, &now, &build.scripts());
        for path in changed {
            let by_builds = |key: &Path| self.rewritten.get(key).is_some_and(|written| written.by_builds);
            if writer_keys(&path, &self.scanned, &now).any(by_builds) {
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

    /// Counts a build during which these files changed, to find out whether it is builds that write them.
    fn count_writes(&mut self, changed: &[PathBuf], now: &BTreeMap<PathBuf, FileVersion>, scripts: &ScriptTimes) {
        let mut written: BTreeMap<PathBuf, bool> = BTreeMap::new();
        for path in changed.iter().filter(|path| self.is_code(path)) {
            let modified = now.get(path).and_then(FileVersion::modified);
            let by_script = modified.is_some_and(|modified| scripts.contain(modified));
            for key in writer_keys(path, &self.scanned, now) {
                *written.entry(key.to_owned()).or_default() |= by_script;
            }
        }
        self.rewritten.retain(|path, _| written.contains_key(path));
        for (path, by_script) in written {
            let name = self.describe(&path);
            let rewritten = self.rewritten.entry(path).or_default();
            rewritten.builds = rewritten.builds.saturating_add(1);
            let enough = if by_script { BUILDS_BY_SCRIPT } else { BUILDS };
            if rewritten.builds >= enough && !rewritten.by_builds {
                rewritten.by_builds = true;
                tracing::info!(
                    "{name} is written by the build itself: its changes during a build do not cause another build"
                );
            }
        }
    }

    /// Reads the versions of all files, and lists the directories to watch.
    fn read(&mut self) -> BTreeMap<PathBuf, FileVersion> {
        let mut files: BTreeSet<PathBuf> = self.inputs.files.union(&self.compiled).cloned().collect();
        files.insert(self.settings.clone());
        let mut directories: BTreeSet<PathBuf> =
            files.iter().filter_map(|file| file.parent()).map(Path::to_owned).collect();
        directories.extend(files.iter().filter(|file| file.is_symlink()).cloned());
        // A build script may depend on all of a directory.
        let whole: Vec<PathBuf> = self.compiled.iter().filter(|path| path.is_dir()).cloned().collect();
        let walks = self.inputs.packages.iter().map(|root| (root, false, true));
        let walks = walks.chain(self.inputs.sources.iter().map(|root| (root, true, true)));
        // Static files are served whatever git ignores, and may be links to files that several pages share.
        let walks = walks.chain(self.static_files.iter().map(|root| (root, true, false)));
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
            // It may be missing now.
            directories.insert(root.clone());
            files.extend(listing.files);
            directories.extend(listing.directories);
        }
        for root in ignored {
            if self.ignored.insert(root.clone()) {
                tracing::info!("git ignores all files in `{}`: watching them nevertheless", root.display());
            }
        }
        // By their real names: the system watches a directory once.
        self.directories = directories.iter().filter_map(|path| walk::existing_directory(path)).collect();
        let version = |path: PathBuf| {
            let version = FileVersion::read(&path, self.seen.get(&path))?;
            Some((path, version))
        };
        self.seen = files.into_iter().filter_map(version).collect();
        self.seen.clone()
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

/// Returns the files that differ. If `rewritten` is set, those that were written again with the same content do.
fn differences(
    before: &BTreeMap<PathBuf, FileVersion>,
    now: &BTreeMap<PathBuf, FileVersion>,
    rewritten: bool,
) -> Vec<PathBuf> {
    let is_same =
        |before: &FileVersion, now: &FileVersion| before.is_same(now) && !(rewritten && before.is_rewritten(now));
    let changed = now
        .iter()
        .filter(|(path, now)| !before.get(*path).is_some_and(|before| is_same(before, now)))
        .map(|(path, _)| path);
    let removed = before.keys().filter(|path| !now.contains_key(*path));
    changed.chain(removed).cloned().collect()
}

/// Returns the paths by which it is counted who writes a file: its own, and its directory if it came or went, as files do that
/// are named by a time or a hash.
fn writer_keys<'a>(
    path: &'a Path,
    before: &BTreeMap<PathBuf, FileVersion>,
    now: &BTreeMap<PathBuf, FileVersion>,
) -> impl Iterator<Item = &'a Path> + use<'a> {
    let stays = before.contains_key(path) && now.contains_key(path);
    [Some(path), path.parent().filter(|_| !stays)].into_iter().flatten()
}

#[cfg(test)]
mod tests;
