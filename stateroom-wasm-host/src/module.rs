//! What is known about a module before a room runs it.
//!
//! *Invariant:* a module that is loaded has all that the protocol asks for, of the right types, and wants nothing that
//! the host does not offer; whoever instantiates it need not ask again.
mod cache;
mod exports;

use std::{error::Error, sync::Arc};

use tracing::info;
use wasmtime::{Engine, InstancePre, Module, UnknownImportError};

use self::{cache::Compiled, exports::Exports};
use crate::{
    block_on::block_on,
    config::WasmHostConfig,
    engine::SharedEngine,
    environment::Environment,
    error::WasmHostError,
    imports,
    instance::{Caller, Instance, State},
};

const API_VERSION: i32 = 1;
const PROTOCOL: i32 = 0;
const PAGE_BYTES: u64 = 64 << 10;

/// A module that can be instantiated, and all that is needed to do so.
#[derive(Clone)]
pub(crate) struct Loaded {
    name: String,
    engine: Arc<SharedEngine>,
    config: WasmHostConfig,
    pre: InstancePre<State>,
    exports: Exports,
    environment: Environment,
}

impl Loaded {
    /// Compiles a module, from its binary or its text form, and checks it; takes it from the cache, if it is there.
    pub(crate) fn compile(
        name: String,
        bytes: &[u8],
        engine: Arc<SharedEngine>,
        config: &WasmHostConfig,
    ) -> Result<Self, WasmHostError> {
        let invalid = |source: Box<dyn Error + Send + Sync>| WasmHostError::Invalid { module: name.clone(), source };
        if bytes.is_empty() {
            return Err(invalid("it is empty".into()));
        }
        if !may_be_module(&name, bytes) {
            return Err(invalid("it is neither binary WebAssembly nor the text format".into()));
        }
        let compiled = cache::compile(engine.engine(), bytes, config.cache.as_deref());
        let Compiled { module, from_cache } = compiled.map_err(|error| invalid(error.into()))?;
        let how = if from_cache { "module taken from the cache" } else { "module compiled" };
        info!(module = name, "{how}");
        Self::check(name, &module, engine, config)
    }

    /// Checks a module that is compiled.
    pub(crate) fn check(
        name: String,
        module: &Module,
        engine: Arc<SharedEngine>,
        config: &WasmHostConfig,
    ) -> Result<Self, WasmHostError> {
        if !Engine::same(module.engine(), engine.engine()) {
            let reason = format!("{name} was compiled by another engine");
            return Err(WasmHostError::EngineMismatch { reason, source: None });
        }
        let exports = Exports::find(&name, module)?;
        check_limits(&name, module, config)?;
        let pre = link(&name, module, engine.engine())?;
        let loaded = Loaded { name, engine, config: config.clone(), pre, exports, environment: Environment::Real };
        loaded.check_versions()?;
        Ok(loaded)
    }

    /// The same module, for guests in that environment.
    pub(crate) fn with_environment(&self, environment: Environment) -> Self {
        Loaded { environment, ..self.clone() }
    }

    /// The clocks and random numbers of its guests.
    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }

    /// What the module is called in messages: its file, if it has one.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn engine(&self) -> &Arc<SharedEngine> {
        &self.engine
    }

    pub(crate) fn config(&self) -> &WasmHostConfig {
        &self.config
    }

    pub(crate) fn pre(&self) -> &InstancePre<State> {
        &self.pre
    }

    pub(crate) fn exports(&self) -> &Exports {
        &self.exports
    }

    /// The versions are numbers in the module's memory, which there is only in an instance: hence one for trial.
    fn check_versions(&self) -> Result<(), WasmHostError> {
        let _running = self.engine.running();
        let mut trial = block_on(Instance::instantiate(self, "", Caller::Thread))
            .map_err(|fault| WasmHostError::Start { module: self.name.clone(), fault })?;
        let mut version = |export: &'static str| {
            let address = |address| WasmHostError::VersionAddress { module: self.name.clone(), export, address };
            trial.static_number(export).map_err(address)
        };
        let (found, protocol) = (version("STATEROOM_API_VERSION")?, version("STATEROOM_API_PROTOCOL")?);
        if found != API_VERSION {
            return Err(WasmHostError::ApiVersion { module: self.name.clone(), found, expected: API_VERSION });
        }
        if protocol != PROTOCOL {
            let module = self.name.clone();
            return Err(WasmHostError::Protocol { module, found: protocol, expected: PROTOCOL });
        }
        Ok(())
    }
}

/// Whether it begins as a module does. If not, the compiler would only say that it misses a parenthesis.
fn may_be_module(name: &str, bytes: &[u8]) -> bool {
    let text = bytes.trim_ascii_start();
    bytes.starts_with(b"\0asm") || text.starts_with(b"(") || text.starts_with(b";;") || name.ends_with(".wat")
}

fn check_limits(name: &str, module: &Module, config: &WasmHostConfig) -> Result<(), WasmHostError> {
    let required = module.resources_required();
    let memory = required.max_initial_memory_size.unwrap_or(0).saturating_mul(PAGE_BYTES);
    if memory > config.memory_bytes as u64 {
        let (module, limit) = (name.to_owned(), config.memory_bytes);
        return Err(WasmHostError::MemoryLimit { module, minimum: memory, limit });
    }
    let table = required.max_initial_table_size.unwrap_or(0);
    if table > config.table_elements as u64 {
        let (module, limit) = (name.to_owned(), config.table_elements);
        return Err(WasmHostError::TableLimit { module, minimum: table, limit });
    }
    Ok(())
}

fn link(name: &str, module: &Module, engine: &Engine) -> Result<InstancePre<State>, WasmHostError> {
    let linker = imports::linker(engine).map_err(|error| WasmHostError::Engine { source: error.into() })?;
    linker.instantiate_pre(module).map_err(|error| {
        let module = name.to_owned();
        match error.downcast_ref::<UnknownImportError>() {
            Some(unknown) => WasmHostError::UnknownImport {
                module,
                from: unknown.module().to_owned(),
                name: unknown.name().to_owned(),
            },
            None => WasmHostError::WrongImport { module, source: error.into() },
        }
    })
}
