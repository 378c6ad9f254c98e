//! The program `wasm-bindgen` of another version than that of the linked library: which one is taken, and running it.
//!
//! *Invariant:* it is of exactly the version that the client is compiled against.
use std::{
    env::consts::EXE_SUFFIX,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow};
use cargo_metadata::semver::Version;

use super::{Misfit, install};
use crate::build::tool::tool;

/// What it is called.
const NAME: &str = "wasm-bindgen";

/// The program that fits: the one in the cache, else the one on PATH, else one that is installed into the cache now.
///
/// # Errors
///
/// Where there is none and it cannot be installed.
pub(super) fn find(misfit: &Misfit, cache: &Path, quiet: bool) -> Result<PathBuf> {
    if let Some(program) = at_hand(&misfit.theirs, cache) {
        tracing::debug!("binding with `{}` {}", program.display(), misfit.theirs);
        return Ok(program);
    }
    let shelf = cache.join(NAME);
    install::install(misfit, &shelf, quiet)?;
    Ok(in_root(&shelf.join(misfit.theirs.to_string())))
}

/// The program of that version, without installing one.
pub(super) fn at_hand(version: &Version, cache: &Path) -> Option<PathBuf> {
    let kept = in_root(&cache.join(NAME).join(version.to_string()));
    if kept.is_file() {
        return Some(kept);
    }
    is_on_path(version).then(|| NAME.into())
}

/// Where `cargo install --root` puts it.
pub(super) fn in_root(root: &Path) -> PathBuf {
    root.join("bin").join(format!("{NAME}{EXE_SUFFIX}"))
}

/// Whether the first one on PATH is of that version.
fn is_on_path(version: &Version) -> bool {
    let told = tool(NAME).arg("--version").output();
    told.is_ok_and(|told| told.status.success() && says(&String::from_utf8_lossy(&told.stdout), version))
}

/// Whether what `--version` prints, `wasm-bindgen VERSION` and perhaps a commit, names that version.
fn says(told: &str, version: &Version) -> bool {
    let mut words = told.split_whitespace();
    words.next() == Some(NAME) && words.next() == Some(version.to_string().as_str())
}

/// Binds a module as the library would: for the web, with types, and with an `init()` that finds the module by itself. It
/// cannot be told to leave functions marked `start` to the page, though: `init()` calls them.
///
/// # Errors
///
/// Where the program cannot be run, or fails.
pub(super) fn run(program: &Path, module: &Path, directory: &Path) -> Result<()> {
    let name = module.file_stem().context("the client's module has no name")?;
    let output = tool(program)
        .arg(module)
        .args(["--target", "web", "--out-dir"])
        .arg(directory)
        .arg("--out-name")
        .arg(name)
        .output()
        .with_context(|| format!("`{}` cannot be run", program.display()))?;
    if output.status.success() {
        return Ok(());
    }
    let reason = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(anyhow!(reason).context(format!("`{}` cannot bind `{}`", program.display(), module.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_version_counts() {
        let version = Version::new(0, 2, 100);
        for (told, expected) in [
            ("wasm-bindgen 0.2.100\n", true),
            ("wasm-bindgen 0.2.100 (2405ec2b4)\n", true),
            ("wasm-bindgen 0.2.10\n", false),
            ("wasm-bindgen 0.2.1000\n", false),
            ("wasm-bindgen\n", false),
            ("something 0.2.100\n", false),
            ("", false),
        ] {
            assert_eq!(says(told, &version), expected, "{told}");
        }
    }
}
