//! Undoing the creation of a crate that failed.
//!
//! *Invariant:* only paths that did not exist before are removed.
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The state of files before a crate is created.
pub(super) struct Undo {
    /// Paths that do not exist, the deepest first.
    missing: Vec<PathBuf>,
    /// Files and their contents.
    originals: Vec<(PathBuf, Vec<u8>)>,
}

impl Undo {
    /// Records the state of absolute paths and of the directories above them.
    pub(super) fn of(paths: impl IntoIterator<Item = PathBuf>) -> Undo {
        let (mut missing, mut originals) = (Vec::new(), Vec::new());
        for path in paths {
            missing.extend(path.ancestors().filter(|path| path.symlink_metadata().is_err()).map(Path::to_owned));
            originals.extend(fs::read(&path).ok().map(|contents| (path, contents)));
        }
        missing.sort_unstable_by(|one, other| other.cmp(one));
        missing.dedup();
        Undo { missing, originals }
    }

    /// Restores the state as far as possible. Directories that contain other files stay.
    pub(super) fn undo(&self) {
        for path in &self.missing {
            let _ = if path.ends_with(".git") {
                fs::remove_dir_all(path)
            } else if path.is_dir() {
                fs::remove_dir(path)
            } else {
                fs::remove_file(path)
            };
        }
        self.originals.iter().for_each(restore);
    }

    /// Restores one file.
    pub(super) fn restore(&self, path: &Path) {
        self.originals.iter().filter(|(original, _)| original == path).for_each(restore);
    }
}

/// Writes the contents of a file unless they are the same.
fn restore((path, contents): &(PathBuf, Vec<u8>)) {
    if fs::read(path).ok().as_ref() != Some(contents) {
        let _ = fs::write(path, contents);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_as_before() {
        let here = tempfile::tempdir().unwrap();
        let path = |path: &str| here.path().join(path);
        fs::write(path("Cargo.toml"), "mine").unwrap();
        fs::create_dir(path("static")).unwrap();
        let files = ["Cargo.toml", "static/index.html", "src/deep/lib.rs", ".git"];
        let undo = Undo::of(files.map(path));
        for file in ["Cargo.toml", "static/index.html", "src/deep/lib.rs", ".git/config", "other"] {
            fs::create_dir_all(path(file).parent().unwrap()).unwrap();
            fs::write(path(file), "new").unwrap();
        }
        undo.undo();
        assert_eq!(fs::read_to_string(path("Cargo.toml")).unwrap(), "mine");
        assert!(path("static").is_dir() && !path("static/index.html").exists());
        assert!(!path("src").exists() && !path(".git").exists());
        assert!(path("other").exists(), "not recorded");
    }
}
