//! A room's service that is a guest.
//!
//! *Invariant:* after a fault there is no instance: the store is dropped before the fault is returned.
use std::{fmt, future::Future, mem, sync::Arc, time::Duration};

use stateroom::{
    ClientId, MessagePayload, StateroomContext, StateroomService,
    details::ClientDetails,
    durable::{BatchStart, Origin},
    event_batch::{EventBatch, FinishedEvents},
    fault::{Fault, FaultKind},
    http::{Request, Response},
    messages::{Effect, Event},
};
use tracing::{debug, error};
use wasmtime::{Engine, Module};

use crate::{
    block_on::block_on,
    config::WasmHostConfig,
    engine::SharedEngine,
    error::WasmHostError,
    instance::{Instance, WaitMode},
    loader,
    module::LinkedModule,
};

/// A room's service that is a WebAssembly module.
///
/// A server drives it without blocking a thread. Called directly, its methods block until the guest returns, inside or
/// outside of a tokio runtime, and pass the guest's effects to the given context. Once the guest has failed, they log the
/// failure once and do nothing afterwards.
pub struct WasmHost {
    room_id: Arc<str>,
    engine: Arc<SharedEngine>,
    guest: Lifecycle,
}

/// The state of a guest between two batches of events.
enum Lifecycle {
    Ready(Box<Instance>),
    /// It handles events. A later call that finds it so follows one that was canceled, and the instance is dropped.
    Processing,
    Failed(Fault),
}

impl Lifecycle {
    fn fault(&self) -> Option<Fault> {
        match self {
            Lifecycle::Ready(_) => None,
            Lifecycle::Processing => Some(canceled()),
            Lifecycle::Failed(fault) => Some(fault.clone()),
        }
    }
}

/// Created on demand: most batches succeed, and need no message for this.
fn canceled() -> Fault {
    Fault::new(FaultKind::Trap, "an event was canceled before the guest returned")
}

impl WasmHost {
    /// Creates the service of the room `room_id` from a module compiled by the engine of a
    /// [`WasmHostFactory`](crate::WasmHostFactory), or by an engine with equivalent settings.
    ///
    /// A factory is cheaper from the second room on, because it checks the module once. Effects that the guest requests
    /// before its first event are released with those of the first event, so the context is unused.
    ///
    /// # Errors
    ///
    /// If the engine does not fit, the module is not a Stateroom service, or the guest fails to start.
    pub fn new(
        room_id: &str,
        module: &Module,
        engine: &Engine,
        context: Arc<impl StateroomContext>,
    ) -> Result<Self, WasmHostError> {
        let _ = context;
        let config = WasmHostConfig::default();
        let engine = SharedEngine::around(&Arc::new(engine.clone()), &config)?;
        let name = module.name().unwrap_or("the module").to_owned();
        let module = loader::load_compiled(name, module, engine, &config)?;
        block_on(Self::start(&module, room_id, WaitMode::Blocking))
            .map_err(|fault| WasmHostError::Start { module: module.name().to_owned(), fault })
    }

    pub(crate) async fn start(module: &LinkedModule, room_id: &str, wait_mode: WaitMode) -> Result<Self, Fault> {
        let engine = Arc::clone(module.engine());
        let running = engine.running();
        let instance = Instance::start(module, room_id, wait_mode).await?;
        drop(running);
        Ok(WasmHost { room_id: room_id.into(), engine, guest: Lifecycle::Ready(instance) })
    }

    /// Creates the service of a durable room.
    pub(crate) async fn start_durable(module: &LinkedModule, room_id: &str, origin: Origin<'_>) -> Result<Self, Fault> {
        let engine = Arc::clone(module.engine());
        let running = engine.running();
        let instance = Instance::start_durable(module, room_id, origin, WaitMode::Async).await?;
        drop(running);
        Ok(WasmHost { room_id: room_id.into(), engine, guest: Lifecycle::Ready(instance) })
    }

    /// Handles a batch of events, and blocks the thread meanwhile, inside or outside of a runtime.
    #[cfg(feature = "testing")]
    pub(crate) fn process_blocking(&mut self, batch: &EventBatch) -> Result<(), Fault> {
        block_on(self.process(batch, WaitMode::Blocking, None))
    }

    /// Handles a batch of events, which may happen at a time other than the system's.
    async fn process(
        &mut self,
        batch: &EventBatch,
        wait_mode: WaitMode,
        event_time: Option<Duration>,
    ) -> Result<(), Fault> {
        let _running = self.engine.running();
        let mut instance = match mem::replace(&mut self.guest, Lifecycle::Processing) {
            Lifecycle::Ready(instance) => instance,
            failed => {
                let fault = failed.fault().unwrap_or_else(canceled);
                self.guest = Lifecycle::Failed(fault.clone());
                return Err(fault);
            }
        };
        if event_time.is_some() {
            instance.set_event_time(event_time);
        }
        let outcome = instance.process(batch, wait_mode).await;
        if event_time.is_some() {
            instance.set_event_time(None);
        }
        self.guest = match &outcome {
            Ok(()) => Lifecycle::Ready(instance),
            Err(fault) => {
                instance.retire();
                Lifecycle::Failed(fault.clone())
            }
        };
        outcome
    }

    /// Handles one event, and blocks the thread meanwhile. Returns the answer to a call or a request.
    fn process_event(&mut self, event: Event, context: &impl StateroomContext) -> Option<Effect> {
        let Lifecycle::Ready(_) = self.guest else { return None };
        let batch = EventBatch::new([event]);
        if let Err(fault) = block_on(self.process(&batch, WaitMode::Blocking, context.event_time())) {
            let (room, event, reason) = (&*self.room_id, batch.in_progress_label(), fault.kind().label());
            error!(room, event, reason, backtrace = fault.backtrace(), "the guest failed: {}", fault.message());
        }
        let mut finished = FinishedEvents::default();
        batch.take_finished(&mut finished);
        let mut answer = None;
        for effect in finished.effects {
            match effect {
                Effect::Message { recipient, message } => context.send_message(recipient, message),
                Effect::SetTimer { ms_delay } => context.set_timer(ms_delay),
                Effect::CloseClient { client, code, reason } => context.close_client(client, code, &reason),
                Effect::EndRoom => context.end_room(),
                effect @ (Effect::Answer { .. } | Effect::Respond { .. }) => answer = answer.or(Some(effect)),
                other => debug!(?other, "ignoring an effect that contexts do not support"),
            }
        }
        answer
    }
}

impl StateroomService for WasmHost {
    fn init(&mut self, context: &impl StateroomContext) {
        self.process_event(Event::Init, context);
    }

    fn connect(&mut self, client: ClientId, context: &impl StateroomContext) {
        self.process_event(Event::Connect { client }, context);
    }

    fn connect_with(&mut self, client: ClientId, details: &ClientDetails, context: &impl StateroomContext) {
        self.process_event(Event::ConnectWith { client, details: Box::new(details.clone()) }, context);
    }

    fn disconnect(&mut self, client: ClientId, context: &impl StateroomContext) {
        self.process_event(Event::Disconnect { client }, context);
    }

    fn message(&mut self, client: ClientId, message: MessagePayload, context: &impl StateroomContext) {
        self.process_event(Event::Message { sender: client, message }, context);
    }

    fn timer(&mut self, context: &impl StateroomContext) {
        self.process_event(Event::Timer, context);
    }

    fn call(&mut self, message: MessagePayload, context: &impl StateroomContext) -> Option<MessagePayload> {
        match self.process_event(Event::Call { message }, context)? {
            Effect::Answer { message } => Some(message),
            _ => None,
        }
    }

    fn request(&mut self, request: Request, context: &impl StateroomContext) -> Option<Response> {
        match self.process_event(Event::Request { request: Box::new(request) }, context)? {
            Effect::Respond { response } => Some(*response),
            _ => None,
        }
    }

    fn shutdown(&mut self, context: &impl StateroomContext) {
        self.process_event(Event::Shutdown, context);
    }

    fn memory_bytes(&mut self) -> Option<usize> {
        match &mut self.guest {
            Lifecycle::Ready(instance) => Some(instance.memory_bytes()),
            Lifecycle::Processing | Lifecycle::Failed(_) => None,
        }
    }

    fn charge(&mut self, host_time: Duration) {
        if let Lifecycle::Ready(instance) = &mut self.guest {
            instance.charge(host_time);
        }
    }

    fn begin_batch(&mut self, start: BatchStart) {
        if let Lifecycle::Ready(instance) = &mut self.guest {
            instance.begin_batch(start);
        }
    }

    fn image(&mut self) -> Result<Vec<u8>, Fault> {
        match &mut self.guest {
            Lifecycle::Ready(instance) => instance.image(),
            failed => Err(failed.fault().unwrap_or_else(canceled)),
        }
    }

    fn deliver(
        &mut self,
        batch: &EventBatch,
        context: &impl StateroomContext,
    ) -> impl Future<Output = Result<(), Fault>> + Send {
        self.process(batch, WaitMode::Async, context.event_time())
    }
}

impl Drop for WasmHost {
    fn drop(&mut self) {
        if let Lifecycle::Ready(instance) = mem::replace(&mut self.guest, Lifecycle::Processing) {
            instance.retire();
        }
    }
}

impl fmt::Debug for WasmHost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fault = self.guest.fault();
        formatter.debug_struct("WasmHost").field("room_id", &self.room_id).field("fault", &fault).finish()
    }
}
