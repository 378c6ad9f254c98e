//! Listing the files below a directory.
//!
//! *Invariant:* what git ignores is left out, no more than that: ignore files above the root of a repository do not count.
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use ignore::{DirEntry, Error, WalkBuilder};

use crate::build::{dist, is_editor_file};

/// The maximum number of links and missing directories to follow.
const MAX_STEPS: u8 = 100;
/// Directories of version control, of editors, and of packages of JavaScript.
const NEVER_LISTED: [&str; 11] =
    ["node_modules", ".git", ".hg", ".jj", ".svn", ".direnv", ".fleet", ".idea", ".vs", ".vscode", ".zed"];

/// The files and directories below a directory.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) files: BTreeSet<PathBuf>,
    /// Directories, and links to files elsewhere.
    pub(super) directories: BTreeSet<PathBuf>,
}

/// The rules of a walk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules<'a> {
    /// Whether linked directories are listed.
    pub(super) follow_links: bool,
    /// Whether files that git ignores are left out.
    pub(super) respect_git: bool,
    /// Directories that are not listed.
    pub(super) without: &'a [PathBuf],
}

/// Lists a directory, or a single file.
pub(super) fn list(root: &Path, rules: Rules<'_>) -> Listing {
    let mut walk = WalkBuilder::new(root);
    walk.standard_filters(false).follow_links(rules.follow_links);
    if rules.respect_git {
        // Without a repository, a package may still have an ignore file.
        let has_repository = root.ancestors().any(|above| above.join(".git").exists() || above.join(".jj").exists());
        walk.git_ignore(true).git_exclude(true).git_global(true).parents(has_repository).require_git(has_repository);
    }
    let without = rules.without.to_vec();
    walk.filter_entry(move |entry| !is_never_listed(entry) && !without.iter().any(|other| entry.path() == other));
    let mut listing = Listing::default();
    for entry in walk.build() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                // Entries that are removed already, links in a circle, and links to a directory that may come back.
                listing.directories.extend(path_of(&error).filter(|path| path.is_symlink()).map(Path::to_owned));
                continue;
            }
        };
        let kind = entry.file_type();
        if kind.is_some_and(|kind| kind.is_dir()) {
            listing.directories.insert(entry.into_path());
        } else if kind.is_some_and(|kind| kind.is_file() || kind.is_symlink()) && !is_temporary(entry.path()) {
            // A file behind a link changes in its own directory.
            if entry.path_is_symlink() {
                listing.directories.insert(entry.path().to_owned());
            }
            listing.files.insert(entry.into_path());
        }
    }
    listing
}

/// Returns the real name of the nearest directory that exists: of this path itself or its target, else around them.
pub(super) fn existing_directory(path: &Path) -> Option<PathBuf> {
    let mut path = path.to_owned();
    // Links may lead in a circle.
    for _ in 0..MAX_STEPS {
        path = match path.canonicalize() {
            Ok(real) if real.is_dir() => return Some(real),
            Ok(file) => file.parent()?.to_owned(),
            Err(_) => match path.read_link() {
                Ok(target) => path.parent()?.join(target),
                Err(_) => path.parent()?.to_owned(),
            },
        };
    }
    None
}

/// Returns the path that an error is about.
fn path_of(error: &Error) -> Option<&Path> {
    match error {
        Error::WithPath { path, .. } => Some(path),
        Error::WithDepth { err, .. } => path_of(err),
        _ => None,
    }
}

fn is_never_listed(entry: &DirEntry) -> bool {
    // The directory that was asked for is.
    let is_dist = || entry.file_name().to_string_lossy().starts_with(dist::TEMPORARY);
    entry.depth() > 0 && (NEVER_LISTED.iter().any(|name| entry.file_name() == *name) || is_dist())
}

/// Returns whether a file is one that a program writes before it renames it, or one of an editor.
fn is_temporary(path: &Path) -> bool {
    is_editor_file(path) || path.extension().is_some_and(|extension| extension == "tmp")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn write(root: &Path, files: &[&str]) {
        for file in files {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
    }

    fn names(root: &Path, follow_links: bool) -> Vec<String> {
        let without = [root.join("target")];
        let listing = list(root, Rules { follow_links, respect_git: true, without: &without });
        let name = |path: &PathBuf| path.strip_prefix(root).unwrap().display().to_string();
        listing.files.iter().map(name).collect()
    }

    #[test]
    fn only_the_rules_of_the_repository_count() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path();
        fs::write(home.join(".gitignore"), "*").unwrap();
        fs::write(home.join(".ignore"), "*").unwrap();
        for package in ["own", "worktree", "none"] {
            write(&home.join(package), &["src/lib.rs", "notes/a", ".env", "target/x", ".dist-x/new/server.wasm"]);
            fs::write(home.join(package).join(".gitignore"), "/notes").unwrap();
        }
        fs::create_dir(home.join("own/.git")).unwrap();
        fs::write(home.join("worktree/.git"), "gitdir: /nowhere").unwrap();
        for package in ["own", "worktree", "none"] {
            assert_eq!(names(&home.join(package), false), [".env", ".gitignore", "src/lib.rs"], "{package}");
        }
        // With a repository at home, git ignores all that has none of its own.
        fs::create_dir(home.join(".git")).unwrap();
        assert_eq!(names(&home.join("own"), false), [".env", ".gitignore", "src/lib.rs"]);
        assert_eq!(names(&home.join("none"), false), [""; 0]);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_if_asked_for() {
        use std::os::unix::fs::symlink;

        let (root, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (root, elsewhere) = (root.path(), elsewhere.path().canonicalize().unwrap());
        write(root, &["lib.rs"]);
        write(&elsewhere, &["shared/mod.rs", "single.rs"]);
        symlink(elsewhere.join("shared"), root.join("shared")).unwrap();
        symlink(elsewhere.join("single.rs"), root.join("single.rs")).unwrap();
        symlink("..", root.join("circle")).unwrap();
        symlink(root, root.join("circle-2")).unwrap();
        symlink("nobody@nowhere.1:2", root.join(".#lib.rs")).unwrap();
        assert_eq!(names(root, true), ["lib.rs", "shared/mod.rs", "single.rs"]);
        let watched = || -> BTreeSet<PathBuf> {
            let listing = list(root, Rules { follow_links: true, respect_git: true, without: &[] });
            listing.directories.iter().filter_map(|path| existing_directory(path)).collect()
        };
        assert!(watched().contains(&elsewhere), "where the single file changes");
        fs::remove_dir_all(elsewhere.join("shared")).unwrap();
        fs::remove_file(elsewhere.join("single.rs")).unwrap();
        fs::remove_file(root.join("single.rs")).unwrap();
        assert!(watched().contains(&elsewhere), "where the directory may come back");
        assert_eq!(existing_directory(&root.join("shared/deep/lib.rs")), Some(elsewhere.clone()));
        symlink("around", root.join("around")).unwrap();
        assert_eq!(existing_directory(&root.join("around")), None);
    }
}
