//! Reading a module: when it is built, when it is served, and when it is read again; and what to do about one that the host
//! refuses.
use std::path::Path;

use anyhow::{Error, Result, anyhow};
use stateroom_wasm_host::{WasmHostConfig, WasmHostError, WasmHostFactory};

/// Checks and compiles a module.
///
/// # Errors
///
/// Where the host refuses it, with what to do.
pub(crate) fn load(module: &Path, config: &WasmHostConfig) -> Result<WasmHostFactory> {
    WasmHostFactory::with_config(module, config).map_err(|error| explain(&error))
}

/// The host's own error, with a hint where there is something to be done.
pub(crate) fn explain(error: &WasmHostError) -> Error {
    match hint(error) {
        Some(hint) => anyhow!("{error}\n  hint: {hint}"),
        None => anyhow!("{error}"),
    }
}

fn hint(error: &WasmHostError) -> Option<String> {
    Some(match error {
        WasmHostError::MissingExport { .. } => {
            "put `#[stateroom_wasm]`, of the crate `stateroom-wasm`, on the type of the service".to_owned()
        }
        WasmHostError::UnknownImport { from, .. } if from.starts_with("__wbindgen") || from == "wbg" => {
            "something it depends on is built for browsers: turn off its feature `js`, or `wasm-bindgen`".to_owned()
        }
        WasmHostError::UnknownImport { .. } => {
            "`stateroom inspect` lists all that it imports; what is not in a room has to come with the module"
                .to_owned()
        }
        WasmHostError::Invalid { reason, .. } if reason.contains("component") => {
            "build it for the target `wasm32-wasip1`: `wasm32-wasip2` makes components".to_owned()
        }
        WasmHostError::MemoryLimit { .. } => "raise the limit with `--memory-bytes`".to_owned(),
        WasmHostError::TableLimit { .. } => "raise the limit with `--table-elements`".to_owned(),
        WasmHostError::ApiVersion { .. } | WasmHostError::Protocol { .. } => {
            format!("build it with `stateroom-wasm` {}", env!("CARGO_PKG_VERSION"))
        }
        WasmHostError::Start { .. } => {
            "this runs before there is any room: `_initialize`, and what is static in C or C++".to_owned()
        }
        _ => return None,
    })
}
