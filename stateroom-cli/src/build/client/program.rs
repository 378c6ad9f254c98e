//! The program `wasm-bindgen`: finding the one of a version, and running it.
use std::{
    env::consts::EXE_SUFFIX,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail};
use cargo_metadata::semver::Version;

use super::install;
use crate::build::tool::tool;

/// The program's name.
const NAME: &str = "wasm-bindgen";

/// Finds the program of a version: in the cache, else on PATH, else by installing it into the cache.
///
/// # Errors
///
/// If there is none, and installing it fails or may not use the network.
pub(super) fn find(version: &Version, cache: &Path, quiet: bool, is_offline: bool) -> Result<PathBuf> {
    if let Some(program) = installed(version, cache) {
        tracing::debug!("binding with `{}` {version}", program.display());
        return Ok(program);
    }
    let shelf = cache.join(NAME);
    if is_offline {
        bail!(
            "wasm-bindgen {version}, the version the client is compiled against, is not installed, and a build with \
             `--offline` or `--frozen` does not install it\n  \
             hint: `cargo install wasm-bindgen-cli --version {version} --locked`"
        );
    }
    install::install(version, &shelf, quiet)?;
    Ok(in_root(&shelf.join(version.to_string())))
}

/// Returns the program of a version if it is already installed.
pub(super) fn installed(version: &Version, cache: &Path) -> Option<PathBuf> {
    let cached = in_root(&cache.join(NAME).join(version.to_string()));
    if cached.is_file() {
        return Some(cached);
    }
    is_on_path(version).then(|| NAME.into())
}

/// The place of the program below a root of `cargo install`.
pub(super) fn in_root(root: &Path) -> PathBuf {
    root.join("bin").join(format!("{NAME}{EXE_SUFFIX}"))
}

/// Returns whether the first program on PATH has that version.
fn is_on_path(version: &Version) -> bool {
    let output = tool(NAME).arg("--version").output();
    output.is_ok_and(|output| output.status.success() && names(&String::from_utf8_lossy(&output.stdout), version))
}

/// Returns whether the output of `--version`, `wasm-bindgen VERSION` and perhaps a commit, names that version.
fn names(output: &str, version: &Version) -> bool {
    let mut words = output.split_whitespace();
    words.next() == Some(NAME) && words.next() == Some(version.to_string().as_str())
}

/// Binds a module for the web, with types.
///
/// # Errors
///
/// If the program cannot be run, or fails.
pub(super) fn run(program: &Path, module: &Path, directory: &Path) -> Result<()> {
    let name = module.file_stem().context("the client's module has no file name")?;
    let output = tool(program)
        .arg(module)
        .args(["--target", "web", "--out-dir"])
        .arg(directory)
        .arg("--out-name")
        .arg(name)
        .output()
        .with_context(|| format!("failed to run `{}`", program.display()))?;
    if output.status.success() {
        return Ok(());
    }
    let reason = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(anyhow!(reason).context(format!("`{}` failed to bind `{}`", program.display(), module.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_exact_versions_only() {
        let version = Version::new(0, 2, 100);
        for (output, expected) in [
            ("wasm-bindgen 0.2.100\n", true),
            ("wasm-bindgen 0.2.100 (2405ec2b4)\n", true),
            ("wasm-bindgen 0.2.10\n", false),
            ("wasm-bindgen 0.2.1000\n", false),
            ("wasm-bindgen\n", false),
            ("something 0.2.100\n", false),
            ("", false),
        ] {
            assert_eq!(names(output, &version), expected, "{output}");
        }
    }
}
