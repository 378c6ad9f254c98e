//! The factory that creates a guest for each room.
//!
//! *Invariant:* a module is read, compiled and checked once, whatever the number of rooms; clones of a factory share it.
use std::{fmt, future::Future, path::Path, sync::Arc};

use stateroom::{
    StateroomContext, StateroomServiceFactory,
    durable::{CodeHash, NotDurable, Origin},
    fault::Fault,
};
use wasmtime::{Engine, Module};

use crate::{
    block_on::block_on, config::WasmHostConfig, engine::SharedEngine, environment::Environment, error::WasmHostError,
    host::WasmHost, instance::WaitMode, loader, module::LinkedModule,
};

/// The digits of its hash that a stored module has as its name.
const NAME_DIGITS: usize = 8;

/// Creates a [`WasmHost`] of one module for each room. Cheap to clone.
#[derive(Clone)]
pub struct WasmHostFactory {
    module: Arc<LinkedModule>,
}

impl WasmHostFactory {
    /// Maximum size of a module's file: 1 GiB.
    pub const MAX_FILE_BYTES: usize = 1 << 30;

    /// Loads the module in a file, with the default limits. The file contains a module in binary form (`.wasm`) or in text
    /// form (`.wat`).
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or does not contain a module that the host can run: see [`WasmHostError`].
    pub fn new(path: impl AsRef<Path>) -> Result<Self, WasmHostError> {
        Self::with_config(path, &WasmHostConfig::default())
    }

    /// Loads the module in a file, with the given limits.
    ///
    /// # Errors
    ///
    /// As [`Self::new`].
    pub fn with_config(path: impl AsRef<Path>, config: &WasmHostConfig) -> Result<Self, WasmHostError> {
        let path = path.as_ref();
        let module = path.display().to_string();
        // Before the file is read, which may take long, so that the load that began last is the one that is not superseded.
        let config = config.begin_load();
        match stateroom_file::read(path, Self::MAX_FILE_BYTES) {
            Ok(bytes) => Self::load(module, &bytes, &config),
            Err(source) => Err(WasmHostError::Read { module, source }),
        }
    }

    /// Loads a module in memory, in binary or text form. `name` identifies it in messages.
    ///
    /// # Errors
    ///
    /// As [`Self::new`].
    pub fn from_bytes(name: impl Into<String>, bytes: &[u8], config: &WasmHostConfig) -> Result<Self, WasmHostError> {
        Self::load(name.into(), bytes, &config.begin_load())
    }

    fn load(name: String, bytes: &[u8], config: &WasmHostConfig) -> Result<Self, WasmHostError> {
        let engine = SharedEngine::for_config(config)?;
        let module = loader::load(name, bytes, engine, config)?;
        Ok(WasmHostFactory { module: Arc::new(module) })
    }

    /// Loads a compiled module, with the default limits. The engine is that of another factory ([`Self::engine`]), or one
    /// with equivalent settings: epoch interruption, and the same WebAssembly features.
    ///
    /// # Errors
    ///
    /// If the engine does not fit, or the host cannot run the module: see [`WasmHostError`].
    pub fn new_with_shared_module(engine: Arc<Engine>, module: Arc<Module>) -> Result<Self, WasmHostError> {
        let config = WasmHostConfig::default();
        let engine = SharedEngine::around(&engine, &config)?;
        let name = module.name().unwrap_or("the shared module").to_owned();
        let module = loader::load_compiled(name, &module, engine, &config)?;
        Ok(WasmHostFactory { module: Arc::new(module) })
    }

    /// Returns a factory for the same module whose guests read these clocks and random numbers. The default is
    /// [`Environment::Real`].
    ///
    /// The module is neither compiled nor checked again, so a factory for a single room is cheap.
    #[must_use]
    pub fn with_environment(&self, environment: impl Into<Environment>) -> Self {
        WasmHostFactory { module: Arc::new(self.module.with_environment(environment.into())) }
    }

    /// Starts a trial room of this name without clients, and ends it after its first event, `init`. Its effects are dropped.
    /// Blocks this thread until `init` returns, or fails for a limit; before that, until other trials and loads of its engine have
    /// returned the instance slot that is spare for them.
    ///
    /// # Errors
    ///
    /// If the guest fails, as a room of this name would.
    pub fn try_init(&self, room_id: &str) -> Result<(), WasmHostError> {
        loader::try_init(&self.module, room_id)
    }

    /// Returns the engine that compiled the module, to compile further modules with. All factories of one configuration
    /// share it.
    #[must_use]
    pub fn engine(&self) -> Arc<Engine> {
        Arc::clone(self.module.engine().engine())
    }

    /// Returns the limits of its guests.
    #[must_use]
    pub fn config(&self) -> &WasmHostConfig {
        self.module.config()
    }
}

impl StateroomServiceFactory for WasmHostFactory {
    type Service = WasmHost;
    type Error = WasmHostError;

    fn build(&self, room_id: &str, _: Arc<impl StateroomContext>) -> Result<WasmHost, WasmHostError> {
        block_on(WasmHost::start(&self.module, room_id, WaitMode::Blocking))
            .map_err(|fault| WasmHostError::Start { module: self.module.name().to_owned(), fault })
    }

    fn has_space(&self, rooms: usize) -> bool {
        self.module.engine().has_space(rooms)
    }

    fn create(
        &self,
        room_id: &str,
        _: Arc<impl StateroomContext>,
    ) -> impl Future<Output = Result<WasmHost, Fault>> + Send {
        WasmHost::start(&self.module, room_id, WaitMode::Async)
    }

    fn durable_code(&self) -> Result<CodeHash, NotDurable> {
        let durable = self.module.durable().map(|durable| durable.code());
        durable.ok_or_else(|| {
            NotDurable("the module is not loaded for durable rooms: see `WasmHostConfig::with_durable`".to_owned())
        })
    }

    fn create_durable(
        &self,
        room_id: &str,
        origin: Origin<'_>,
    ) -> impl Future<Output = Result<WasmHost, Fault>> + Send {
        WasmHost::start_durable(&self.module, room_id, origin)
    }

    fn durable_module(&self) -> Option<Arc<[u8]>> {
        self.module.durable().map(|durable| durable.original().clone())
    }

    fn with_module(&self, module: &[u8]) -> Result<Self, Fault> {
        let (engine, config) = (Arc::clone(self.module.engine()), self.module.config().load_apart());
        // Whoever loads it says the whole hash.
        let name = blake3::hash(module).to_hex().chars().take(NAME_DIGITS).collect();
        let loaded = loader::load(name, module, engine, &config).map_err(|error| error.to_fault())?;
        Ok(WasmHostFactory { module: Arc::new(loaded.with_environment(self.module.environment().clone())) })
    }
}

impl fmt::Debug for WasmHostFactory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("WasmHostFactory").field("module", &self.module.name()).finish_non_exhaustive()
    }
}
