//! Installing the program `wasm-bindgen` into the cache, with the user's own cargo.
//!
//! *Invariant:* what has a version's name in the cache is complete. It is made beside, and moved there when it is.
use std::{
    env,
    fs::{self, File},
    path::Path,
    process::Stdio,
};

use anyhow::{Context, Result, anyhow};

use super::{Misfit, program};
use crate::build::tool::tool;

/// How the directories begin in which installations are made.
const UNFINISHED: &str = ".unfinished-";

/// What the user sets for the builds of their crates: of no meaning for a program that is to run on this machine.
const ABOUT_THE_CRATE: [&str; 4] =
    ["CARGO_BUILD_RUSTFLAGS", "CARGO_BUILD_TARGET", "CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS"];

/// Installs the program that fits, in a directory of its version's name in `shelf`.
///
/// # Errors
///
/// Where that fails, for want of a network above all. Says both versions, and how to go on with either.
pub(super) fn install(misfit: &Misfit, shelf: &Path, quiet: bool) -> Result<()> {
    let Misfit { theirs, ours } = misfit;
    into_shelf(misfit, shelf, quiet).with_context(|| {
        format!(
            "the client is compiled against wasm-bindgen {theirs}, this stateroom binds {ours}, \
             and wasm-bindgen-cli {theirs} cannot be installed\n  \
             hint: take the same for the client: `cargo update -p wasm-bindgen --precise {ours}`,\n  \
             or have `wasm-bindgen` {theirs} on PATH; where there is a network: \
             `cargo install wasm-bindgen-cli --version {theirs} --locked`"
        )
    })
}

fn into_shelf(misfit: &Misfit, shelf: &Path, quiet: bool) -> Result<()> {
    let cannot_write = || format!("`{}` cannot be written to", shelf.display());
    fs::create_dir_all(shelf).with_context(cannot_write)?;
    let place = shelf.join(misfit.theirs.to_string());
    // One at a time: who has waited finds what the other one has made.
    let lock = File::create(shelf.join(".lock")).with_context(cannot_write)?;
    if lock.try_lock().is_err() {
        tracing::info!("waiting for another stateroom that installs wasm-bindgen");
        lock.lock().with_context(cannot_write)?;
    }
    if program::in_root(&place).is_file() {
        return Ok(());
    }
    sweep(shelf);
    tracing::info!(
        "the client is compiled against wasm-bindgen {}, this stateroom binds {}: installing wasm-bindgen-cli {} \
         into `{}`, this once, which takes minutes",
        misfit.theirs,
        misfit.ours,
        misfit.theirs,
        place.display()
    );
    let workbench = tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(shelf).with_context(cannot_write)?;
    let root = workbench.path().join("root");
    cargo_install(misfit, &root, &workbench.path().join("target"), quiet)?;
    // Where somebody has deleted but a part of it.
    let _ = fs::remove_dir_all(&place);
    fs::rename(&root, &place).with_context(|| format!("`{}` cannot be moved to its place", root.display()))
}

/// Removes what was left by such as were killed. Called with the lock held, so nobody is at work there.
fn sweep(shelf: &Path) {
    for entry in fs::read_dir(shelf).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn cargo_install(misfit: &Misfit, root: &Path, target_directory: &Path, quiet: bool) -> Result<()> {
    let mut cargo = tool("cargo");
    for variable in ABOUT_THE_CRATE {
        cargo.env_remove(variable);
    }
    // Otherwise cargo advises to add the directory, which is not going to stay, to PATH.
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths(env::split_paths(&path).chain([root.join("bin")])).unwrap_or(path);
    let status = cargo
        .args(["install", "wasm-bindgen-cli", "--bin", "wasm-bindgen", "--locked", "--version"])
        .arg(format!("={}", misfit.theirs))
        .arg("--root")
        .arg(root)
        .arg("--target-dir")
        .arg(target_directory)
        .args(quiet.then_some("--quiet"))
        .env("PATH", path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .context("`cargo` cannot be run")?;
    if status.success() && program::in_root(root).is_file() {
        return Ok(());
    }
    Err(anyhow!("`cargo install` has failed: what it says is above"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_unfinished_is_swept_and_what_is_finished_stays() {
        let shelf = tempfile::tempdir().unwrap();
        for name in [".unfinished-x/root/bin", "0.2.100/bin"] {
            fs::create_dir_all(shelf.path().join(name)).unwrap();
        }
        sweep(shelf.path());
        assert!(!shelf.path().join(".unfinished-x").exists() && shelf.path().join("0.2.100/bin").is_dir());
    }
}
