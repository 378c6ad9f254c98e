//! What to do about a module that the host refuses.
use std::iter;

use anyhow::{Error, anyhow};
use stateroom_wasm_host::WasmHostError;

/// The host's own error, with a hint where there is something to be done.
pub(crate) fn explain(error: &WasmHostError) -> Error {
    let message = iter::successors(Some(error as &dyn std::error::Error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ");
    match hint(error, &message) {
        Some(hint) => anyhow!("{message}\n  hint: {hint}"),
        None => anyhow!("{message}"),
    }
}

fn hint(error: &WasmHostError, message: &str) -> Option<String> {
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
        WasmHostError::Invalid { .. } if message.contains("component") => {
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
