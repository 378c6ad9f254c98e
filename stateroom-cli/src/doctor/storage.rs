//! Checks of directories.
use std::{env, fs, path::Path};

use stateroom_quantity::Bytes;

use super::check::Check;
use crate::{
    build::nearest_manifest,
    settings::{CACHE_VARIABLE, cache_directory},
};

/// Shows the project that commands in this directory work on.
pub(super) fn check_project() -> Check {
    // The settings were read from it, and its directory is the current one.
    let directory = env::current_dir().unwrap_or_default().display().to_string();
    match nearest_manifest() {
        Ok(_) => Check::ok("project", directory),
        Err(_) => Check::ok("project", format!("{directory} has none: there is no Cargo.toml")),
    }
}

pub(super) fn check_cache() -> Check {
    let (name, fix) = ("cache", format!("export {CACHE_VARIABLE}=DIR"));
    match cache_directory() {
        Ok(directory) if is_writable(&directory) => {
            Check::ok(name, format!("{}, {}", directory.display(), Bytes(size(&directory)).approximate()))
        }
        Ok(directory) => {
            let found = format!("{} is not writable: modules are compiled at every start", directory.display());
            Check::warning(name, found, fix)
        }
        Err(error) => Check::warning(name, error.to_string().lines().next().unwrap_or_default(), fix),
    }
}

/// Returns whether files can be created in a directory, or the directory itself if it is missing.
fn is_writable(directory: &Path) -> bool {
    let nearest = directory.ancestors().find(|ancestor| ancestor.exists());
    nearest.is_some_and(|nearest| tempfile::tempfile_in(nearest).is_ok())
}

/// Returns the size of all files in a directory.
fn size(directory: &Path) -> u64 {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| Some((entry.metadata().ok()?, entry.path())))
        .fold(0, |sum, (kind, path)| sum + if kind.is_dir() { size(&path) } else { kind.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_includes_subdirectories() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("below")).unwrap();
        fs::write(directory.path().join("one"), "123").unwrap();
        fs::write(directory.path().join("below/two"), "4567").unwrap();
        assert_eq!(size(directory.path()), 7);
    }

    #[test]
    fn a_missing_directory_is_writable_if_it_can_be_created() {
        let directory = tempfile::tempdir().unwrap();
        assert!(is_writable(&directory.path().join("a/b")));
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(!is_writable(&file.join("a")));
        assert!(fs::read_dir(directory.path()).unwrap().count() == 1);
    }
}
