//! Loading of modules, with hints for those that the host rejects.
use std::{error::Error, fmt, iter, path::Path};

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

/// Adds a hint to an error of the host, if there is one.
pub(crate) fn with_hint(error: WasmHostError) -> anyhow::Error {
    match hint(&error) {
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

/// Returns an error and its causes.
fn causes(error: &WasmHostError) -> impl Iterator<Item = &(dyn Error + 'static)> {
    iter::successors(Some(error as &(dyn Error + 'static)), |error| Error::source(*error))
}

fn hint(error: &WasmHostError) -> Option<String> {
    Some(match error {
        WasmHostError::MissingExport { .. } => {
            "put `#[stateroom_wasm]` of the crate `stateroom-wasm` on the type of the service".to_owned()
        }
        WasmHostError::UnknownImport { from, .. } if from.starts_with("__wbindgen") || from == "wbg" => {
            "a dependency is built for browsers: disable its feature `js` or `wasm-bindgen`".to_owned()
        }
        WasmHostError::UnknownImport { .. } => {
            "the host only offers Stateroom's own imports and WASI: see `stateroom inspect` for all imports".to_owned()
        }
        WasmHostError::Invalid { .. } if causes(error).any(|cause| cause.to_string().contains("component")) => {
            "build it for the target `wasm32-wasip1`: `wasm32-wasip2` creates components".to_owned()
        }
        WasmHostError::MemoryLimit { .. } => "raise the limit with `--memory-bytes`".to_owned(),
        WasmHostError::TableLimit { .. } => "raise the limit with `--table-elements`".to_owned(),
        WasmHostError::ApiVersion { .. } | WasmHostError::Protocol { .. } => {
            format!("build it with `stateroom-wasm` {}", env!("CARGO_PKG_VERSION"))
        }
        WasmHostError::Start { .. } => {
            "this code runs before any room exists: `_initialize`, and static initializers of C or C++".to_owned()
        }
        _ => return None,
    })
}
