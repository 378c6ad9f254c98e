//! What makes a guest for each room.
//!
//! *Invariant:* a module is read, compiled and checked once, whatever the number of rooms; a factory's clones share it.
use std::{fmt, fs, future::Future, path::Path, sync::Arc};

use stateroom::{StateroomContext, StateroomServiceFactory, fault::Fault};
use wasmtime::{Engine, Module};

use crate::{
    block_on::block_on, config::WasmHostConfig, engine::SharedEngine, environment::Environment, error::WasmHostError,
    host::WasmHost, instance::Caller, module::Loaded,
};

/// Makes a [`WasmHost`] for each room, of one module. Cheap to clone.
#[derive(Clone)]
pub struct WasmHostFactory {
    loaded: Arc<Loaded>,
}

impl WasmHostFactory {
    /// A factory for the module in a file, with the default limits. The file holds a module's binary form (`.wasm`) or
    /// its text form (`.wat`).
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or does not hold a module that the host can run: see [`WasmHostError`].
    pub fn new(path: impl AsRef<Path>) -> Result<Self, WasmHostError> {
        Self::with_config(path, &WasmHostConfig::default())
    }

    /// The same, with limits of your own.
    ///
    /// # Errors
    ///
    /// As [`Self::new`].
    pub fn with_config(path: impl AsRef<Path>, config: &WasmHostConfig) -> Result<Self, WasmHostError> {
        let path = path.as_ref();
        let module = path.display().to_string();
        match fs::read(path) {
            Ok(bytes) => Self::from_bytes(module, &bytes, config),
            Err(source) => Err(WasmHostError::Read { module, source }),
        }
    }

    /// A factory for a module in memory, in its binary or text form. `name` stands for it in messages.
    ///
    /// # Errors
    ///
    /// As [`Self::new`].
    pub fn from_bytes(name: impl Into<String>, bytes: &[u8], config: &WasmHostConfig) -> Result<Self, WasmHostError> {
        let engine = SharedEngine::for_config(config)?;
        let loaded = Loaded::compile(name.into(), bytes, engine, config)?;
        Ok(WasmHostFactory { loaded: Arc::new(loaded) })
    }

    /// A factory for a module that is already compiled, with the default limits. The engine is the one of another
    /// factory ([`Self::engine`]), or one that is like it: it has epoch interruption, and the same features.
    ///
    /// # Errors
    ///
    /// When the engine does not fit, or the module is not one that the host can run: see [`WasmHostError`].
    pub fn new_with_shared_module(engine: Arc<Engine>, module: Arc<Module>) -> Result<Self, WasmHostError> {
        let config = WasmHostConfig::default();
        let engine = SharedEngine::around(&engine, &config)?;
        let name = module.name().unwrap_or("the shared module").to_owned();
        let loaded = Loaded::check(name, &module, engine, &config)?;
        Ok(WasmHostFactory { loaded: Arc::new(loaded) })
    }

    /// Returns a factory for the same module whose guests read these clocks and random numbers. The default is
    /// [`Environment::Real`].
    ///
    /// The module is neither compiled nor checked again, so a factory for a single room is cheap.
    #[must_use]
    pub fn with_environment(&self, environment: impl Into<Environment>) -> Self {
        WasmHostFactory { loaded: Arc::new(self.loaded.with_environment(environment.into())) }
    }

    /// The engine by which the module was compiled, for further modules. All factories of one configuration share it.
    #[must_use]
    pub fn engine(&self) -> Arc<Engine> {
        Arc::clone(self.loaded.engine().engine())
    }

    /// The limits under which its guests run.
    #[must_use]
    pub fn config(&self) -> &WasmHostConfig {
        self.loaded.config()
    }
}

impl StateroomServiceFactory for WasmHostFactory {
    type Service = WasmHost;
    type Error = WasmHostError;

    fn build(&self, room_id: &str, _: Arc<impl StateroomContext>) -> Result<WasmHost, WasmHostError> {
        block_on(WasmHost::start(&self.loaded, room_id, Caller::Thread))
            .map_err(|fault| WasmHostError::Start { module: self.loaded.name().to_owned(), fault })
    }

    fn has_space(&self, rooms: usize) -> bool {
        self.loaded.engine().has_space(rooms)
    }

    fn create(
        &self,
        room_id: &str,
        _: Arc<impl StateroomContext>,
    ) -> impl Future<Output = Result<WasmHost, Fault>> + Send {
        WasmHost::start(&self.loaded, room_id, Caller::Task)
    }
}

impl fmt::Debug for WasmHostFactory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("WasmHostFactory").field("module", &self.loaded.name()).finish_non_exhaustive()
    }
}
