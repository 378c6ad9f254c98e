//! Permissions, links, and eviction.
use std::os::unix::fs::{PermissionsExt, chown, symlink};

use tempfile::TempDir;

use super::*;

fn opened() -> (TempDir, Directory) {
    let temporary = tempfile::tempdir().unwrap();
    let directory = Directory::open(&temporary.path().join("deep/modules")).unwrap();
    (temporary, directory)
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

fn names(directory: &Directory) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(&directory.0).unwrap().map(|it| it.unwrap().file_name()).collect();
    names.sort();
    names.into_iter().map(|name| name.into_string().unwrap()).collect()
}

fn set_age(directory: &Directory, name: &str, seconds: u64) {
    let file = File::open(directory.0.join(name)).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(seconds)).unwrap();
}

#[test]
fn files_are_private_and_read_back() {
    let (_temporary, directory) = opened();
    assert!(directory.read(&name(1)).unwrap().is_none());
    directory.write(&name(1), &[b"one", b"two"]).unwrap();
    directory.write(&name(1), &[b"three"]).unwrap();
    assert_eq!(directory.read(&name(1)).unwrap().unwrap(), b"three");
    assert_eq!(names(&directory), [name(1)]);
    assert_eq!((mode(&directory.0), mode(&directory.0.join(name(1)))), (0o700, 0o600));
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
    let (_temporary, directory) = opened();
    directory.write(&name(1), &[b"one"]).unwrap();
    for mode in [0o620, 0o602, 0o666] {
        set_mode(&directory.0.join(name(1)), mode);
        assert!(matches!(directory.read(&name(1)), Err(CacheError::WritableByOthers)), "{mode:o}");
    }
}

#[test]
fn rejects_files_and_directories_of_another_user() {
    let (_temporary, directory) = opened();
    directory.write(&name(1), &[b"one"]).unwrap();
    // Only root may change a file's owner; for other users, `/` belongs to another user.
    if chown(directory.0.join(name(1)), Some(4_321), None).is_ok() {
        assert!(matches!(directory.read(&name(1)), Err(CacheError::OtherOwner)));
        chown(&directory.0, Some(4_321), None).unwrap();
        assert!(matches!(Directory::open(&directory.0), Err(CacheError::OtherOwner)));
    } else {
        assert!(matches!(Directory::open(Path::new("/")), Err(CacheError::OtherOwner)));
    }
}

#[test]
fn rejects_links_and_directories_as_files() {
    let (_temporary, directory) = opened();
    directory.write(&name(1), &[b"one"]).unwrap();
    symlink(directory.0.join(name(1)), directory.0.join(name(2))).unwrap();
    fs::create_dir(directory.0.join(name(3))).unwrap();
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
    let (_temporary, directory) = opened();
    for number in 0..6 {
        directory.write(&name(number), &[&[0; 100]]).unwrap();
        set_age(&directory, &name(number), 100 - number as u64);
    }
    directory.read(&name(0)).unwrap();
    directory.evict_to(5, 1000);
    assert_eq!(names(&directory), [0, 2, 3, 4, 5].map(name));
    directory.evict_to(5, 399);
    assert_eq!(names(&directory), [0, 4, 5].map(name));
    directory.evict();
    assert_eq!(names(&directory), [0, 4, 5].map(name));
}

#[test]
fn leaves_other_files_alone() {
    let (_temporary, directory) = opened();
    let abandoned = format!("{UNFINISHED}old");
    let others = ["a.module".to_owned(), "notes.txt".to_owned(), format!("{:064x}.txt", 1), format!("{UNFINISHED}new")];
    for name in others.iter().chain([&abandoned]) {
        fs::write(directory.0.join(name), "x").unwrap();
    }
    set_age(&directory, "notes.txt", 10_000);
    set_age(&directory, &abandoned, 10_000);
    directory.evict_to(0, 0);
    let mut left = others.to_vec();
    left.sort();
    assert_eq!(names(&directory), left);
}
