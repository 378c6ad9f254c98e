//! The WebAssembly targets of the user's toolchain.
use std::{env, io::ErrorKind, path::Path, process::Stdio};

use anyhow::{Context, Result, bail};

use super::tool::tool;

/// Installs a target if it is missing.
///
/// # Errors
///
/// Returns an error if it is missing, and there is no rustup, rustup may not use the network, or it cannot install it.
pub(super) fn ensure(target: &str, is_offline: bool) -> Result<()> {
    if is_installed(target)? {
        return Ok(());
    }
    if is_offline {
        bail!(
            "the target {target} is not installed, and a build with `--offline` or `--frozen` does not install it\n  \
             hint: run `rustup target add {target}`"
        );
    }
    tracing::info!("installing the target {target}: `rustup target add {target}`");
    let added = tool("rustup").args(["target", "add", target]).stdout(Stdio::null()).status();
    match added {
        Err(error) if error.kind() == ErrorKind::NotFound => bail!(
            "the target {target} is not installed, and neither is rustup, which would install it\n  \
             hint: install the target's standard library from where your Rust is from, or Rust with rustup: https://rustup.rs"
        ),
        Ok(status) if status.success() && is_installed(target)? => Ok(()),
        Ok(status) if status.success() => bail!(
            "rustup installed the target {target}, but `rustc` does not belong to a toolchain of rustup\n  \
             hint: put rustup's directory first in PATH, or install the target for that compiler"
        ),
        _ => bail!(
            "the target {target} is not installed, and rustup failed to install it\n  \
             hint: run `rustup target add {target}` with a network connection"
        ),
    }
}

/// Returns the name of the compiler.
pub(crate) fn rustc() -> String {
    env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned())
}

/// Returns whether the compiler has a standard library for a target.
///
/// # Errors
///
/// Returns an error if there is no compiler.
pub(crate) fn is_installed(target: &str) -> Result<bool> {
    let rustc = rustc();
    let output = tool(&rustc)
        .args(["--print", "target-libdir", "--target", target])
        .output()
        .with_context(|| format!("failed to run `{rustc}`\n  hint: install Rust with rustup: https://rustup.rs"))?;
    let directory = String::from_utf8_lossy(&output.stdout);
    Ok(output.status.success() && Path::new(directory.trim_end()).is_dir())
}
