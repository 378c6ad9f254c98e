//! Files and directories, as they could be and as they must not be.
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
fn what_is_written_is_read_and_is_for_its_owner_alone() {
    let (_temporary, directory) = opened();
    assert!(directory.read(&name(1)).unwrap().is_none());
    directory.write(&name(1), &[b"one", b"two"]).unwrap();
    directory.write(&name(1), &[b"three"]).unwrap();
    assert_eq!(directory.read(&name(1)).unwrap().unwrap(), b"three");
    assert_eq!(names(&directory), [name(1)]);
    assert_eq!((mode(&directory.0), mode(&directory.0.join(name(1)))), (0o700, 0o600));
}

#[test]
fn a_directory_into_which_others_write_is_not_used() {
    let temporary = tempfile::tempdir().unwrap();
    for mode in [0o770, 0o702, 0o777] {
        set_mode(temporary.path(), mode);
        assert!(matches!(Directory::open(temporary.path()), Err(Unusable::Shared)), "{mode:o}");
    }
    set_mode(temporary.path(), 0o755);
    Directory::open(temporary.path()).unwrap();
}

#[test]
fn what_is_no_directory_is_not_used() {
    let temporary = tempfile::tempdir().unwrap();
    let (file, link) = (temporary.path().join("file"), temporary.path().join("link"));
    fs::write(&file, "").unwrap();
    assert!(matches!(Directory::open(&file), Err(Unusable::Io(_))));
    assert!(matches!(Directory::open(&file.join("below")), Err(Unusable::Io(_))));
    symlink(temporary.path(), &link).unwrap();
    assert!(matches!(Directory::open(&link), Err(Unusable::Kind(_))));
}

#[test]
fn a_file_into_which_others_write_is_not_read() {
    let (_temporary, directory) = opened();
    directory.write(&name(1), &[b"one"]).unwrap();
    for mode in [0o620, 0o602, 0o666] {
        set_mode(&directory.0.join(name(1)), mode);
        assert!(matches!(directory.read(&name(1)), Err(Unusable::Shared)), "{mode:o}");
    }
}

#[test]
fn what_belongs_to_another_user_is_not_used() {
    let (_temporary, directory) = opened();
    directory.write(&name(1), &[b"one"]).unwrap();
    // Only an administrator may give files away; everybody else finds that the root is another's.
    if chown(directory.0.join(name(1)), Some(4_321), None).is_ok() {
        assert!(matches!(directory.read(&name(1)), Err(Unusable::Foreign)));
        chown(&directory.0, Some(4_321), None).unwrap();
        assert!(matches!(Directory::open(&directory.0), Err(Unusable::Foreign)));
    } else {
        assert!(matches!(Directory::open(Path::new("/")), Err(Unusable::Foreign)));
    }
}

#[test]
fn what_is_no_file_is_not_read() {
    let (_temporary, directory) = opened();
    directory.write(&name(1), &[b"one"]).unwrap();
    symlink(directory.0.join(name(1)), directory.0.join(name(2))).unwrap();
    fs::create_dir(directory.0.join(name(3))).unwrap();
    for number in [2, 3] {
        assert!(matches!(directory.read(&name(number)), Err(Unusable::Kind(_))));
    }
    // A file takes the place of a link, and not of what it leads to.
    directory.write(&name(2), &[b"two"]).unwrap();
    assert_eq!(directory.read(&name(2)).unwrap().unwrap(), b"two");
    assert_eq!(directory.read(&name(1)).unwrap().unwrap(), b"one");
}

#[test]
fn those_that_were_not_used_for_longest_go() {
    let (_temporary, directory) = opened();
    for number in 0..6 {
        directory.write(&name(number), &[&[0; 100]]).unwrap();
        set_age(&directory, &name(number), 100 - number as u64);
    }
    directory.read(&name(0)).unwrap();
    directory.tidy_to(5, 1000);
    assert_eq!(names(&directory), [0, 2, 3, 4, 5].map(name));
    directory.tidy_to(5, 399);
    assert_eq!(names(&directory), [0, 4, 5].map(name));
    directory.tidy();
    assert_eq!(names(&directory), [0, 4, 5].map(name));
}

#[test]
fn what_is_not_of_the_cache_is_left_alone() {
    let (_temporary, directory) = opened();
    let abandoned = format!("{UNFINISHED}old");
    let others = ["a.module".to_owned(), "notes.txt".to_owned(), format!("{:064x}.txt", 1), format!("{UNFINISHED}new")];
    for name in others.iter().chain([&abandoned]) {
        fs::write(directory.0.join(name), "x").unwrap();
    }
    set_age(&directory, "notes.txt", 10_000);
    set_age(&directory, &abandoned, 10_000);
    directory.tidy_to(0, 0);
    let mut left = others.to_vec();
    left.sort();
    assert_eq!(names(&directory), left);
}
