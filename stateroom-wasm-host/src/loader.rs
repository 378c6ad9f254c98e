//! Loading of modules: compile, check, and try out.
//!
//! *Invariant:* a loaded module declares a version that this host supports, and was started once under all limits, up to its
//! first event.
use std::sync::Arc;

use stateroom::{event_batch::EventBatch, messages::Event};
use wasmtime::Module;

use crate::{
    block_on::block_on,
    config::WasmHostConfig,
    engine::SharedEngine,
    error::WasmHostError,
    instance::{Instance, WaitMode},
    module::{self, DurableBinary, LinkedModule},
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
    let loaded = module::compile(&name, bytes, engine.engine(), config).and_then(|compiled| {
        let module = LinkedModule::link(name, &compiled.module, engine, config)?;
        Ok(try_out(module, compiled.durable.as_ref())?.with_symbols_of(compiled.bytes()))
    });
    loaded.map_err(|error| with_kind(error, bytes))
}

/// Names the kind of a rejected module if the compiler, its exports or its imports show that it may be of another kind.
fn with_kind(error: WasmHostError, bytes: &[u8]) -> WasmHostError {
    let (WasmHostError::Invalid { module, .. }
    | WasmHostError::MissingExport { module, .. }
    | WasmHostError::UnknownImport { module, .. }) = &error
    else {
        return error;
    };
    match module::foreign_kind(bytes) {
        Some(kind) => WasmHostError::NotAModule { module: module.clone(), found: kind.name, hint: kind.hint },
        None => error,
    }
}

/// Loads a compiled module.
pub(crate) fn load_compiled(
    name: String,
    module: &Module,
    engine: Arc<SharedEngine>,
    config: &WasmHostConfig,
) -> Result<LinkedModule, WasmHostError> {
    try_out(LinkedModule::link(name, module, engine, config)?, None)
}

/// Starts a trial instance, and checks the versions, which are numbers in its memory.
fn try_out(module: LinkedModule, durable: Option<&DurableBinary>) -> Result<LinkedModule, WasmHostError> {
    let engine = Arc::clone(module.engine());
    let (_running, _slot) = (engine.running(), engine.begin_trial());
    let failed = |fault| WasmHostError::Start { module: module.name().to_owned(), fault };
    let mut trial = block_on(Instance::instantiate(&module, "", WaitMode::Blocking, None)).map_err(failed)?;
    check_versions(&module, &mut trial)?;
    // Before the guest runs.
    let memory = durable.map(|binary| (binary, trial.memory().to_vec()));
    block_on(trial.begin("")).map_err(failed)?;
    Ok(match memory {
        Some((binary, memory)) => module.with_durability(binary, &memory),
        None => module,
    })
}

/// Starts a trial instance with the name of a room, and lets it handle `init`.
pub(crate) fn try_init(module: &LinkedModule, room_id: &str) -> Result<(), WasmHostError> {
    let engine = module.engine();
    let (_running, _slot) = (engine.running(), engine.begin_trial());
    let init = EventBatch::new([Event::Init]);
    let outcome = block_on(async {
        let mut trial = Instance::instantiate(module, room_id, WaitMode::Blocking, None).await?;
        trial.begin(room_id).await?;
        trial.process(&init, WaitMode::Blocking).await
    });
    outcome.map_err(|fault| WasmHostError::Start { module: module.name().to_owned(), fault })
}

fn check_versions(module: &LinkedModule, trial: &mut Instance) -> Result<(), WasmHostError> {
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
