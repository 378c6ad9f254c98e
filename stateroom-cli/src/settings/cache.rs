//! The cache directory of the user, with programs that build clients, and compiled modules.
use std::{env, path, path::PathBuf};

use anyhow::{Context, Result};
use etcetera::BaseStrategy;

/// The environment variable that overrides the directory.
pub(crate) const VARIABLE: &str = "STATEROOM_CACHE_DIR";

/// Returns the directory, which may not exist yet.
///
/// # Errors
///
/// Returns an error if the user has no home directory and the environment variable is not set.
pub(crate) fn directory() -> Result<PathBuf> {
    if let Some(named) = env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
        return path::absolute(&named).with_context(|| format!("{VARIABLE} is not a path: `{}`", named.display()));
    }
    let user = etcetera::choose_base_strategy().with_context(|| {
        format!("failed to find a cache directory: there is no home directory\n  hint: set {VARIABLE} to a directory")
    })?;
    Ok(user.cache_dir().join("stateroom"))
}
