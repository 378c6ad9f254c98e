//! The WebAssembly targets of the user's toolchain: looked for, and installed where they are missing.
use std::{env, path::Path, process::Stdio};

use anyhow::{Context, Result, bail};

use super::tool::tool;

/// Makes sure that the toolchain has the standard library of `target`.
///
/// # Errors
///
/// Where it is missing and rustup cannot install it.
pub(super) fn ensure(target: &str) -> Result<()> {
    if is_installed(target)? {
        return Ok(());
    }
    tracing::info!("the target {target} is not installed: running `rustup target add {target}`");
    let added = tool("rustup").args(["target", "add", target]).stdout(Stdio::null()).status();
    match added {
        Ok(status) if status.success() && is_installed(target)? => Ok(()),
        Ok(status) if status.success() => bail!(
            "rustup has installed the target {target}, but `rustc` is not of a toolchain of rustup\n  \
             hint: let rustup's directory come first in PATH, or install the target for that compiler"
        ),
        _ => bail!(
            "the target {target} is not installed, and rustup cannot install it\n  \
             hint: install it where there is a network: `rustup target add {target}`"
        ),
    }
}

/// What the compiler is called.
pub(crate) fn rustc() -> String {
    env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned())
}

/// Whether the compiler has a standard library where it looks for that of the target. One that does not know the target
/// at all has none.
///
/// # Errors
///
/// Where there is no compiler.
pub(crate) fn is_installed(target: &str) -> Result<bool> {
    let rustc = rustc();
    let output = tool(&rustc)
        .args(["--print", "target-libdir", "--target", target])
        .output()
        .with_context(|| format!("`{rustc}` cannot be run: install Rust by way of rustup"))?;
    let directory = String::from_utf8_lossy(&output.stdout);
    Ok(output.status.success() && Path::new(directory.trim_end()).is_dir())
}
