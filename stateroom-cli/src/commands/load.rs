//! Reading a module: when it is built, when it is served, and when it is read again.
use std::path::Path;

use anyhow::Result;
use stateroom_wasm_host::{WasmHostConfig, WasmHostFactory};

use crate::refusal;

/// Checks and compiles a module.
///
/// # Errors
///
/// Where the host refuses it, with what to do.
pub(super) fn load(module: &Path, config: &WasmHostConfig) -> Result<WasmHostFactory> {
    WasmHostFactory::with_config(module, config).map_err(|error| refusal::explain(&error))
}
