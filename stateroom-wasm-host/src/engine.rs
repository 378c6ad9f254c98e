//! The engine: one per configuration in a process, shared by all factories.
//!
//! *Invariant:* guests run only on an engine that interrupts them: one that was created here or passed a trial.
mod disposal;
pub(crate) mod lane;
pub(crate) mod pool;
pub(crate) mod relay;
pub(crate) mod ticker;

use std::sync::{Arc, Weak};

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::warn;
use wasmtime::{Config, Engine, Instance, InstanceAllocationStrategy, Module, Store, Trap, WasmBacktraceDetails};

use self::{
    lane::SlowLane,
    pool::PoolSize,
    ticker::{RunningGuard, Ticker},
};
use crate::{config::WasmHostConfig, error::WasmHostError, guest_log::TotalLogQuota};

/// Stack space for the host's own functions on a guest's stack, in bytes, in addition to the guest's limit.
const HOST_STACK_BYTES: usize = 128 << 10;

/// The engines in use. A pool reserves so much address space that a second one may not fit, so factories share them.
static ENGINES: Mutex<Vec<Weak<SharedEngine>>> = Mutex::new(Vec::new());

/// An engine and the resources shared by its guests.
#[derive(Debug)]
pub(crate) struct SharedEngine {
    engine: Arc<Engine>,
    relay: Module,
    /// `None` for an engine created by the embedder.
    settings: Option<EngineSettings>,
    ticker: Ticker,
    lane: Arc<SlowLane>,
    log_quota: Arc<TotalLogQuota>,
    /// Maximum number of rooms, and a permit for each that does not exist.
    instances: usize,
    rooms: Arc<Semaphore>,
    /// Held by a trial, for which there is one spare instance slot.
    trial: Mutex<()>,
}

/// The part of a configuration that requires a separate engine.
#[derive(Debug, Clone, PartialEq, Eq)]
struct EngineSettings {
    pool: PoolSize,
    durable: bool,
    wasm_stack_bytes: usize,
    slow_lane: Option<usize>,
    total_log_lines_per_second: usize,
    total_log_bytes_per_second: usize,
}

impl SharedEngine {
    /// Returns the engine in use for this configuration, or creates one.
    pub(crate) fn for_config(config: &WasmHostConfig) -> Result<Arc<Self>, WasmHostError> {
        let settings = EngineSettings {
            pool: PoolSize::new(config),
            durable: config.durable,
            wasm_stack_bytes: config.wasm_stack_bytes,
            slow_lane: config.slow_lane,
            total_log_lines_per_second: config.total_log_lines_per_second,
            total_log_bytes_per_second: config.total_log_bytes_per_second,
        };
        find_or_insert(
            |shared| shared.settings.as_ref() == Some(&settings),
            || {
                let engine = create_engine(&settings)?;
                Self::new(Arc::new(engine), config, Some(settings.clone()))
            },
        )
    }

    /// Returns the shared resources of a given engine: one of ours, or one created with equivalent settings.
    pub(crate) fn around(engine: &Arc<Engine>, config: &WasmHostConfig) -> Result<Arc<Self>, WasmHostError> {
        find_or_insert(
            |shared| Engine::same(&shared.engine, engine),
            || {
                check_interrupts(engine)?;
                Self::new(Arc::clone(engine), config, None)
            },
        )
    }

    fn new(
        engine: Arc<Engine>,
        config: &WasmHostConfig,
        settings: Option<EngineSettings>,
    ) -> Result<Self, WasmHostError> {
        let ticker = Ticker::start(&engine).map_err(|error| WasmHostError::Engine { source: error.into() })?;
        let relay = relay::compile(&engine).map_err(|error| WasmHostError::Engine { source: error.into() })?;
        let lane = Arc::new(SlowLane::new(config.slow_lane));
        let log_quota = TotalLogQuota::new(config.total_log_lines_per_second, config.total_log_bytes_per_second);
        let instances = config.space() as usize;
        let rooms = Arc::new(Semaphore::new(instances));
        let log_quota = Arc::new(log_quota);
        let trial = Mutex::default();
        Ok(SharedEngine { engine, relay, settings, ticker, lane, log_quota, instances, rooms, trial })
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Returns the module that delivers series of events to guests of protocol 0.
    pub(crate) fn relay(&self) -> &Module {
        &self.relay
    }

    pub(crate) fn lane(&self) -> &Arc<SlowLane> {
        &self.lane
    }

    /// Returns the quota of the log that all its guests share.
    pub(crate) fn log_quota(&self) -> &Arc<TotalLogQuota> {
        &self.log_quota
    }

    /// Returns a permit for one more room, to be held while the room lives, or `None` if the limit is reached. The limit
    /// applies without a pool as well: it reflects the process's memory mappings.
    pub(crate) fn try_admit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.rooms).try_acquire_owned().ok()
    }

    /// Waits for the instance slot of trials, and takes it until the guard is dropped.
    pub(crate) fn begin_trial(&self) -> MutexGuard<'_, ()> {
        self.trial.lock()
    }

    /// Drops a guest with much memory, without keeping this thread if there is room for another guest meanwhile.
    pub(crate) fn dispose(&self, guest: Box<dyn Send>) {
        // Each of those that wait may be followed by another guest of its room, and half of the places are for others.
        disposal::dispose(guest, self.rooms.available_permits() / 2);
    }

    /// Returns whether another room fits in addition to the given number of rooms of one server. Some of those may not hold
    /// their permits yet, so free permits alone do not decide it; other servers may hold permits, so neither does the
    /// number.
    pub(crate) fn has_space(&self, rooms: usize) -> bool {
        rooms < self.instances && self.rooms.available_permits() > 0
    }

    /// Returns a guard to be held while a guest may run: it keeps the ticker ticking.
    pub(crate) fn running(&self) -> RunningGuard<'_> {
        self.ticker.running()
    }
}

fn find_or_insert(
    fits: impl Fn(&SharedEngine) -> bool,
    create: impl FnOnce() -> Result<SharedEngine, WasmHostError>,
) -> Result<Arc<SharedEngine>, WasmHostError> {
    let mut engines = ENGINES.lock();
    engines.retain(|engine| engine.strong_count() > 0);
    if let Some(engine) = engines.iter().filter_map(Weak::upgrade).find(|engine| fits(engine)) {
        return Ok(engine);
    }
    let engine = Arc::new(create()?);
    engines.push(Arc::downgrade(&engine));
    Ok(engine)
}

/// Returns the settings that a compiled module depends on, whichever process compiles it.
pub(crate) fn compiler_config(durable: bool) -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        // Looked up by the host, at a bounded rate.
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        // The guest interface has one memory, with 32-bit addresses.
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        // Results that depend on the processor are made the same everywhere.
        .cranelift_nan_canonicalization(durable)
        .relaxed_simd_deterministic(durable);
    config
}

fn create_engine(settings: &EngineSettings) -> Result<Engine, WasmHostError> {
    let mut config = compiler_config(settings.durable);
    config
        .max_wasm_stack(settings.wasm_stack_bytes)
        .async_stack_size(settings.wasm_stack_bytes.saturating_add(HOST_STACK_BYTES))
        // Otherwise a slot would keep as much of its stack as was ever used.
        .async_stack_zeroing(true)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(settings.pool.allocation()));
    Engine::new(&config)
        .inspect(|_| settings.pool.log())
        .or_else(|error| {
            warn!(
                error = format!("{error:#}"),
                instances = settings.pool.instances,
                "failed to create a pool of instances; rooms start more slowly"
            );
            Engine::new(config.allocation_strategy(InstanceAllocationStrategy::OnDemand))
        })
        .map_err(|error| WasmHostError::Engine { source: error.into() })
}

/// Checks that a given engine interrupts its guests. Its settings cannot be read, so a call is tried: the deadline of a new
/// store has passed, so the call must be interrupted.
fn check_interrupts(engine: &Engine) -> Result<(), WasmHostError> {
    let (reason, source) = match call_past_deadline(engine) {
        Err(error) if error.downcast_ref() == Some(&Trap::Interrupt) => return Ok(()),
        Err(error) => ("it failed to run an empty function", Some(error.into())),
        Ok(()) => ("it lacks epoch interruption, without which a guest could run forever", None),
    };
    Err(WasmHostError::EngineMismatch { reason: reason.to_owned(), source })
}

fn call_past_deadline(engine: &Engine) -> wasmtime::Result<()> {
    let module = Module::new(engine, r#"(module (func (export "nothing")))"#)?;
    let mut store = Store::new(engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    instance.get_typed_func::<(), ()>(&mut store, "nothing")?.call(&mut store, ())
}
