//! Which changes are returned, and which are a build's own.
use std::{
    fs,
    time::{Duration, SystemTime},
};

use anyhow::anyhow;

use super::*;
use crate::build::{Artifacts, BuildFailed};
use crate::dev::builder::Fingerprint;
use crate::settings::FILE_NAME;

fn inputs_in(root: &Path) -> BuildInputs {
    BuildInputs {
        packages: [root.to_owned()].into(),
        sources: [root.join("src")].into(),
        files: ["Cargo.toml", "Cargo.lock"].map(|file| root.join(file)).into(),
        outputs: vec![root.join("target")],
    }
}

fn write(directory: &Path, file: &str, text: &str) {
    let path = directory.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A directory by its real name, and the sources in it.
fn sources_of(files: &[&str]) -> (tempfile::TempDir, PathBuf, Sources) {
    let temporary = tempfile::tempdir().unwrap();
    let root = temporary.path().canonicalize().unwrap();
    for file in files {
        write(&root, file, "x");
    }
    let sources = Sources::new(inputs_in(&root), Some(Path::new("static")), &root, Path::new(FILE_NAME));
    (temporary, root, sources)
}

fn started() -> SystemTime {
    SystemTime::now() - Duration::from_secs(10)
}

/// A build of these files that succeeded. If `has_script`, a build script ran all the time.
fn built(root: &Path, compiled: &[&str], has_script: bool) -> Build {
    let started = started();
    let mut scripts = ScriptTimes::default();
    if has_script {
        scripts.add(started);
    }
    let sources = compiled.iter().map(|file| root.join(file)).collect();
    let artifacts = Artifacts { service: PathBuf::new(), client: None, sources, scripts };
    Build { started, result: Ok((artifacts, Fingerprint { service: blake3::hash(b""), client: None })) }
}

#[test]
fn changes_are_reported_by_kind() {
    let (_temporary, root, mut sources) = sources_of(&["Cargo.toml", "src/lib.rs", "static/index.html", ".gitignore"]);
    assert!(sources.scan().is_empty());

    write(&root, "src/lib.rs", "longer");
    let changes = sources.scan();
    assert_eq!((changes.code, changes.static_files, changes.settings), (true, false, false));
    assert_eq!(changes.describe(), "src/lib.rs changed");
    write(&root, "static/index.html", "longer");
    let changes = sources.scan();
    assert_eq!((changes.code, changes.static_files, changes.settings), (false, true, false));
    write(&root, FILE_NAME, "port = 1");
    let changes = sources.scan();
    assert_eq!((changes.code, changes.static_files, changes.settings), (false, false, true), "{changes:?}");

    write(&root, "src/more/new.rs", "x");
    fs::remove_file(root.join("src/lib.rs")).unwrap();
    let changes = sources.scan();
    assert!(changes.code && sources.directories().contains(&root.join("src/more")));
    assert_eq!(changes.describe(), "src/more/new.rs and 1 more changed");
    assert!(sources.scan().is_empty());
}

#[test]
fn a_file_that_is_saved_as_it_was_has_not_changed() {
    let (_temporary, root, mut sources) = sources_of(&["src/lib.rs", "static/index.html"]);
    for file in ["src/lib.rs", "static/index.html"] {
        write(&root, file, "x");
        assert!(sources.scan().is_empty(), "{file}");
    }
    // After a failure, which may have another reason, that builds again.
    sources.build_ended(&Build { started: started(), result: Err(anyhow!("no network")) });
    assert!(sources.scan().is_empty());
    write(&root, "src/lib.rs", "x");
    assert!(sources.scan().code);
}

#[test]
fn ignored_built_and_editor_files_are_not_scanned() {
    let (_temporary, root, mut sources) = sources_of(&["src/lib.rs"]);
    write(&root, ".gitignore", "/notes\n");
    assert!(sources.scan().code);
    for file in ["notes/a", "target/debug/x", "dist/server.wasm", ".git/HEAD", "src/lib.rs~", "src/.lib.rs.swp"] {
        write(&root, file, "x");
        assert!(sources.scan().is_empty(), "{file}");
    }
    write(&root, "Cargo.lock", "by a build");
    sources.build_ended(&built(&root, &[], false));
    assert!(sources.scan().is_empty());
    write(&root, "Cargo.lock", "by another program");
    assert!(sources.scan().code);
}

#[test]
fn what_a_build_script_writes_causes_one_more_build() {
    let (_temporary, root, mut sources) = sources_of(&["src/lib.rs"]);
    let build = |sources: &mut Sources, text: &str| {
        write(&root, "src/generated.rs", text);
        sources.build_ended(&built(&root, &["src/lib.rs", "src/generated.rs"], true));
        sources.scan().describe()
    };
    assert_eq!(build(&mut sources, "at 1"), "src/generated.rs changed");
    assert_eq!(build(&mut sources, "at 2"), "nothing changed");
    // After a change by somebody else.
    write(&root, "src/lib.rs", "longer");
    assert_eq!(sources.scan().describe(), "src/lib.rs changed");
    assert_eq!(build(&mut sources, "at 3"), "nothing changed");
    assert!(!sources.is_in_doubt());
    // Between builds, it is a user who changes it.
    write(&root, "src/generated.rs", "by hand");
    assert_eq!(sources.scan().describe(), "src/generated.rs changed");
    // Written only if needed.
    assert_eq!(build(&mut sources, "as needed"), "src/generated.rs changed");
    assert_eq!(build(&mut sources, "as needed"), "nothing changed");
    assert_eq!(build(&mut sources, "other"), "src/generated.rs changed");
}

#[test]
fn files_with_another_name_for_each_build_do_not_build_for_ever() {
    let (_temporary, root, mut sources) = sources_of(&["src/lib.rs", "logs/all.txt"]);
    for (has_script, enough) in [(true, BUILDS_BY_SCRIPT), (false, BUILDS)] {
        let mut builds = 0;
        loop {
            builds += 1;
            let _ = fs::remove_file(root.join(format!("logs/{has_script}-{}.txt", builds - 1)));
            write(&root, &format!("logs/{has_script}-{builds}.txt"), "x");
            sources.build_ended(&built(&root, &["src/lib.rs"], has_script));
            if sources.scan().is_empty() {
                break;
            }
        }
        assert_eq!(builds, enough);
        // A user's.
        write(&root, &format!("logs/{has_script}.txt"), "x");
        assert!(sources.scan().code);
    }
}

#[test]
fn a_build_that_fails_and_writes_does_not_fail_for_ever() {
    let (_temporary, root, mut sources) = sources_of(&["src/lib.rs"]);
    let mut builds = 0;
    loop {
        builds += 1;
        write(&root, "src/generated.rs", &format!("at {builds}"));
        sources.build_ended(&Build { started: started(), result: Err(anyhow!("it has errors")) });
        if sources.scan().is_empty() {
            break;
        }
    }
    assert_eq!(builds, BUILDS);
}

#[test]
fn saves_during_builds_are_not_lost() {
    let (_temporary, root, mut sources) = sources_of(&["src/lib.rs"]);
    for save in 0..10 {
        write(&root, "src/lib.rs", &format!("during build {save}"));
        sources.build_ended(&built(&root, &["src/lib.rs"], false));
        if sources.is_in_doubt() {
            write(&root, "src/lib.rs", &format!("after build {save}"));
        }
        assert_eq!(sources.scan().describe(), "src/lib.rs changed", "{save}");
    }
    // Another writer than a build script, such as a macro.
    assert!((0..3).any(|build| {
        write(&root, "src/lib.rs", &format!("by build {build}"));
        sources.build_ended(&built(&root, &["src/lib.rs"], false));
        sources.scan().is_empty()
    }));
}

#[test]
fn static_files_that_builds_write_are_returned_each_time() {
    let (_temporary, root, mut sources) = sources_of(&["src/lib.rs", "static/index.html"]);
    for build in 0..5 {
        write(&root, "static/bundle.js", &format!("by build {build}"));
        sources.build_ended(&built(&root, &["src/lib.rs"], true));
        let changes = sources.scan();
        assert_eq!((changes.code, changes.static_files), (false, true), "{build}");
    }
    // Even if the build depends on them.
    for build in 0..5 {
        write(&root, "static/bundle.js", &format!("compiled in, by build {build}"));
        sources.build_ended(&built(&root, &["src/lib.rs", "static"], true));
        let changes = sources.scan();
        assert_eq!((changes.code, changes.static_files), (build == 0, true), "{build}");
    }
}

#[test]
fn files_that_cargo_depends_on_are_scanned() {
    let (_temporary, root, mut sources) = sources_of(&["src/lib.rs", "static/index.html"]);
    let elsewhere = tempfile::tempdir().unwrap();
    let elsewhere = elsewhere.path().canonicalize().unwrap();
    for file in ["text.txt", "assets/deep/a.txt", "new.txt"] {
        write(&elsewhere, file, "x");
    }
    // Written long before the build.
    for file in ["text.txt", "assets/deep/a.txt"] {
        fs::File::options()
            .write(true)
            .open(elsewhere.join(file))
            .unwrap()
            .set_modified(SystemTime::UNIX_EPOCH)
            .unwrap();
    }
    write(&root, ".gitignore", "*");
    sources.scan();
    let compiled =
        ["text.txt", "assets", "missing.txt", "new.txt"].map(|file| elsewhere.join(file).display().to_string());
    let compiled: Vec<&str> = compiled.iter().map(String::as_str).chain(["static/index.html", "src/lib.rs"]).collect();
    sources.build_ended(&built(&root, &compiled, false));
    assert_eq!(
        sources.scan().describe(),
        format!("{} changed", elsewhere.join("new.txt").display()),
        "during the build"
    );
    for file in ["text.txt", "assets/deep/a.txt", "assets/b.txt", "missing.txt"] {
        write(&elsewhere, file, "longer");
        assert!(sources.scan().code, "{file}");
    }
    // Served, and compiled in.
    write(&root, "static/index.html", "longer");
    let changes = sources.scan();
    assert_eq!((changes.code, changes.static_files), (true, true));
    assert!(sources.directories().contains(&elsewhere.join("assets/deep")));
    // No longer included.
    sources.build_ended(&built(&root, &compiled[..1], false));
    assert!(sources.scan().is_empty());
    // A build that fails depends on the same files as before.
    sources.build_ended(&Build { started: started(), result: Err(anyhow!("it has errors")) });
    write(&elsewhere, "text.txt", "longest");
    assert!(sources.scan().code);
}

#[test]
fn what_a_failed_build_read_or_missed_is_scanned() {
    let (_temporary, root, mut sources) = sources_of(&["src/lib.rs", ".gitignore"]);
    let outside = tempfile::tempdir().unwrap();
    let outside = outside.path().canonicalize().unwrap();
    write(&outside, "read.rs", "x");
    let fail = |files: [&str; 1]| {
        let error = BuildFailed::new(files.map(|file| outside.join(file)).into());
        // Before any file was written: what is known now is what was built.
        Build { started: SystemTime::now() + Duration::from_secs(10), result: Err(error.into()) }
    };
    sources.build_ended(&fail(["read.rs"]));
    assert!(sources.scan().is_empty());
    write(&outside, "read.rs", "longer");
    assert!(sources.scan().code);
    sources.build_ended(&fail(["later/missing.txt"]));
    assert!(sources.scan().is_empty() && sources.directories().contains(&outside));
    write(&outside, "later/missing.txt", "x");
    assert!(sources.scan().code && sources.directories().contains(&outside.join("later")));
    write(&outside, "read.rs", "longest of all");
    assert!(sources.scan().code, "as of the first failed build");
    // Whatever the reason of the failure was, such as a dependency that cargo cannot read.
    let manifest = outside.join("new/Cargo.toml");
    let error = anyhow!("failed to read `{}`", manifest.display()).context("cargo failed to read the crate");
    sources.build_ended(&Build { started: started(), result: Err(error) });
    write(&outside, "new/Cargo.toml", "x");
    assert!(sources.scan().manifest);
    sources.build_ended(&built(&root, &["src/lib.rs"], false));
    write(&outside, "read.rs", "not any more");
    assert!(sources.scan().is_empty());
}

#[test]
fn static_files_are_scanned_whatever_git_ignores() {
    let (_temporary, root, mut sources) = sources_of(&["src/lib.rs"]);
    write(&root, ".gitignore", "*.js\n/static/generated\nnode_modules\n");
    sources.scan();
    // The directory did not exist, either.
    for file in ["static/app.js", "static/generated/page.html", "static/more/.gitignore"] {
        write(&root, file, "x");
        let changes = sources.scan();
        assert_eq!((changes.code, changes.static_files), (false, true), "{file}");
    }
    write(&root, "static/node_modules/many/index.js", "x");
    assert!(sources.scan().is_empty());
}

#[test]
fn a_package_that_git_ignores_is_scanned() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path().canonicalize().unwrap();
    fs::create_dir(home.join(".git")).unwrap();
    fs::write(home.join(".gitignore"), "*").unwrap();
    let root = home.join("package");
    write(&root, "src/lib.rs", "x");
    let mut sources = Sources::new(inputs_in(&root), None, &root, Path::new(FILE_NAME));
    write(&root, "src/new.rs", "x");
    assert_eq!(sources.scan().describe(), "src/new.rs changed");
}

#[cfg(unix)]
#[test]
fn links_are_followed_in_static_files_and_sources() {
    let elsewhere = tempfile::tempdir().unwrap();
    let elsewhere = elsewhere.path().canonicalize().unwrap();
    let (_temporary, root, mut sources) = sources_of(&["src/lib.rs", "static/index.html"]);
    write(&elsewhere, "shared", "x");
    for link in ["static/linked", "src/linked", "data"] {
        std::os::unix::fs::symlink(&elsewhere, root.join(link)).unwrap();
    }
    sources.scan();
    write(&elsewhere, "shared", "longer");
    let changes = sources.scan();
    assert_eq!((changes.code, changes.static_files), (true, true), "{changes:?}");
    assert_eq!(changes.files, ["src/linked/shared", "static/linked/shared"]);
    assert!(sources.directories().contains(&elsewhere));
}

#[test]
fn new_dependencies_are_scanned_after_the_manifest_changed() {
    let (_temporary, root, mut sources) = sources_of(&["Cargo.toml"]);
    let other = tempfile::tempdir().unwrap();
    write(other.path(), "src/lib.rs", "x");
    write(&root, "Cargo.toml", "longer");
    assert!(sources.scan().manifest);
    write(&root, "Cargo.toml", "while it was built");
    let mut inputs = inputs_in(&root);
    inputs.packages.insert(other.path().to_owned());
    sources.set_inputs(inputs);
    assert_eq!(sources.scan().describe(), "Cargo.toml changed");
    write(other.path(), "src/lib.rs", "longer");
    assert!(sources.scan().code);
}
