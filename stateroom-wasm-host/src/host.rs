//! A room's service that is a guest.
//!
//! *Invariant:* after a fault there is no instance any more: the store is dropped before the fault is told.
use std::{fmt, future::Future, mem, sync::Arc};

use stateroom::{
    ClientId, MessagePayload, StateroomContext, StateroomService,
    details::ClientDetails,
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
    instance::{Caller, Instance},
    module::Loaded,
};

/// A room's service that is a WebAssembly module.
///
/// A server drives it without ever holding up a thread. Called directly, its methods wait for the guest, inside of a
/// tokio runtime or out of it, and pass on to the given context what the guest asks for. When the guest has failed,
/// they say so once in the log and do nothing from then on.
pub struct WasmHost {
    room_id: Arc<str>,
    engine: Arc<SharedEngine>,
    guest: Guest,
}

enum Guest {
    Alive(Box<Instance>),
    /// It is at work; if it is so when something is asked of it, nobody has waited for it, and it is gone.
    AtWork,
    /// It has failed.
    Gone(Fault),
}

impl Guest {
    /// How it has failed, if it has.
    fn fault(&self) -> Option<Fault> {
        match self {
            Guest::Alive(_) => None,
            Guest::AtWork => Some(cut_off()),
            Guest::Gone(fault) => Some(fault.clone()),
        }
    }
}

/// Made only where it is needed: most turns go well, and need no text for that.
fn cut_off() -> Fault {
    Fault::new(FaultKind::Trap, "an event was cut off, as nobody waited for it any more")
}

impl WasmHost {
    /// Makes the service of the room `room_id`, from a module that was compiled by the engine of a
    /// [`WasmHostFactory`](crate::WasmHostFactory), or by one that is like it.
    ///
    /// A factory does this more cheaply for each further room, as it checks the module only once. What the guest asks
    /// for before its first event goes to the room together with what it asks for in the first event, hence the
    /// context is not used.
    ///
    /// # Errors
    ///
    /// When the engine does not fit, the module is none of Stateroom, or the guest fails at its start.
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
        let loaded = Loaded::check(name, module, engine, &config)?;
        block_on(Self::start(&loaded, room_id, Caller::Thread))
            .map_err(|fault| WasmHostError::Start { module: loaded.name().to_owned(), fault })
    }

    pub(crate) async fn start(loaded: &Loaded, room_id: &str, caller: Caller) -> Result<Self, Fault> {
        let engine = Arc::clone(loaded.engine());
        let running = engine.running();
        let instance = Instance::start(loaded, room_id, caller).await?;
        drop(running);
        Ok(WasmHost { room_id: room_id.into(), engine, guest: Guest::Alive(instance) })
    }

    /// Works through the events of a turn while the thread waits, outside of a runtime too.
    #[cfg(feature = "testing")]
    pub(crate) fn work_through(&mut self, turn: &EventBatch) -> Result<(), Fault> {
        block_on(self.work(turn, Caller::Thread))
    }

    /// Works through the events of a turn.
    async fn work(&mut self, turn: &EventBatch, caller: Caller) -> Result<(), Fault> {
        let _running = self.engine.running();
        let mut instance = match mem::replace(&mut self.guest, Guest::AtWork) {
            Guest::Alive(instance) => instance,
            gone => {
                let fault = gone.fault().unwrap_or_else(cut_off);
                self.guest = Guest::Gone(fault.clone());
                return Err(fault);
            }
        };
        let outcome = instance.work(turn, caller).await;
        self.guest = match &outcome {
            Ok(()) => Guest::Alive(instance),
            Err(fault) => {
                drop(instance);
                Guest::Gone(fault.clone())
            }
        };
        outcome
    }

    /// Works on one event while the thread waits. The result is what it is answered with.
    fn work_now(&mut self, event: Event, context: &impl StateroomContext) -> Option<Effect> {
        let Guest::Alive(_) = self.guest else { return None };
        let turn = EventBatch::new([event]);
        if let Err(fault) = block_on(self.work(&turn, Caller::Thread)) {
            let (room, event, reason) = (&*self.room_id, turn.in_progress_label(), fault.kind().label());
            error!(room, event, reason, backtrace = fault.backtrace(), "the guest failed: {}", fault.message());
        }
        let mut finished = FinishedEvents::default();
        turn.take_finished(&mut finished);
        let mut answer = None;
        for effect in finished.effects {
            match effect {
                Effect::Message { recipient, message } => context.send_message(recipient, message),
                Effect::SetTimer { ms_delay } => context.set_timer(ms_delay),
                Effect::CloseClient { client, code, reason } => context.close_client(client, code, &reason),
                effect @ (Effect::Answer { .. } | Effect::Respond { .. }) => answer = answer.or(Some(effect)),
                other => debug!(?other, "a context has no word for this"),
            }
        }
        answer
    }
}

impl StateroomService for WasmHost {
    fn init(&mut self, context: &impl StateroomContext) {
        self.work_now(Event::Init, context);
    }

    fn connect(&mut self, client: ClientId, context: &impl StateroomContext) {
        self.work_now(Event::Connect { client }, context);
    }

    fn connect_with(&mut self, client: ClientId, details: &ClientDetails, context: &impl StateroomContext) {
        self.work_now(Event::ConnectWith { client, details: Box::new(details.clone()) }, context);
    }

    fn disconnect(&mut self, client: ClientId, context: &impl StateroomContext) {
        self.work_now(Event::Disconnect { client }, context);
    }

    fn message(&mut self, client: ClientId, message: MessagePayload, context: &impl StateroomContext) {
        self.work_now(Event::Message { sender: client, message }, context);
    }

    fn timer(&mut self, context: &impl StateroomContext) {
        self.work_now(Event::Timer, context);
    }

    fn call(&mut self, message: MessagePayload, context: &impl StateroomContext) -> Option<MessagePayload> {
        match self.work_now(Event::Call { message }, context)? {
            Effect::Answer { message } => Some(message),
            _ => None,
        }
    }

    fn request(&mut self, request: Request, context: &impl StateroomContext) -> Option<Response> {
        match self.work_now(Event::Request { request: Box::new(request) }, context)? {
            Effect::Respond { response } => Some(*response),
            _ => None,
        }
    }

    fn shutdown(&mut self, context: &impl StateroomContext) {
        self.work_now(Event::Shutdown, context);
    }

    fn memory_bytes(&mut self) -> Option<usize> {
        match &mut self.guest {
            Guest::Alive(instance) => Some(instance.memory_bytes()),
            Guest::AtWork | Guest::Gone(_) => None,
        }
    }

    fn deliver(
        &mut self,
        turn: &EventBatch,
        _: &impl StateroomContext,
    ) -> impl Future<Output = Result<(), Fault>> + Send {
        self.work(turn, Caller::Task)
    }
}

impl fmt::Debug for WasmHost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fault = self.guest.fault();
        formatter.debug_struct("WasmHost").field("room_id", &self.room_id).field("fault", &fault).finish()
    }
}
