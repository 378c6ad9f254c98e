//! The files that a service is built from, and which of them have changed.
//!
//! *Invariant:* files that git ignores and files that a build writes are not scanned.
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use ignore::WalkBuilder;

use crate::{
    build::{BuildInputs, dist},
    settings::FILE_NAME,
};

/// The directories to scan, and the result of the last scan.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// Directories of packages, and single files.
    roots: BTreeSet<PathBuf>,
    static_files: Option<PathBuf>,
    settings: PathBuf,
    /// Directories that builds write.
    outputs: Vec<PathBuf>,
    scanned: BTreeMap<PathBuf, FileVersion>,
    directories: BTreeSet<PathBuf>,
}

/// The modification time and size of a file, by which changes are detected.
type FileVersion = (Option<SystemTime>, u64);

/// The changes since the last scan.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// Whether a file that a build may depend on changed.
    pub(super) code: bool,
    /// Whether a static file changed.
    pub(super) static_files: bool,
    /// Whether `stateroom.toml` changed.
    pub(super) settings: bool,
    /// Whether a `Cargo.toml` changed.
    pub(super) manifest: bool,
    /// Paths relative to the current directory.
    files: Vec<String>,
}

impl Changes {
    /// Returns whether nothing changed.
    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Describes the changes in a sentence.
    pub(crate) fn describe(&self) -> String {
        match self.files.as_slice() {
            [] => "nothing changed".to_owned(),
            [file] => format!("{file} changed"),
            [file, others @ ..] => format!("{file} and {} more changed", others.len()),
        }
    }
}

impl Sources {
    /// Scans the inputs of a build and the static files, relative to the current directory.
    pub(crate) fn new(inputs: BuildInputs, static_files: Option<&Path>, directory: &Path) -> Self {
        let static_files = static_files.map(|files| directory.join(files));
        let mut sources = Sources { static_files, settings: directory.join(FILE_NAME), ..Sources::default() };
        sources.set_inputs(inputs);
        sources
    }

    /// Replaces the inputs of the build. Changes that were not returned yet are kept.
    pub(super) fn set_inputs(&mut self, BuildInputs { roots, target_directory }: BuildInputs) {
        self.roots = roots;
        self.roots.insert(self.settings.clone());
        self.outputs = vec![target_directory, self.directory().join(dist::DIRECTORY)];
        let before = self.scanned.clone();
        self.scan();
        for (path, scanned) in &mut self.scanned {
            if let Some(version) = before.get(path) {
                *scanned = *version;
            }
        }
    }

    /// Returns the directories to watch.
    pub(super) fn directories(&self) -> &BTreeSet<PathBuf> {
        &self.directories
    }

    /// Scans all files and returns the changes since the last scan.
    pub(super) fn scan(&mut self) -> Changes {
        self.directories = self.roots.iter().filter_map(|root| root.parent()).map(Path::to_owned).collect();
        let mut scanned = BTreeMap::new();
        for root in self.roots.clone() {
            self.walk(&root, false, &mut scanned);
        }
        if let Some(files) = self.static_files.clone() {
            // Static files may be links to files that several pages share.
            self.walk(&files, true, &mut scanned);
        }
        let changes = self.compare(&scanned);
        self.scanned = scanned;
        changes
    }

    /// Accepts the `Cargo.lock` that a build wrote as unchanged.
    pub(super) fn accept_lock(&mut self) {
        for (path, scanned) in &mut self.scanned {
            if path.ends_with("Cargo.lock")
                && let Some(version) = version(path)
            {
                *scanned = version;
            }
        }
    }

    fn walk(&mut self, root: &Path, follow_links: bool, scanned: &mut BTreeMap<PathBuf, FileVersion>) {
        let outputs = self.outputs.clone();
        let mut walk = WalkBuilder::new(root);
        walk.require_git(false).follow_links(follow_links);
        walk.filter_entry(move |entry| !outputs.iter().any(|output| entry.path().starts_with(output)));
        // Unreadable entries may be removed already.
        for entry in walk.build().flatten() {
            if entry.file_type().is_some_and(|kind| kind.is_dir()) {
                self.directories.insert(entry.into_path());
            } else if !is_editor_file(entry.path())
                && let Some(version) = version(entry.path())
            {
                scanned.insert(entry.into_path(), version);
            }
        }
    }

    fn directory(&self) -> &Path {
        self.settings.parent().unwrap_or(Path::new(""))
    }

    fn compare(&self, now: &BTreeMap<PathBuf, FileVersion>) -> Changes {
        let mut changes = Changes::default();
        let changed =
            now.iter().filter(|(path, version)| self.scanned.get(*path) != Some(version)).map(|(path, _)| path);
        let removed = self.scanned.keys().filter(|path| !now.contains_key(*path));
        for path in changed.chain(removed) {
            // A new lock file was written by a build.
            if path.ends_with("Cargo.lock") && !self.scanned.contains_key(path) {
                continue;
            }
            if *path == self.settings {
                changes.settings = true;
            } else if self.static_files.as_ref().is_some_and(|files| path.starts_with(files)) {
                changes.static_files = true;
            } else {
                changes.code = true;
                changes.manifest |= path.ends_with("Cargo.toml");
            }
            changes.files.push(path.strip_prefix(self.directory()).unwrap_or(path).display().to_string());
        }
        changes
    }
}

/// Returns the version of a file, following links.
fn version(path: &Path) -> Option<FileVersion> {
    let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    Some((metadata.modified().ok(), metadata.len()))
}

/// Returns whether a file is a temporary or backup file of an editor.
fn is_editor_file(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    name.ends_with('~') || name.ends_with(".tmp") || name.ends_with(".swp") || name.starts_with('#') || name == "4913"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs_in(root: &Path) -> BuildInputs {
        BuildInputs { roots: [root.to_owned()].into(), target_directory: root.join("target") }
    }

    fn write(directory: &Path, file: &str, text: &str) {
        let path = directory.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn changes_are_reported_by_kind() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        for file in ["Cargo.toml", "src/lib.rs", "static/index.html", ".gitignore"] {
            write(root, file, "x");
        }
        let mut sources = Sources::new(inputs_in(root), Some(Path::new("static")), root);
        assert_eq!(sources.scanned.len(), 3, "{sources:?}");
        assert!(sources.scan().is_empty());

        write(root, "src/lib.rs", "longer");
        let changes = sources.scan();
        assert_eq!((changes.code, changes.static_files, changes.settings), (true, false, false));
        assert_eq!(changes.describe(), "src/lib.rs changed");
        write(root, "static/index.html", "longer");
        let changes = sources.scan();
        assert_eq!((changes.code, changes.static_files, changes.settings), (false, true, false));
        write(root, FILE_NAME, "port = 1");
        assert!(sources.scan().settings);

        write(root, "src/more/new.rs", "x");
        fs::remove_file(root.join("src/lib.rs")).unwrap();
        let changes = sources.scan();
        assert!(changes.code && sources.directories().contains(&root.join("src/more")));
        assert_eq!(changes.describe(), "src/more/new.rs and 1 more changed");
        assert!(sources.scan().is_empty());
    }

    #[test]
    fn ignored_built_and_editor_files_are_not_scanned() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        write(root, ".gitignore", "/notes\n");
        write(root, "src/lib.rs", "x");
        let mut sources = Sources::new(inputs_in(root), None, root);
        for file in ["notes/a", "target/debug/x", "dist/server.wasm", ".git/HEAD", "src/lib.rs~", "src/.lib.rs.swp"] {
            write(root, file, "x");
            assert!(sources.scan().is_empty(), "{file}");
        }
        write(root, "Cargo.lock", "x");
        assert!(sources.scan().is_empty(), "written by a build");
        write(root, "Cargo.lock", "by a build");
        sources.accept_lock();
        assert!(sources.scan().is_empty());
        write(root, "Cargo.lock", "by another program");
        assert!(sources.scan().code);
    }

    #[test]
    fn links_are_followed_in_static_files_only() {
        let (root, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (root, elsewhere) = (root.path(), elsewhere.path());
        write(root, "src/lib.rs", "x");
        write(root, "static/index.html", "x");
        write(elsewhere, "shared.js", "x");
        #[cfg(unix)]
        for link in ["static/shared", "data"] {
            std::os::unix::fs::symlink(elsewhere, root.join(link)).unwrap();
        }
        let mut sources = Sources::new(inputs_in(root), Some(Path::new("static")), root);
        write(elsewhere, "shared.js", "longer");
        let changes = sources.scan();
        assert_eq!((changes.code, changes.static_files), (false, cfg!(unix)), "{changes:?}");
    }

    #[test]
    fn new_dependencies_are_scanned_after_the_manifest_changed() {
        let (root, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        write(root.path(), "Cargo.toml", "x");
        write(other.path(), "src/lib.rs", "x");
        let mut sources = Sources::new(inputs_in(root.path()), None, root.path());
        write(root.path(), "Cargo.toml", "longer");
        assert!(sources.scan().manifest);
        let roots = [root.path().to_owned(), other.path().to_owned()].into();
        write(root.path(), "Cargo.toml", "while it was built");
        sources.set_inputs(BuildInputs { roots, target_directory: root.path().join("target") });
        assert_eq!(sources.scan().describe(), "Cargo.toml changed");
        write(other.path(), "src/lib.rs", "longer");
        assert!(sources.scan().code);
    }
}
