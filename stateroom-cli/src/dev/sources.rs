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
    settings::FILE_NAME,
};

/// Where to look, and what was seen there last.
#[derive(Debug, Default)]
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
    /// What a package depends on, perhaps.
    pub(crate) manifest: bool,
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
    pub(crate) fn new(from: BuiltFrom, static_files: Option<&Path>, here: &Path) -> Self {
        let static_files = static_files.map(|files| here.join(files));
        let mut sources = Sources { static_files, settings: here.join(FILE_NAME), ..Sources::default() };
        sources.look_at(from);
        sources
    }

    /// From now on, what is built is made of this.
    pub(crate) fn look_at(&mut self, BuiltFrom { roots, target_directory }: BuiltFrom) {
        self.roots = roots;
        self.roots.insert(self.settings.clone());
        self.outputs = vec![target_directory, self.here().join(dist::DIRECTORY)];
        let before = self.seen.clone();
        self.look();
        // What has changed meanwhile has yet to be told.
        for (path, seen) in &mut self.seen {
            if let Some(version) = before.get(path) {
                *seen = *version;
            }
        }
    }

    /// Where something can change.
    pub(crate) fn directories(&self) -> &BTreeSet<PathBuf> {
        &self.directories
    }

    /// Looks at all of them; says what has changed since the last time.
    pub(crate) fn look(&mut self) -> Changes {
        self.directories = self.roots.iter().filter_map(|root| root.parent()).map(Path::to_owned).collect();
        let mut seen = BTreeMap::new();
        for root in self.roots.clone() {
            self.walk(&root, false, &mut seen);
        }
        if let Some(files) = self.static_files.clone() {
            // Of a page, some may be links to what several share.
            self.walk(&files, true, &mut seen);
        }
        let changes = self.compare(&seen);
        self.seen = seen;
        changes
    }

    /// A build has written the versions that it has chosen: that is no change.
    pub(crate) fn accept_lock(&mut self) {
        for (path, seen) in &mut self.seen {
            if path.ends_with("Cargo.lock")
                && let Some(version) = version(path)
            {
                *seen = version;
            }
        }
    }

    fn walk(&mut self, root: &Path, follow_links: bool, seen: &mut BTreeMap<PathBuf, Version>) {
        let outputs = self.outputs.clone();
        let mut walk = WalkBuilder::new(root);
        // What is ignored is, in a repository or not.
        walk.require_git(false).follow_links(follow_links);
        walk.filter_entry(move |entry| !outputs.iter().any(|output| entry.path().starts_with(output)));
        // What cannot be read now may be gone.
        for entry in walk.build().flatten() {
            if entry.file_type().is_some_and(|kind| kind.is_dir()) {
                self.directories.insert(entry.into_path());
            } else if !is_an_editors(entry.path())
                && let Some(version) = version(entry.path())
            {
                seen.insert(entry.into_path(), version);
            }
        }
    }

    fn here(&self) -> &Path {
        self.settings.parent().unwrap_or(Path::new(""))
    }

    fn compare(&self, now: &BTreeMap<PathBuf, Version>) -> Changes {
        let mut changes = Changes::default();
        let changed = now.iter().filter(|(path, version)| self.seen.get(*path) != Some(version)).map(|(path, _)| path);
        let gone = self.seen.keys().filter(|path| !now.contains_key(*path));
        for path in changed.chain(gone) {
            // Another one, as builds write it where there was none.
            if path.ends_with("Cargo.lock") && !self.seen.contains_key(path) {
                continue;
            }
            if *path == self.settings {
                changes.settings = true;
            } else if self.static_files.as_ref().is_some_and(|files| path.starts_with(files)) {
                changes.page = true;
            } else {
                changes.code = true;
                changes.manifest |= path.ends_with("Cargo.toml");
            }
            changes.files.push(path.strip_prefix(self.here()).unwrap_or(path).display().to_string());
        }
        changes
    }
}

fn version(path: &Path) -> Option<Version> {
    // What a link leads to.
    let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    Some((metadata.modified().ok(), metadata.len()))
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
        assert_eq!(sources.seen.len(), 3, "{sources:?}");
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
        assert!(sources.look().is_none(), "a build has made it");
        write(here, "Cargo.lock", "by a build");
        sources.accept_lock();
        assert!(sources.look().is_none());
        write(here, "Cargo.lock", "by somebody else");
        assert!(sources.look().code);
    }

    #[test]
    fn what_a_link_leads_to_is_looked_at_for_pages_alone() {
        let (here, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (here, elsewhere) = (here.path(), elsewhere.path());
        write(here, "src/lib.rs", "x");
        write(here, "static/index.html", "x");
        write(elsewhere, "shared.js", "x");
        #[cfg(unix)]
        for link in ["static/shared", "data"] {
            std::os::unix::fs::symlink(elsewhere, here.join(link)).unwrap();
        }
        let mut sources = Sources::new(built_in(here), Some(Path::new("static")), here);
        write(elsewhere, "shared.js", "longer");
        let changes = sources.look();
        assert_eq!((changes.code, changes.page), (false, cfg!(unix)), "{changes:?}");
    }

    #[test]
    fn other_packages_are_looked_at_when_the_manifest_says_so() {
        let (here, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        write(here.path(), "Cargo.toml", "x");
        write(other.path(), "src/lib.rs", "x");
        let mut sources = Sources::new(built_in(here.path()), None, here.path());
        write(here.path(), "Cargo.toml", "longer");
        assert!(sources.look().manifest);
        let roots = [here.path().to_owned(), other.path().to_owned()].into();
        write(here.path(), "Cargo.toml", "while it was built");
        sources.look_at(BuiltFrom { roots, target_directory: here.path().join("target") });
        assert_eq!(sources.look().describe(), "Cargo.toml has changed");
        write(other.path(), "src/lib.rs", "longer");
        assert!(sources.look().code);
    }
}
