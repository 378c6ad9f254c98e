//! Permissions, links, and eviction.
use std::{
    os::unix::fs::{PermissionsExt, chown, symlink},
    path::PathBuf,
    time::Duration,
};

use tempfile::TempDir;

use super::*;

/// A directory with its path, removed at the end.
struct Opened {
    directory: Directory,
    path: PathBuf,
    _temporary: TempDir,
}

fn opened() -> Opened {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("deep/modules");
    Opened { directory: Directory::open(&path).unwrap(), path, _temporary: temporary }
}

fn name(number: usize) -> String {
    format!("{number:064x}.{EXTENSION}")
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn names(path: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(path).unwrap().map(|it| it.unwrap().file_name()).collect();
    names.sort();
    names.into_iter().map(|name| name.into_string().unwrap()).collect()
}

fn set_age(path: &Path, name: &str, seconds: u64) {
    let file = File::open(path.join(name)).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(seconds)).unwrap();
}

#[test]
fn files_are_private_and_read_back() {
    let Opened { directory, path, _temporary } = opened();
    assert!(directory.read(&name(1)).unwrap().is_none());
    directory.write(&name(1), &[b"one", b"two"]).unwrap();
    directory.write(&name(1), &[b"three"]).unwrap();
    assert_eq!(directory.read(&name(1)).unwrap().unwrap(), b"three");
    assert_eq!(names(&path), [name(1)]);
    assert_eq!((mode(&path), mode(&path.join(name(1)))), (0o700, 0o600));
}

#[test]
fn rejects_a_directory_that_others_may_write_to() {
    let temporary = tempfile::tempdir().unwrap();
    for mode in [0o770, 0o702, 0o777] {
        set_mode(temporary.path(), mode);
        assert!(matches!(Directory::open(temporary.path()), Err(CacheError::WritableByOthers)), "{mode:o}");
    }
    set_mode(temporary.path(), 0o755);
    Directory::open(temporary.path()).unwrap();
}

#[test]
fn rejects_files_and_links_as_directories() {
    let temporary = tempfile::tempdir().unwrap();
    let (file, link) = (temporary.path().join("file"), temporary.path().join("link"));
    fs::write(&file, "").unwrap();
    assert!(matches!(Directory::open(&file), Err(CacheError::Io(_))));
    assert!(matches!(Directory::open(&file.join("below")), Err(CacheError::Io(_))));
    symlink(temporary.path(), &link).unwrap();
    assert!(matches!(Directory::open(&link), Err(CacheError::Invalid(_))));
}

#[test]
fn rejects_a_file_that_others_may_write_to() {
    let Opened { directory, path, _temporary } = opened();
    directory.write(&name(1), &[b"one"]).unwrap();
    for mode in [0o620, 0o602, 0o666] {
        set_mode(&path.join(name(1)), mode);
        assert!(matches!(directory.read(&name(1)), Err(CacheError::WritableByOthers)), "{mode:o}");
    }
}

#[test]
fn rejects_files_and_directories_of_another_user() {
    let Opened { directory, path, _temporary } = opened();
    directory.write(&name(1), &[b"one"]).unwrap();
    // Only root may change a file's owner; for other users, `/` belongs to another user.
    if chown(path.join(name(1)), Some(4_321), None).is_ok() {
        assert!(matches!(directory.read(&name(1)), Err(CacheError::OtherOwner)));
        chown(&path, Some(4_321), None).unwrap();
        assert!(matches!(Directory::open(&path), Err(CacheError::OtherOwner)));
    } else {
        assert!(matches!(Directory::open(Path::new("/")), Err(CacheError::OtherOwner)));
    }
}

#[test]
fn rejects_links_and_directories_as_files() {
    let Opened { directory, path, _temporary } = opened();
    directory.write(&name(1), &[b"one"]).unwrap();
    symlink(path.join(name(1)), path.join(name(2))).unwrap();
    fs::create_dir(path.join(name(3))).unwrap();
    for number in [2, 3] {
        assert!(matches!(directory.read(&name(number)), Err(CacheError::Invalid(_))));
    }
    // Writing replaces a link, and not its target.
    directory.write(&name(2), &[b"two"]).unwrap();
    assert_eq!(directory.read(&name(2)).unwrap().unwrap(), b"two");
    assert_eq!(directory.read(&name(1)).unwrap().unwrap(), b"one");
}

#[test]
fn evicts_the_least_recently_used_files() {
    let Opened { directory, path, _temporary } = opened();
    for number in 0..6 {
        directory.write(&name(number), &[&[0; 100]]).unwrap();
        set_age(&path, &name(number), 100 - number as u64);
    }
    directory.read(&name(0)).unwrap();
    directory.evict_to(5, 1000);
    assert_eq!(names(&path), [0, 2, 3, 4, 5].map(name));
    directory.evict_to(5, 399);
    assert_eq!(names(&path), [0, 4, 5].map(name));
    directory.evict();
    assert_eq!(names(&path), [0, 4, 5].map(name));
}

#[test]
fn leaves_other_files_alone() {
    let Opened { directory, path, _temporary } = opened();
    let abandoned = format!("{UNFINISHED}old");
    let others = ["a.module".to_owned(), "notes.txt".to_owned(), format!("{:064x}.txt", 1), format!("{UNFINISHED}new")];
    for name in others.iter().chain([&abandoned]) {
        fs::write(path.join(name), "x").unwrap();
    }
    set_age(&path, "notes.txt", 10_000);
    set_age(&path, &abandoned, 10_000);
    directory.evict_to(0, 0);
    let mut left = others.to_vec();
    left.sort();
    assert_eq!(names(&path), left);
}

#[test]
fn rejects_a_directory_that_others_may_replace() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("modules");
    for (mode, accepted) in [(0o755, true), (0o757, false), (0o1777, true), (0o700, true)] {
        set_mode(temporary.path(), mode);
        let opened = Directory::open(&path);
        assert_eq!(opened.is_ok(), accepted, "{mode:o}: {opened:?}");
        assert!(accepted || matches!(opened, Err(CacheError::Replaceable(_))), "{opened:?}");
    }
    // Only root may change an owner.
    if chown(temporary.path(), Some(4_321), None).is_ok() {
        assert!(matches!(Directory::open(&path), Err(CacheError::Replaceable(_))));
        chown(temporary.path(), Some(0), Some(4_321)).unwrap();
        set_mode(temporary.path(), 0o775);
        assert!(matches!(Directory::open(&path), Err(CacheError::Replaceable(_))));
    }
}

#[test]
fn a_directory_that_was_replaced_is_not_used() {
    let Opened { directory, path, _temporary } = opened();
    directory.write(&name(1), &[b"one"]).unwrap();
    let moved = path.with_extension("moved");
    fs::rename(&path, &moved).unwrap();
    fs::create_dir(&path).unwrap();
    fs::write(path.join(name(1)), "another").unwrap();
    assert_eq!(directory.read(&name(1)).unwrap().unwrap(), b"one");
    directory.write(&name(2), &[b"two"]).unwrap();
    directory.evict_to(1, 1000);
    assert_eq!((names(&path), names(&moved)), (vec![name(1)], vec![name(2)]));
}

#[test]
fn a_pipe_is_not_waited_for() {
    let Opened { directory, path, _temporary } = opened();
    assert!(process::Command::new("mkfifo").arg(path.join(name(1))).status().unwrap().success());
    assert!(matches!(directory.read(&name(1)), Err(CacheError::Invalid(_))));
}
