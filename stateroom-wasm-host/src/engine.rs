//! The engine: one for each configuration in a process, whoever asks for it.
//!
//! *Invariant:* guests run only on an engine that interrupts them: made here, or tried out before.
pub(crate) mod lane;
pub(crate) mod pool;
pub(crate) mod ticker;

use std::{
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::warn;
use wasmtime::{Config, Engine, Instance, InstanceAllocationStrategy, Module, Store, Trap, WasmBacktraceDetails};

use self::{
    lane::SlowLane,
    pool::PoolSize,
    ticker::{Running, Ticker},
};
use crate::{config::WasmHostConfig, error::WasmHostError, instance::relay};

/// How often a guest that computes is interrupted to let others have a turn.
pub(crate) const TICK: Duration = Duration::from_millis(1);

/// What the host's own functions may use of a guest's stack, in bytes, on top of what the guest may.
const HOST_STACK_BYTES: usize = 128 << 10;

/// The engines in use. A pool reserves so much address space that a second one may not fit, so all share.
static ENGINES: Mutex<Vec<Weak<SharedEngine>>> = Mutex::new(Vec::new());

/// An engine, with all that belongs to it.
#[derive(Debug)]
pub(crate) struct SharedEngine {
    engine: Arc<Engine>,
    relay: Module,
    /// None for an engine that was handed in.
    settings: Option<Settings>,
    ticker: Ticker,
    lane: Arc<SlowLane>,
    /// How many rooms there may be, and the places of those that there are not.
    instances: usize,
    rooms: Arc<Semaphore>,
}

/// The part of a configuration that makes an engine a different one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Settings {
    pool: PoolSize,
    wasm_stack_bytes: usize,
    slow_lane: Option<usize>,
}

impl SharedEngine {
    /// The engine for this configuration; a new one if none is in use.
    pub(crate) fn for_config(config: &WasmHostConfig) -> Result<Arc<Self>, WasmHostError> {
        let settings = Settings {
            pool: PoolSize::new(config),
            wasm_stack_bytes: config.wasm_stack_bytes,
            slow_lane: config.slow_lane,
        };
        find_or_insert(
            |shared| shared.settings.as_ref() == Some(&settings),
            || {
                let engine = make_engine(&settings)?;
                Self::new(Arc::new(engine), config, Some(settings.clone()))
            },
        )
    }

    /// What belongs to an engine that was handed in: ours, or one that was made alike.
    pub(crate) fn around(engine: &Arc<Engine>, config: &WasmHostConfig) -> Result<Arc<Self>, WasmHostError> {
        find_or_insert(
            |shared| Engine::same(&shared.engine, engine),
            || {
                check_foreign(engine)?;
                Self::new(Arc::clone(engine), config, None)
            },
        )
    }

    fn new(engine: Arc<Engine>, config: &WasmHostConfig, settings: Option<Settings>) -> Result<Self, WasmHostError> {
        let ticker = Ticker::start(&engine).map_err(|error| WasmHostError::Engine { source: error.into() })?;
        let relay = relay::compile(&engine).map_err(|error| WasmHostError::Engine { source: error.into() })?;
        let lane = Arc::new(SlowLane::new(config.slow_lane));
        let instances = PoolSize::new(config).instances as usize;
        let rooms = Arc::new(Semaphore::new(instances));
        Ok(SharedEngine { engine, relay, settings, ticker, lane, instances, rooms })
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// What tells a guest of protocol 0 a series of events.
    pub(crate) fn relay(&self) -> &Module {
        &self.relay
    }

    pub(crate) fn lane(&self) -> &Arc<SlowLane> {
        &self.lane
    }

    /// A place for one more room, to be held while it lives; None if there is no more. There being a pool or not, so many
    /// are what the process has memory mappings for.
    pub(crate) fn admit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.rooms).try_acquire_owned().ok()
    }

    /// Whether there is a place for one more room besides so many of one server. Some of these may have yet to take theirs,
    /// so that the free places do not tell it all; but other servers may have taken some, so neither does the number.
    pub(crate) fn has_space(&self, rooms: usize) -> bool {
        rooms < self.instances && self.rooms.available_permits() > 0
    }

    /// To be held while a guest may run: the clock ticks meanwhile.
    pub(crate) fn running(&self) -> Running<'_> {
        self.ticker.running()
    }
}

fn find_or_insert(
    fits: impl Fn(&SharedEngine) -> bool,
    make: impl FnOnce() -> Result<SharedEngine, WasmHostError>,
) -> Result<Arc<SharedEngine>, WasmHostError> {
    let mut engines = ENGINES.lock().unwrap_or_else(PoisonError::into_inner);
    engines.retain(|engine| engine.strong_count() > 0);
    if let Some(engine) = engines.iter().filter_map(Weak::upgrade).find(|engine| fits(engine)) {
        return Ok(engine);
    }
    let engine = Arc::new(make()?);
    engines.push(Arc::downgrade(&engine));
    Ok(engine)
}

fn make_engine(settings: &Settings) -> Result<Engine, WasmHostError> {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .wasm_backtrace_details(WasmBacktraceDetails::Enable)
        // The protocol speaks of one memory, with addresses of 32 bits.
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .max_wasm_stack(settings.wasm_stack_bytes)
        .async_stack_size(settings.wasm_stack_bytes.saturating_add(HOST_STACK_BYTES))
        .allocation_strategy(InstanceAllocationStrategy::Pooling(settings.pool.allocation()));
    Engine::new(&config)
        .inspect(|_| settings.pool.log())
        .or_else(|error| {
            warn!(
                error = format!("{error:#}"),
                instances = settings.pool.instances,
                "no pool of instances can be made; rooms are slower to begin"
            );
            Engine::new(config.allocation_strategy(InstanceAllocationStrategy::OnDemand))
        })
        .map_err(|error| WasmHostError::Engine { source: error.into() })
}

/// Whether an engine that was handed in interrupts its guests. It does not tell, so it is tried out: the deadline of a
/// new store has passed already, and the first call into it is interrupted.
fn check_foreign(engine: &Engine) -> Result<(), WasmHostError> {
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
