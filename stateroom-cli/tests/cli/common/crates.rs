//! Crates to build: the examples, and crates written by a test.
use std::{
    collections::HashSet,
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Output,
    sync::{Mutex, PoisonError},
};

use super::{stateroom, success};

/// Creates a temporary directory with these files.
pub(crate) fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::Builder::new().prefix("stateroom-").tempdir().unwrap();
    for (path, text) in files {
        write(&directory.path().join(path), text);
    }
    directory
}

/// Writes a file, creating its directory.
pub(crate) fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Returns the directory of an example.
pub(crate) fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name)
}

/// Returns the `dist` of an example, built by the command once per test program.
pub(crate) fn built(name: &str) -> PathBuf {
    static BUILT: Mutex<Option<HashSet<String>>> = Mutex::new(None);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let directory = example(name);
    if built.get_or_insert_default().insert(name.to_owned()) {
        let lock = File::create(Path::new(env!("CARGO_TARGET_TMPDIR")).join("examples.lock")).unwrap();
        lock.lock().unwrap();
        success(&stateroom().args(["build", "-C"]).arg(&directory).output().unwrap());
    }
    directory.join("dist")
}

/// Writes a service crate with this code for messages.
pub(crate) fn write_service(directory: &Path, name: &str, dependencies: &str, on_message: &str) {
    let guest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../stateroom-wasm");
    let manifest = format!(
        "[package]\nname = '{name}'\nversion = '0.1.0'\nedition = '2024'\n\n[lib]\ncrate-type = ['cdylib']\n\n\
         [dependencies]\nstateroom-wasm.path = '{}'\n{dependencies}\n",
        guest.display()
    );
    let source = format!(
        "use stateroom_wasm::*;\n\n#[stateroom_wasm]\n#[derive(Default)]\nstruct Service;\n\n\
         impl StateroomService for Service {{\n    \
         fn message(&mut self, client: ClientId, message: MessagePayload, context: &impl StateroomContext) {{\n        \
         {on_message}\n    }}\n}}\n"
    );
    write(&directory.join("Cargo.toml"), &manifest);
    write(&directory.join("src/lib.rs"), &source);
}

/// Returns the target directory that crates outside of the repository share.
pub(crate) fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("guests")
}

/// Copies the lock file of the examples to a crate outside of the repository.
pub(crate) fn with_locked_versions(directory: &Path) {
    if !directory.ancestors().any(|ancestor| ancestor.join("Cargo.lock").is_file()) {
        fs::copy(example("Cargo.lock"), directory.join("Cargo.lock")).unwrap();
    }
}

/// Runs `stateroom build` in a directory outside of the repository, with the lock file of the examples.
pub(crate) fn build_in(directory: &Path) -> Output {
    with_locked_versions(directory);
    stateroom().args(["build", "-C"]).arg(directory).env("CARGO_TARGET_DIR", target()).output().unwrap()
}

/// Returns the version of a package in a lock file of the repository.
pub(crate) fn locked(file: &str, package: &str) -> Option<String> {
    let lock = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file)).unwrap();
    let name = format!("name = \"{package}\"");
    let entry = lock.split("[[package]]").find(|entry| entry.lines().any(|line| line == name))?;
    let version = entry.lines().find_map(|line| line.strip_prefix("version = \"")).unwrap();
    Some(version.trim_end_matches('"').to_owned())
}
