//! A running guest: one instance of a module, for one room.
//!
//! *Invariant:* every call into the guest is subject to both time budgets. After a failed call the instance is unusable (its
//! stack pointer, for example, stays lowered): its owner drops it.
mod backtrace;
mod batch_size;
mod budgets;
mod event_kinds;
pub(crate) mod failure;
mod guest;
mod image;
mod relay;

use std::{pin::pin, sync::Arc, time::Duration};

use stateroom::{
    event_batch::EventBatch,
    fault::{Fault, FaultKind},
    messages::Event,
    wire::{self, batch},
};
use tokio::sync::OwnedSemaphorePermit;
use tracing::debug;
use wasmtime::Store;
use wasmtime_wasi::WasiCtxBuilder;

use self::{batch_size::BatchSize, budgets::run_within_budgets, event_kinds::EventKinds, guest::Guest};
use crate::{
    config::Limit,
    effects::{EffectBuffer, FinishedEffects},
    engine::SharedEngine,
    environment::Environment,
    guest_log::RoomLog,
    limits::{resources::ResourceLimits, scheduler::Scheduler},
    memory,
    module::LinkedModule,
    state::{self, DurableState, GuestState, RelayedEvents},
};

/// Maximum size of a batch of events, in bytes; a single event may be longer.
const MAX_BATCH_BYTES: usize = 32 << 10;
/// Maximum number of bytes that one call of another WASI function copies. Longer ones return an error code.
const MAX_HOST_CALL_BYTES: usize = 1 << 20;
/// Memory that takes longer than a quarter of a millisecond to give back.
const LARGE_MEMORY: usize = 4 << 20;
/// Capacity for encoded events that is retained between batches: long events are rare.
const RETAINED_BYTES: usize = 64 << 10;

/// A running guest, with its limits.
pub(crate) struct Instance {
    guest: Guest,
    scheduler: Arc<Scheduler>,
    engine: Arc<SharedEngine>,
    finished: FinishedEffects,
    /// The kinds of events that the guest understands.
    events: EventKinds,
    /// The number of events that a batch may have.
    batch_size: BatchSize,
    /// The events to deliver next, and the length of each. Empty between batches; kept for their capacity.
    encoded: Vec<u8>,
    lengths: Vec<u32>,
    /// The last field, so that it is released after the guest is dropped. `None` for the trial of a module.
    permit: Option<OwnedSemaphorePermit>,
}

/// How the caller waits for a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WaitMode {
    /// As a task, which yields its thread.
    Async,
    /// By blocking the thread.
    Blocking,
}

impl Instance {
    /// Starts a guest up to its first event.
    pub(crate) async fn start(module: &LinkedModule, room_id: &str, wait_mode: WaitMode) -> Result<Box<Self>, Fault> {
        let mut instance = Self::admit(module, room_id, wait_mode, None).await?;
        instance.begin(room_id).await?;
        Ok(instance)
    }

    /// Creates a guest if there is space for one more room.
    async fn admit(
        module: &LinkedModule,
        room_id: &str,
        wait_mode: WaitMode,
        durable: Option<DurableState>,
    ) -> Result<Box<Self>, Fault> {
        let permit = module.engine().try_admit();
        let permit = permit.ok_or_else(|| {
            Limit::Instances.count_exceeded();
            let message = format!("the maximum of {} rooms in this process is reached", module.config().space());
            Fault::new(FaultKind::NoSpace, message).with_hint(&Limit::Instances.hint())
        })?;
        let mut instance = Self::instantiate(module, room_id, wait_mode, durable).await?;
        instance.permit = Some(permit);
        Ok(instance)
    }

    /// Makes the calls before the first event.
    pub(crate) async fn begin(&mut self, room_id: &str) -> Result<(), Fault> {
        let calls = async |guest: &mut Guest| guest.begin(room_id).await;
        let begun = run_within_budgets(&mut self.guest, &self.scheduler, calls, || {}).await;
        self.events = begun.map_err(|error| self.fault(error.as_ref()))?;
        self.scheduler.end_batch();
        Ok(())
    }

    /// Creates a guest and runs nothing but the module's start function.
    pub(crate) async fn instantiate(
        module: &LinkedModule,
        room_id: &str,
        wait_mode: WaitMode,
        durable: Option<DurableState>,
    ) -> Result<Box<Self>, Fault> {
        let config = module.config();
        let scheduler = Arc::new(Scheduler::new(config, Arc::clone(module.engine().lane())));
        scheduler.set_blocking(wait_mode == WaitMode::Blocking);
        let log = Arc::new(RoomLog::new(room_id, config, Arc::clone(module.engine().log_quota())));
        let mut wasi = WasiCtxBuilder::new();
        let clock = match &durable {
            Some(durable) => Environment::from(durable.environment.clone()).install(&mut wasi),
            None => module.environment().install(&mut wasi),
        };
        let state = GuestState {
            wasi: wasi.build_p1(),
            memory: None,
            effects_pointer: 0,
            clock,
            durable,
            limits: ResourceLimits::new(config),
            effects: EffectBuffer::new(config),
            relayed: RelayedEvents::default(),
            log,
            symbols: module.symbols().cloned(),
            scheduler: Arc::clone(&scheduler),
        };
        let finished = state.effects.finished();
        let mut store = Store::new(module.engine().engine(), state);
        store.limiter(|state| &mut state.limits);
        store.set_hostcall_fuel(MAX_HOST_CALL_BYTES);
        store.epoch_deadline_callback({
            let scheduler = Arc::clone(&scheduler);
            move |mut store| {
                if state::read_at_tick(&mut store)? {
                    scheduler.begin_next_event();
                }
                Ok(scheduler.tick())
            }
        });
        store.set_epoch_deadline(1);
        let instantiated = scheduler.run(pin!(Guest::instantiate(module, &mut store))).await;
        let error = match instantiated {
            Ok(Ok(functions)) => {
                let guest = Guest::new(store, functions);
                return Ok(Box::new(Instance {
                    guest,
                    scheduler,
                    engine: Arc::clone(module.engine()),
                    finished,
                    events: EventKinds::PROTOCOL_0,
                    batch_size: BatchSize::new(config.memory_bytes),
                    encoded: Vec::new(),
                    lengths: Vec::new(),
                    permit: None,
                }));
            }
            Ok(Err(error)) => Some(error),
            Err(_) => None,
        };
        Err(failure::fault(error.as_ref(), store.data(), &scheduler))
    }

    /// Reads the number at the address in an exported global, which is how Rust exports a static. Returns the address as an
    /// error if it is out of bounds.
    pub(crate) fn static_number(&mut self, global: &str) -> Result<i32, u32> {
        let address = self.guest.global(global);
        memory::read_i32(self.guest.memory(), address).ok_or(address)
    }

    /// Returns the guest's memory.
    pub(crate) fn memory(&mut self) -> &[u8] {
        self.guest.memory()
    }

    /// Returns the size of the guest's memory.
    pub(crate) fn memory_bytes(&mut self) -> usize {
        self.memory().len()
    }

    /// Ends the guest. Its memory, if that is large, is given back on another thread.
    pub(crate) fn retire(mut self: Box<Self>) {
        if self.memory_bytes() >= LARGE_MEMORY {
            let engine = Arc::clone(&self.engine);
            engine.dispose(self);
        }
    }

    /// Charges the room's share of the CPU for time that the host spent on its effects.
    pub(crate) fn charge(&mut self, host_time: Duration) {
        self.scheduler.charge(host_time);
    }

    /// Sets the time that the following events read from the system's clock; none for the time of that clock.
    pub(crate) fn set_event_time(&mut self, time: Option<Duration>) {
        if let Some(clock) = &self.guest.store().data().clock {
            clock.set(time);
        }
    }

    /// Handles the events of a batch until none is left or the room should write their effects. Effects are in the batch as
    /// soon as their event ends.
    pub(crate) async fn process(&mut self, batch: &EventBatch, wait_mode: WaitMode) -> Result<(), Fault> {
        self.scheduler.set_blocking(wait_mode == WaitMode::Blocking);
        // Once, and not for each event: a series of short events yields to others at each tick as well.
        self.guest.store().set_epoch_deadline(1);
        while !batch.is_empty() && !self.guest.store().data().effects.needs_flush() {
            self.deliver_next(batch).await?;
        }
        self.scheduler.end_batch();
        let state = self.guest.store().data_mut();
        state.effects.flush();
        state.log.end_events();
        Ok(())
    }

    /// Delivers the next event, or several that fit into one call.
    async fn deliver_next(&mut self, batch: &EventBatch) -> Result<(), Fault> {
        let (mut encoded, mut lengths) = (std::mem::take(&mut self.encoded), std::mem::take(&mut self.lengths));
        self.encode_events(batch, &mut encoded, &mut lengths);
        if lengths.is_empty() {
            if let Some(event) = batch.next_event() {
                let (room, event) = (self.guest.store().data().log.room_id(), event.kind().label());
                debug!(room, event, "skipping an event of a kind that the guest does not understand");
                batch.finish_event(&mut Vec::new());
            }
            return Ok(());
        }
        let state = self.guest.store().data_mut();
        state.begin_event();
        let (events, bytes_before) = (lengths.len(), state.effects.bytes_since_flush());
        let Instance { guest, scheduler, engine, finished, .. } = self;
        let calls = async |guest: &mut Guest| guest.receive(engine.relay(), &mut encoded, &mut lengths).await;
        let release = || batch.finish_events(&mut finished.lock());
        let outcome = run_within_budgets(guest, scheduler, calls, release).await;
        // Nothing has read yet what the guest published before it exceeded its time budget.
        if outcome.is_err() {
            let _ = state::read_published(guest.store());
        }
        batch.finish_events(&mut finished.lock());
        encoded.clear();
        encoded.shrink_to(RETAINED_BYTES);
        lengths.clear();
        (self.encoded, self.lengths) = (encoded, lengths);
        let effects = &self.guest.store().data().effects;
        let bytes = effects.bytes_since_flush().saturating_sub(bytes_before);
        self.batch_size.adapt(events, bytes, effects.largest_event());
        outcome.map_err(|error| self.fault(error.as_ref()))
    }

    fn encode_events(&self, batch: &EventBatch, encoded: &mut Vec<u8>, lengths: &mut Vec<u32>) {
        let accepts_batches = self.guest.accepts_batches();
        // The relay does without a limit: effects leave the memory of a guest of protocol 0 at once.
        let max_events = if accepts_batches { self.batch_size.events() } else { usize::MAX };
        batch.take_events(|event| {
            let plain;
            let event = match event {
                // A guest that does not understand details still receives the client.
                Event::ConnectWith { client, .. } if !self.events.contain(event) => {
                    plain = Event::Connect { client: *client };
                    &plain
                }
                event => event,
            };
            if !self.events.contain(event) || lengths.len() >= max_events {
                return false;
            }
            let before = encoded.len();
            match accepts_batches {
                true => batch::encode_event(event, encoded),
                false => wire::encode_event(event, encoded),
            }
            let fits = lengths.is_empty() || encoded.len() <= MAX_BATCH_BYTES;
            if fits {
                // A length above 32 bits is rejected where the event is written into the guest's memory.
                lengths.push(u32::try_from(encoded.len() - before).unwrap_or(u32::MAX));
            } else {
                encoded.truncate(before);
            }
            fits
        });
    }

    fn fault(&mut self, error: Option<&wasmtime::Error>) -> Fault {
        failure::fault(error, self.guest.store().data(), &self.scheduler)
    }
}
