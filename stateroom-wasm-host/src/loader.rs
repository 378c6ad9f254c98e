//! Loading of modules: compile, check, and try out.
//!
//! *Invariant:* a loaded module was instantiated once under all limits, and declares a version that this host supports.
use std::sync::Arc;

use wasmtime::Module;

use crate::{
    block_on::block_on,
    config::WasmHostConfig,
    engine::SharedEngine,
    error::WasmHostError,
    instance::{Instance, WaitMode},
    module::{self, LinkedModule},
};

const API_VERSION: i32 = 1;
const PROTOCOL: i32 = 0;

/// Loads a module from its binary or its text form.
pub(crate) fn load(
    name: String,
    bytes: &[u8],
    engine: Arc<SharedEngine>,
    config: &WasmHostConfig,
) -> Result<LinkedModule, WasmHostError> {
    let module = module::compile(&name, bytes, engine.engine(), config)?;
    load_compiled(name, &module, engine, config)
}

/// Loads a compiled module.
pub(crate) fn load_compiled(
    name: String,
    module: &Module,
    engine: Arc<SharedEngine>,
    config: &WasmHostConfig,
) -> Result<LinkedModule, WasmHostError> {
    let module = LinkedModule::link(name, module, engine, config)?;
    check_versions(&module)?;
    Ok(module)
}

/// Checks the versions, which are numbers in the memory of an instance: hence a trial instance.
fn check_versions(module: &LinkedModule) -> Result<(), WasmHostError> {
    let _running = module.engine().running();
    let mut trial = block_on(Instance::instantiate(module, "", WaitMode::Blocking))
        .map_err(|fault| WasmHostError::Start { module: module.name().to_owned(), fault })?;
    let mut version = |export: &'static str| {
        let name = || module.name().to_owned();
        trial.static_number(export).map_err(|address| WasmHostError::VersionAddress { module: name(), export, address })
    };
    let (found, protocol) = (version("STATEROOM_API_VERSION")?, version("STATEROOM_API_PROTOCOL")?);
    if found != API_VERSION {
        return Err(WasmHostError::ApiVersion { module: module.name().to_owned(), found, expected: API_VERSION });
    }
    if protocol != PROTOCOL {
        let module = module.name().to_owned();
        return Err(WasmHostError::Protocol { module, found: protocol, expected: PROTOCOL });
    }
    Ok(())
}
