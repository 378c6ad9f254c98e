//! The files that what is served is made of, and which of them have changed.
//!
//! *Invariant:* what git would not take is not looked at, nor is anything that a build writes.
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use ignore::WalkBuilder;

use crate::{
    build::{BuiltFrom, dist},
    config::FILE_NAME,
};

/// Where to look, and what was seen there last.
#[derive(Debug)]
pub(crate) struct Sources {
    /// The directories of the packages, and single files.
    roots: BTreeSet<PathBuf>,
    static_files: Option<PathBuf>,
    settings: PathBuf,
    /// Where builds write.
    outputs: Vec<PathBuf>,
    seen: BTreeMap<PathBuf, Version>,
    directories: BTreeSet<PathBuf>,
}

/// By what a file that has changed is known.
type Version = (Option<SystemTime>, u64);

/// What has changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// Something that a build may depend on.
    pub(crate) code: bool,
    /// A static file.
    pub(crate) page: bool,
    /// The settings.
    pub(crate) settings: bool,
    /// The files, as they are named from the working directory.
    files: Vec<String>,
}

impl Changes {
    pub(crate) fn is_none(&self) -> bool {
        self.files.is_empty()
    }

    /// In words.
    pub(crate) fn describe(&self) -> String {
        match self.files.as_slice() {
            [] => "nothing has changed".to_owned(),
            [file] => format!("{file} has changed"),
            [file, others @ ..] => format!("{file} and {} more have changed", others.len()),
        }
    }
}

impl Sources {
    /// The sources of what is built, seen from the working directory.
    pub(crate) fn new(
        BuiltFrom { mut roots, target_directory }: BuiltFrom,
        static_files: Option<&Path>,
        here: &Path,
    ) -> Self {
        let settings = here.join(FILE_NAME);
        let static_files = static_files.map(|files| here.join(files));
        roots.extend(static_files.clone());
        roots.insert(settings.clone());
        let mut sources = Sources {
            roots,
            static_files,
            settings,
            outputs: vec![target_directory, here.join(dist::DIRECTORY)],
            seen: BTreeMap::new(),
            directories: BTreeSet::new(),
        };
        sources.look();
        sources
    }

    /// Where something can change.
    pub(crate) fn directories(&self) -> &BTreeSet<PathBuf> {
        &self.directories
    }

    /// How many files there are.
    pub(crate) fn len(&self) -> usize {
        self.seen.len()
    }

    /// Looks at all of them; says what has changed since the last time.
    pub(crate) fn look(&mut self) -> Changes {
        let mut seen = BTreeMap::new();
        self.directories.clear();
        let Some((first, others)) = self.roots.iter().next().zip(Some(self.roots.iter().skip(1))) else {
            return Changes::default();
        };
        let mut walk = WalkBuilder::new(first);
        for root in others {
            walk.add(root);
        }
        let outputs = self.outputs.clone();
        // Ignored files are, in a repository or not; a page's files may be links.
        walk.require_git(false).follow_links(true);
        walk.filter_entry(move |entry| !outputs.iter().any(|output| entry.path().starts_with(output)));
        // What cannot be read now may be gone.
        for entry in walk.build().flatten() {
            if entry.file_type().is_some_and(|kind| kind.is_dir()) {
                self.directories.insert(entry.into_path());
            } else if let Ok(metadata) = fs::metadata(entry.path())
                && !is_an_editors(entry.path())
            {
                let version = (metadata.modified().ok(), metadata.len());
                seen.insert(entry.into_path(), version);
            }
        }
        self.directories.extend(self.settings.parent().map(Path::to_owned));
        let changes = self.compare(&seen);
        self.seen = seen;
        changes
    }

    fn compare(&self, now: &BTreeMap<PathBuf, Version>) -> Changes {
        let mut changes = Changes::default();
        let changed = now.iter().filter(|(path, version)| self.seen.get(*path) != Some(version)).map(|(path, _)| path);
        let gone = self.seen.keys().filter(|path| !now.contains_key(*path));
        for path in changed.chain(gone) {
            // Written by builds, of what is in the manifests.
            if path.ends_with("Cargo.lock") {
                continue;
            }
            if *path == self.settings {
                changes.settings = true;
            } else if self.static_files.as_ref().is_some_and(|files| path.starts_with(files)) {
                changes.page = true;
            } else {
                changes.code = true;
            }
            let here = self.settings.parent().unwrap_or(Path::new(""));
            changes.files.push(path.strip_prefix(here).unwrap_or(path).display().to_string());
        }
        changes
    }
}

/// What editors leave beside what they edit.
fn is_an_editors(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    name.ends_with('~') || name.ends_with(".tmp") || name.ends_with(".swp") || name.starts_with('#') || name == "4913"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built_in(here: &Path) -> BuiltFrom {
        BuiltFrom { roots: [here.to_owned()].into(), target_directory: here.join("target") }
    }

    fn write(directory: &Path, file: &str, text: &str) {
        let path = directory.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn what_changes_is_told_by_what_it_is_for() {
        let here = tempfile::tempdir().unwrap();
        let here = here.path();
        for file in ["Cargo.toml", "src/lib.rs", "static/index.html", ".gitignore"] {
            write(here, file, "x");
        }
        let mut sources = Sources::new(built_in(here), Some(Path::new("static")), here);
        assert_eq!(sources.len(), 3, "{sources:?}");
        assert!(sources.look().is_none());

        write(here, "src/lib.rs", "longer");
        let changes = sources.look();
        assert_eq!((changes.code, changes.page, changes.settings), (true, false, false));
        assert_eq!(changes.describe(), "src/lib.rs has changed");
        write(here, "static/index.html", "longer");
        let changes = sources.look();
        assert_eq!((changes.code, changes.page, changes.settings), (false, true, false));
        write(here, FILE_NAME, "port = 1");
        assert!(sources.look().settings);

        write(here, "src/more/new.rs", "x");
        fs::remove_file(here.join("src/lib.rs")).unwrap();
        let changes = sources.look();
        assert!(changes.code && sources.directories().contains(&here.join("src/more")));
        assert_eq!(changes.describe(), "src/more/new.rs and 1 more have changed");
        assert!(sources.look().is_none());
    }

    #[test]
    fn what_is_ignored_built_or_an_editors_is_not_looked_at() {
        let here = tempfile::tempdir().unwrap();
        let here = here.path();
        write(here, ".gitignore", "/notes\n");
        write(here, "src/lib.rs", "x");
        let mut sources = Sources::new(built_in(here), None, here);
        for file in ["notes/a", "target/debug/x", "dist/server.wasm", ".git/HEAD", "src/lib.rs~", "src/.lib.rs.swp"] {
            write(here, file, "x");
            assert!(sources.look().is_none(), "{file}");
        }
        write(here, "Cargo.lock", "x");
        assert!(sources.look().is_none());
    }
}
