//! The directory in which what was made once is kept, for this user and all of their crates: programs for clients here,
//! compiled services by whoever serves them.
use std::{env, path, path::PathBuf};

use anyhow::{Context, Result};
use etcetera::BaseStrategy;

/// The variable that names another directory.
pub(crate) const VARIABLE: &str = "STATEROOM_CACHE_DIR";

/// Where it is. It need not exist.
///
/// # Errors
///
/// Where the user has no home directory and the variable does not name another one.
pub(crate) fn directory() -> Result<PathBuf> {
    if let Some(named) = env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
        return path::absolute(&named).with_context(|| format!("{VARIABLE} names no directory: {}", named.display()));
    }
    let user = etcetera::choose_base_strategy().with_context(|| {
        format!("you have no home directory to keep things in\n  hint: name a directory for them: {VARIABLE}=DIR")
    })?;
    Ok(user.cache_dir().join("stateroom"))
}
