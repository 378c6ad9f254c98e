//! Installing the program `wasm-bindgen` into the cache, with the user's cargo.
//!
//! *Invariant:* a directory named after a version is complete. It is built under another name, then renamed.
use std::{
    env,
    fs::{self, File},
    path::Path,
    process::Stdio,
};

use anyhow::{Context, Result, bail};
use cargo_metadata::semver::Version;

use super::program;
use crate::build::tool::tool;

/// Prefix of the directories in which installations are built.
const UNFINISHED: &str = ".unfinished-";

/// Settings of the user's builds that must not apply to a program for this machine.
const ABOUT_THE_CRATE: [&str; 4] =
    ["CARGO_BUILD_RUSTFLAGS", "CARGO_BUILD_TARGET", "CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS"];

/// Builds in half the time of cargo's default. The program runs for a second at most, so its own speed matters less.
const QUICK_BUILD: [(&str, &str); 3] = [
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1"),
];

/// Installs the program into the directory `shelf`, under its version.
///
/// # Errors
///
/// If that fails, most often for lack of network access. The message names the ways out.
pub(super) fn install(version: &Version, shelf: &Path, quiet: bool) -> Result<()> {
    into_shelf(version, shelf, quiet).with_context(|| {
        format!(
            "failed to install wasm-bindgen-cli {version}, the version the client is compiled against\n  \
             hint: put `wasm-bindgen` {version} on PATH. With network access: \
             `cargo install wasm-bindgen-cli --version {version} --locked`. To use another version that is installed, \
             depend on it: `wasm-bindgen = \"=VERSION\"` in the client's Cargo.toml"
        )
    })
}

fn into_shelf(version: &Version, shelf: &Path, quiet: bool) -> Result<()> {
    let cannot_write = || format!("failed to write to `{}`", shelf.display());
    fs::create_dir_all(shelf).with_context(cannot_write)?;
    let place = shelf.join(version.to_string());
    // One installation at a time. A process that waited finds the result of the other one.
    let lock = File::create(shelf.join(".lock")).with_context(cannot_write)?;
    if lock.try_lock().is_err() {
        tracing::info!("waiting for another stateroom process to install wasm-bindgen");
        lock.lock().with_context(cannot_write)?;
    }
    if program::in_root(&place).is_file() {
        return Ok(());
    }
    sweep(shelf);
    tracing::info!(
        "installing wasm-bindgen-cli {version}, the version the client is compiled against, into `{}`: \
         once per version, takes a few minutes",
        place.display()
    );
    let workbench = tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(shelf).with_context(cannot_write)?;
    let root = workbench.path().join("root");
    cargo_install(version, &root, &workbench.path().join("target"), quiet)?;
    // A user may have deleted part of it.
    let _ = fs::remove_dir_all(&place);
    fs::rename(&root, &place).with_context(|| format!("failed to move `{}` into place", root.display()))
}

/// Removes what killed processes left behind. Called with the lock held, so that no installation is in progress.
fn sweep(shelf: &Path) {
    for entry in fs::read_dir(shelf).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn cargo_install(version: &Version, root: &Path, target_directory: &Path, quiet: bool) -> Result<()> {
    // Without the program's lock file if need be: a registry mirror may lack one of the versions in it.
    for locked in [Some("--locked"), None] {
        let mut cargo = tool("cargo");
        for variable in ABOUT_THE_CRATE {
            cargo.env_remove(variable);
        }
        // Otherwise cargo advises to add the temporary directory to PATH.
        let path = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths(env::split_paths(&path).chain([root.join("bin")])).unwrap_or(path);
        let status = cargo
            // The default features are TLS for another program of the package.
            .args(["install", "wasm-bindgen-cli", "--bin", "wasm-bindgen", "--no-default-features"])
            .arg(format!("--version={version}"))
            .args(locked)
            .arg("--root")
            .arg(root)
            .arg("--target-dir")
            .arg(target_directory)
            .args(quiet.then_some("--quiet"))
            .env("PATH", path)
            .envs(QUICK_BUILD)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .context("failed to run `cargo`")?;
        if status.success() && program::in_root(root).is_file() {
            return Ok(());
        }
    }
    bail!("`cargo install` failed; its output is above")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sweeps_unfinished_installations_only() {
        let shelf = tempfile::tempdir().unwrap();
        for name in [".unfinished-x/root/bin", "0.2.100/bin"] {
            fs::create_dir_all(shelf.path().join(name)).unwrap();
        }
        sweep(shelf.path());
        assert!(!shelf.path().join(".unfinished-x").exists() && shelf.path().join("0.2.100/bin").is_dir());
    }
}
