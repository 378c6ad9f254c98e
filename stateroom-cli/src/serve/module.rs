//! Loading of modules, with hints for those that the host rejects.
use std::{error::Error, fmt, path::Path};

use anyhow::Result;
use stateroom_wasm_host::{WasmHostConfig, WasmHostError, WasmHostFactory};

/// Checks and compiles a module.
///
/// # Errors
///
/// Returns the error of the host, with a hint if there is one.
pub(crate) fn load(module: &Path, config: &WasmHostConfig) -> Result<WasmHostFactory> {
    WasmHostFactory::with_config(module, config).map_err(with_hint)
}

/// Checks and compiles the contents of a module's file.
///
/// # Errors
///
/// As [`load`].
pub(crate) fn load_bytes(module: &Path, bytes: &[u8], config: &WasmHostConfig) -> Result<WasmHostFactory> {
    WasmHostFactory::from_bytes(module.display().to_string(), bytes, config).map_err(with_hint)
}

/// Adds a hint to an error of the host, if there is one.
fn with_hint(error: WasmHostError) -> anyhow::Error {
    match error.hint() {
        Some(hint) => HintedError { error, hint }.into(),
        None => error.into(),
    }
}

/// An error of the host with a hint. Transparent: the sources are those of the error.
#[derive(Debug)]
struct HintedError {
    error: WasmHostError,
    hint: String,
}

impl fmt::Display for HintedError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}\n  hint: {}", self.error, self.hint)
    }
}

impl Error for HintedError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}
