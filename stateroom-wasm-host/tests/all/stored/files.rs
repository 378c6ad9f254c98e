//! The files of a store, as they are recorded.
//!
//! *Invariant:* a restored store is that of the machine that recorded it, to the byte.
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

/// The length of a journal while its store is open. The zeros at its end are not recorded.
const JOURNAL_BYTES: u64 = 64 << 20;

/// Returns the content of all files below a directory.
pub(super) fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
        let name = PathBuf::from(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            files.extend(self::files(&entry.path()).into_iter().map(|(path, content)| (name.join(path), content)));
        } else {
            files.insert(name, fs::read(entry.path()).unwrap());
        }
    }
    files
}

/// Returns the directories below a directory.
pub(super) fn directories(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    let found = entries.filter(|entry| entry.file_type().unwrap().is_dir()).flat_map(|entry| {
        let name = PathBuf::from(entry.file_name());
        let below = directories(&entry.path()).into_iter().map(|path| name.join(path)).collect::<Vec<_>>();
        [name].into_iter().chain(below)
    });
    found.collect()
}

fn is_journal(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "jnl")
}

pub(super) fn write(path: &Path, content: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// Copies a store to where it is recorded.
pub(super) fn record(store: &Path, to: &Path) {
    for (path, mut content) in files(store) {
        if is_journal(&path) {
            let len = content.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            content.truncate(len);
        }
        write(&to.join(path), &content);
    }
}

/// Copies a recorded store to where it can be opened.
pub(super) fn restore(from: &Path, all_directories: &[PathBuf], was_open: bool) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    all_directories.iter().for_each(|path| fs::create_dir_all(directory.path().join(path)).unwrap());
    for (path, content) in files(from) {
        let path = directory.path().join(path);
        write(&path, &content);
        if is_journal(&path) && was_open {
            fs::File::options().write(true).open(path).unwrap().set_len(JOURNAL_BYTES).unwrap();
        }
    }
    directory
}
