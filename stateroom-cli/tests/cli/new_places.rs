//! `new` and `init` in workspaces, repositories and directories of users: their files and commands keep working.
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::common::{build_in, directory, failure, stateroom, success, write};

const WORKSPACE: &str = r#"[workspace]
resolver = "3"
members = ["crates/*"] # mine
exclude = ["attic"]

[workspace.package]
edition = "2021"
license = "MIT"
rust-version = "1.70"

[workspace.lints.rust]
unsafe_code = "forbid"
"#;

/// Runs the command with arguments, none of which is split.
fn run(here: &Path, arguments: &[&str]) -> std::process::Output {
    stateroom().current_dir(here).args(arguments).output().unwrap()
}

/// Returns the root and the members of the workspace of a directory, relative to `here`.
fn workspace(here: &Path, within: &str) -> (String, Vec<String>) {
    let mut cargo = Command::new("cargo");
    let output =
        cargo.args(["metadata", "--no-deps", "--format-version=1"]).current_dir(here.join(within)).output().unwrap();
    success(&output);
    let metadata: cargo_metadata::Metadata = serde_json::from_slice(&output.stdout).unwrap();
    let here = here.canonicalize().unwrap();
    let relative = |path: &str| Path::new(path).strip_prefix(&here).unwrap().to_str().unwrap().to_owned();
    let directories = metadata.packages.iter().map(|package| package.manifest_path.parent().unwrap());
    let mut members: Vec<_> = directories.map(|directory| relative(directory.as_str())).collect();
    members.sort();
    (relative(metadata.workspace_root.as_str()), members)
}

/// Returns all paths below a directory with the contents of files.
fn snapshot(directory: &Path) -> Vec<(PathBuf, Option<String>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(snapshot(&path));
        }
        all.push((path.clone(), fs::read(&path).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())));
    }
    all.sort();
    all
}

#[test]
fn a_workspace_gets_a_member() {
    let here = directory(&[("Cargo.toml", WORKSPACE)]);
    let here = here.path();
    let log = success(&run(here, &["new", "crates/one", "-t", "counter"]));
    assert!(log.contains("member of the workspace"), "{log}");
    assert_eq!(fs::read_to_string(here.join("Cargo.toml")).unwrap(), WORKSPACE, "the pattern matches");
    success(&run(here, &["new", "other/two", "-t", "native"]));
    success(&run(here, &["new", "crates/three", "-t", "cursors"]));
    let manifest = fs::read_to_string(here.join("Cargo.toml")).unwrap();
    let members = r#"members = ["crates/*", "other/two", "crates/three/client", "crates/three/protocol"] # mine"#;
    assert!(manifest.contains(members), "{manifest}");
    let members = ["crates/one", "crates/three", "crates/three/client", "crates/three/protocol", "other/two"];
    assert_eq!(workspace(here, ""), (String::new(), members.map(str::to_owned).into()));

    for member in members {
        let manifest = fs::read_to_string(here.join(member).join("Cargo.toml")).unwrap();
        assert!(!manifest.contains("[workspace]") && !manifest.contains("[profile"), "{manifest}");
        assert!(manifest.contains("license.workspace = true") && manifest.contains("edition = \"2024\""), "{manifest}");
        assert!(manifest.contains("\n[lints]\nworkspace = true\n") && !manifest.contains("rust-version"), "{manifest}");
    }
    // A workspace has one lock file, so cargo would resolve all of its members.
    for member in ["crates/three", "other"] {
        fs::remove_dir_all(here.join(member)).unwrap();
    }
    write(&here.join("Cargo.toml"), WORKSPACE);
    crate::common::with_locked_versions(here);
    success(&build_in(&here.join("crates/one")));
    assert!(here.join("crates/one/dist/server.wasm").is_file());
}

#[test]
fn an_excluded_directory_stays_outside_of_the_workspace() {
    let here = directory(&[
        ("Cargo.toml", WORKSPACE),
        ("crates/mine/Cargo.toml", "[package]\nname = \"mine\"\n"),
        ("crates/mine/src/lib.rs", ""),
    ]);
    let here = here.path();
    success(&run(here, &["new", "attic/one", "-t", "counter"]));
    success(&run(here, &["new", "attic/two", "-t", "cursors"]));
    assert_eq!(fs::read_to_string(here.join("Cargo.toml")).unwrap(), WORKSPACE);
    assert_eq!(workspace(here, ""), (String::new(), vec!["crates/mine".to_owned()]));
    assert_eq!(workspace(here, "attic/one"), ("attic/one".to_owned(), vec!["attic/one".to_owned()]));
    let two = ["attic/two", "attic/two/client", "attic/two/protocol"].map(str::to_owned);
    assert_eq!(workspace(here, "attic/two/client"), ("attic/two".to_owned(), two.into()));
}

#[test]
fn a_package_above_is_a_workspace_only_if_it_says_so() {
    let package = "[package]\nname = \"mine\"\nedition = \"2024\"\n";
    let here = directory(&[("Cargo.toml", package), ("src/lib.rs", "")]);
    let here = here.path();
    success(&run(here, &["new", "one", "-t", "counter"]));
    assert_eq!(fs::read_to_string(here.join("Cargo.toml")).unwrap(), package);
    assert_eq!(workspace(here, "one").0, "one");
    fs::remove_dir_all(here.join("one")).unwrap();
    write(&here.join("Cargo.toml"), &format!("{package}\n[workspace]\n"));
    fs::create_dir(here.join("two")).unwrap();
    success(&run(&here.join("two"), &["init", "-t", "counter"]));
    assert_eq!(workspace(here, "two"), (String::new(), vec![String::new(), "two".to_owned()]));
}

#[test]
fn nothing_changes_where_cargo_rejects_the_crate() {
    for (manifest, arguments, reason) in [
        (WORKSPACE, ["new", "deep/er/mine", "-t", "cursors"], "two packages named `mine`"),
        (WORKSPACE, ["-C=empty", "init", "--name=mine", "-tcounter"], "two packages named `mine`"),
        ("garbage[", ["new", "app", "-t", "counter"], "expected `=`"),
        ("[workspace]\nmembers = [\"gone\"]\n", ["new", "app", "-t", "counter"], "gone"),
    ] {
        let here = directory(&[
            ("Cargo.toml", manifest),
            ("crates/mine/Cargo.toml", "[package]\nname = \"mine\"\nedition = \"2024\"\n"),
            ("crates/mine/src/lib.rs", ""),
            ("empty/README.md", "mine"),
            ("empty/.gitignore", "*.log"),
        ]);
        let before = snapshot(here.path());
        let log = failure(&run(here.path(), &arguments));
        assert!(log.contains(reason), "{log}");
        assert_eq!(snapshot(here.path()), before, "{arguments:?}");
    }
}

#[test]
fn no_repository_is_created_in_a_checkout() {
    for mark in [".git/", ".hg/", ".jj/", ".fslckout", "_FOSSIL_", ".svn/"] {
        let here = directory(&[]);
        let here = here.path();
        match mark {
            ".git/" => assert!(Command::new("git").args(["init", "-q"]).current_dir(here).status().unwrap().success()),
            _ if mark.ends_with('/') => fs::create_dir(here.join(mark)).unwrap(),
            _ => write(&here.join(mark), ""),
        }
        // The parent directory does not exist yet.
        success(&run(here, &["new", "deep/one", "-t", "counter"]));
        fs::create_dir(here.join("two")).unwrap();
        success(&run(&here.join("two"), &["init", "-t", "counter"]));
        assert!(!here.join("deep/one/.git").exists() && !here.join("two/.git").exists(), "{mark}");
    }
}

/// As in a container, where a mounted checkout belongs to another user. Only root can change owners.
#[cfg(unix)]
#[test]
fn a_checkout_of_another_user_is_one() {
    let here = directory(&[]);
    assert!(Command::new("git").args(["init", "-q"]).current_dir(here.path()).status().unwrap().success());
    if std::os::unix::fs::chown(here.path(), Some(65_534), None).is_ok() {
        std::os::unix::fs::chown(here.path().join(".git"), Some(65_534), None).unwrap();
        success(&run(here.path(), &["new", "deep/one", "-t", "counter"]));
        assert!(!here.path().join("deep/one/.git").exists());
    }
}

#[test]
fn init_keeps_the_files_of_a_repository() {
    let here = directory(&[("README.md", "mine"), (".gitignore", "*.log"), ("LICENSE", "mine")]);
    success(&run(here.path(), &["init", "-t", "counter", "--name", "one"]));
    assert_eq!(fs::read_to_string(here.path().join("README.md")).unwrap(), "mine");
    assert_eq!(fs::read_to_string(here.path().join(".gitignore")).unwrap(), "*.log\n/target\n/dist\n");
}

#[test]
fn init_refuses_a_crate_and_files_in_the_way() {
    for (file, listed) in [
        ("src/main.rs", "src/main.rs"),
        ("static", "static"),
        (".gitignore/x", ".gitignore"),
        ("stateroom.toml", "stateroom.toml"),
    ] {
        let here = directory(&[(file, "mine")]);
        let log = failure(&run(here.path(), &["init", "-t", "counter", "--name", "one"]));
        assert!(log.contains(&format!("exist already:\n    ./{listed}\n")), "{log}");
        assert_eq!(fs::read_dir(here.path()).unwrap().count(), 1, "all of it or nothing");
    }
}

#[test]
fn paths_are_quoted_and_names_suggested() {
    let here = directory(&[]);
    let here = here.path();
    let log = success(&run(here, &["new", "Ann's games/My Game", "-t", "counter", "--name", "my-game"]));
    assert!(log.contains("\n    cd 'Ann'\\''s games/My Game'\n"), "{log}");
    let refused = |arguments: &[&str]| {
        let output = run(here, arguments);
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    let log = refused(&["new", "A Game", "-t", "counter"]);
    assert!(log.contains("choose another name with `--name`, such as `--name a-game`\n"), "{log}");
    let log = refused(&["-C", "Ann's games/My Game", "init"]);
    assert!(log.contains("such as `--name my-game`\n"), "{log}");
    let log = refused(&["init", "--name", "x"]);
    assert!(log.contains("for example `stateroom init -t counter`"), "{log}");
    let log = refused(&["-C", "Ann's games/My Game", "init", "--name", "x"]);
    assert!(log.contains("for example `stateroom init -C 'Ann'\\''s games/My Game' -t counter`"), "{log}");
    let log = refused(&["-C", "Ann's games", "new", "other"]);
    assert!(log.contains("for example `stateroom new -C 'Ann'\\''s games' other -t counter`"), "{log}");
    let log = failure(&run(here, &["-C", "Ann's games", "new", "My Game", "-t", "counter", "--name", "x"]));
    assert!(log.contains("`stateroom init -C 'Ann'\\''s games/My Game'`"), "{log}");
    let log = failure(&run(here, &["new", "Ann's games/My Game", "-t", "counter", "--name", "x"]));
    assert!(log.contains("`stateroom init -C 'Ann'\\''s games/My Game'`"), "{log}");
}
