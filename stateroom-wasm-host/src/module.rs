//! A module that can be instantiated, and everything known about it before a room runs it.
//!
//! *Invariant:* a linked module has all exports of the guest interface, with the right types, and imports only what the host
//! provides. Instantiating it does not check again.
mod cache;
mod compile;
mod durability;
pub(crate) mod durable;
mod exports;
mod format;
pub(crate) mod symbols;

use std::sync::Arc;

use stateroom::durable::NotDurable;
use tracing::info;
use wasmtime::{Engine, InstancePre, Module, UnknownImportError};

use self::{
    cache::Compiled,
    durability::Obstacle,
    durable::DurableModule,
    format::{ForeignFormat, foreign_format},
    symbols::Symbols,
};
pub use self::{compile::compile_as_process, durability::durability};
pub(crate) use self::{durability::DurableBinary, exports::Exports, format::foreign_kind};
use crate::{
    compiler::CompileError,
    config::{Limit, WasmHostConfig},
    display::{ByteSize, Seconds},
    engine::SharedEngine,
    environment::Environment,
    error::WasmHostError,
    imports,
    state::GuestState,
};

const PAGE_BYTES: u64 = 64 << 10;
/// Some editors write it at the beginning of a text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A module that can be instantiated, with everything that this takes.
#[derive(Clone)]
pub(crate) struct LinkedModule {
    name: String,
    engine: Arc<SharedEngine>,
    config: WasmHostConfig,
    pre: InstancePre<GuestState>,
    exports: Exports,
    environment: Environment,
    symbols: Option<Arc<Symbols>>,
    /// `None` for a module whose rooms cannot be durable.
    durable: Option<Arc<DurableModule>>,
}

impl LinkedModule {
    /// Checks a compiled module's exports, imports and initial sizes.
    pub(crate) fn link(
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
        let pre = resolve_imports(&name, module, engine.engine(), config)?;
        let (config, environment) = (config.clone(), Environment::Real);
        Ok(LinkedModule { name, engine, config, pre, exports, environment, symbols: None, durable: None })
    }

    /// Returns the same module for guests in another environment.
    pub(crate) fn with_environment(&self, environment: Environment) -> Self {
        LinkedModule { environment, ..self.clone() }
    }

    /// Sets the debug information, from the module in binary form.
    pub(crate) fn with_symbols_of(self, module: &[u8]) -> Self {
        LinkedModule { symbols: Symbols::of(module).map(Arc::new), ..self }
    }

    /// Sets what its durable rooms share. `memory` is that of a new instance.
    pub(crate) fn with_durability(self, binary: &DurableBinary, memory: &[u8]) -> Self {
        let durable = DurableModule::new(binary, self.pre.module(), memory);
        LinkedModule { durable: Some(Arc::new(durable)), ..self }
    }

    /// Returns what its durable rooms share, if they can be durable.
    pub(crate) fn durable(&self) -> Option<&Arc<DurableModule>> {
        self.durable.as_ref()
    }

    /// Returns the debug information, if there is any.
    pub(crate) fn symbols(&self) -> Option<&Arc<Symbols>> {
        self.symbols.as_ref()
    }

    /// Returns the clocks and random numbers of its guests.
    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Returns the module's name in messages: its path, if it was loaded from a file.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn engine(&self) -> &Arc<SharedEngine> {
        &self.engine
    }

    pub(crate) fn config(&self) -> &WasmHostConfig {
        &self.config
    }

    pub(crate) fn pre(&self) -> &InstancePre<GuestState> {
        &self.pre
    }

    pub(crate) fn exports(&self) -> &Exports {
        &self.exports
    }
}

/// A compiled module, and what it was compiled from.
pub(crate) struct CompiledModule<'a> {
    pub(crate) module: Module,
    bytes: &'a [u8],
    /// `None` for a module whose rooms are not durable.
    pub(crate) durable: Option<DurableBinary>,
}

impl CompiledModule<'_> {
    /// Returns the bytes that were compiled.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.durable.as_ref().map_or(self.bytes, |durable| &durable.module)
    }
}

/// Compiles a module from its binary or its text form, or takes it from the cache.
pub(crate) fn compile<'a>(
    name: &str,
    bytes: &'a [u8],
    engine: &Engine,
    config: &WasmHostConfig,
) -> Result<CompiledModule<'a>, WasmHostError> {
    if let Some(ForeignFormat { name: found, hint }) = foreign_format(name, bytes) {
        return Err(WasmHostError::NotAModule { module: name.to_owned(), found, hint });
    }
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let durable = config.durable.then(|| prepare(name, bytes)).transpose()?;
    let original = durable.as_ref().map_or(bytes, |durable| &durable.module);
    let compiled = cache::compile(engine, original, config);
    let Compiled { module, from_cache } = compiled.map_err(|error| explain(error, name.to_owned(), config))?;
    let message = if from_cache { "module loaded from the cache" } else { "module compiled" };
    info!(module = name, "{message}");
    Ok(CompiledModule { module, bytes, durable })
}

/// Prepares a module in binary or text form for durable rooms.
fn prepare(name: &str, bytes: &[u8]) -> Result<DurableBinary, WasmHostError> {
    let module = || name.to_owned();
    let binary =
        wat::parse_bytes(bytes).map_err(|error| WasmHostError::Invalid { module: module(), source: error.into() })?;
    DurableBinary::of(&binary).map_err(|obstacle| match obstacle {
        Obstacle::Malformed(error) => WasmHostError::Invalid { module: module(), source: error.into() },
        obstacle => WasmHostError::NotDurable { module: module(), source: NotDurable(obstacle.to_string()) },
    })
}

fn explain(error: CompileError, module: String, config: &WasmHostConfig) -> WasmHostError {
    match error {
        CompileError::Rejected(source) => WasmHostError::Invalid { module, source },
        CompileError::Time => exceeded(Limit::CompileTime, module, Seconds(config.compile_time).to_string()),
        CompileError::Memory => {
            exceeded(Limit::CompileMemoryBytes, module, format!("{} of memory", ByteSize(config.compile_memory_bytes)))
        }
        CompileError::Superseded => WasmHostError::Superseded { module },
        CompileError::Process(source) => WasmHostError::Compiler { module, source },
    }
}

fn exceeded(limit: Limit, module: String, maximum: String) -> WasmHostError {
    limit.count_exceeded();
    WasmHostError::CompileLimit { module, maximum, limit: limit.name() }
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

fn resolve_imports(
    name: &str,
    module: &Module,
    engine: &Engine,
    config: &WasmHostConfig,
) -> Result<InstancePre<GuestState>, WasmHostError> {
    let linker =
        imports::linker(engine, config.durable).map_err(|error| WasmHostError::Engine { source: error.into() })?;
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
