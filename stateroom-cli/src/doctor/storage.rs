//! Where things are kept.
use std::{fs, path::Path};

use super::check::Check;
use crate::{
    settings::{CACHE_VARIABLE, cache_directory},
    ui::report::bytes,
};

pub(super) fn check_cache() -> Check {
    let (name, fix) = ("cache", format!("export {CACHE_VARIABLE}=DIR"));
    match cache_directory() {
        Ok(directory) if may_be_written(&directory) => {
            Check::ok(name, format!("{}, {}", directory.display(), bytes(size(&directory))))
        }
        Ok(directory) => {
            let found = format!("{} cannot be written to: services are compiled at each start", directory.display());
            Check::warning(name, found, fix)
        }
        Err(error) => Check::warning(name, error.to_string().lines().next().unwrap_or_default(), fix),
    }
}

/// Whether files can be made in a directory, or it itself where it is not there yet.
fn may_be_written(directory: &Path) -> bool {
    let nearest = directory.ancestors().find(|ancestor| ancestor.exists());
    nearest.is_some_and(|nearest| tempfile::tempfile_in(nearest).is_ok())
}

/// How much is in a directory.
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
    fn what_is_in_directories_below_counts() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("below")).unwrap();
        fs::write(directory.path().join("one"), "123").unwrap();
        fs::write(directory.path().join("below/two"), "4567").unwrap();
        assert_eq!(size(directory.path()), 7);
    }

    #[test]
    fn a_directory_that_is_not_there_is_judged_by_where_it_would_be() {
        let directory = tempfile::tempdir().unwrap();
        assert!(may_be_written(&directory.path().join("a/b")));
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(!may_be_written(&file.join("a")));
        assert!(fs::read_dir(directory.path()).unwrap().count() == 1);
    }
}
