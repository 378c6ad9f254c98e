//! A running guest: one instance of a module, for one room.
//!
//! The guest's whole life is one call into WebAssembly, made by the [`relay`], and one future. Whoever has events for it
//! puts them on the [`desk`] and polls the future until the guest waits again.
//!
//! *Invariant:* every call into the guest runs under both time budgets. After a call that failed the instance is of no
//! more use (its stack pointer, for one, is lower for good): whoever holds it drops it.
pub(crate) mod breach;
mod desk;
pub(crate) mod failure;
mod guest;
mod kinds;
pub(crate) mod relay;
mod telling;

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
};

use stateroom::{
    fault::{Fault, FaultKind},
    turn::Turn,
};
use tokio::sync::OwnedSemaphorePermit;
use wasmtime::{Memory, Store, TypedFunc};
use wasmtime_wasi::{WasiCtxBuilder, p1::WasiP1Ctx};

use self::{breach::Breach, desk::Desk, failure::Circumstances, guest::Functions, telling::Telling};
use crate::{
    imports::output::{RoomLog, Stream},
    limits::{Limits, outbox::Outbox, pace::Pace},
    module::Loaded,
};

/// What a guest's store holds: all that the host's functions need.
pub(crate) struct State {
    pub(crate) wasi: WasiP1Ctx,
    /// None until the module is instantiated; its start function runs before.
    pub(crate) memory: Option<Memory>,
    /// Where the guest says where the effects of a row of events are.
    shown_at: u32,
    pub(crate) limits: Limits,
    pub(crate) outbox: Outbox,
    telling: Telling,
    desk: Desk,
    log: Arc<RoomLog>,
}

impl State {
    fn memory(&self) -> Result<Memory, Breach> {
        self.memory.ok_or(Breach::NoMemory)
    }
}

/// A guest of which nothing has run but the module's start function.
pub(crate) struct Newborn {
    store: Store<State>,
    functions: Functions,
    pace: Arc<Pace>,
    log: Arc<RoomLog>,
}

/// A running guest, with its limits.
pub(crate) struct Instance {
    /// None after it has ended. It is not `Sync`, as a guest's state need not be, but a service is. The lock is never
    /// taken: whoever polls it has it to himself.
    life: Mutex<Option<Life>>,
    desk: Desk,
    pace: Arc<Pace>,
    /// Comes last, so that the place is free only when the guest is dropped.
    _place: OwnedSemaphorePermit,
}

/// Ends only by a fault.
type Life = Pin<Box<dyn Future<Output = Fault> + Send>>;

/// Who waits for a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// A task, which gives its thread to others meanwhile.
    Task,
    /// A thread.
    Thread,
}

impl Newborn {
    pub(crate) async fn instantiate(loaded: &Loaded, room_id: &str, caller: Caller) -> Result<Self, Fault> {
        let config = loaded.config();
        let pace = Arc::new(Pace::new(config, Arc::clone(loaded.engine().lane())));
        pace.set_blocking(caller == Caller::Thread);
        let log = Arc::new(RoomLog::new(room_id, config));
        let state = State {
            wasi: WasiCtxBuilder::new()
                .stdout(log.stream(Stream::Stdout))
                .stderr(log.stream(Stream::Stderr))
                .max_random_size(config.random_bytes)
                .build_p1(),
            memory: None,
            shown_at: 0,
            limits: Limits::new(config),
            outbox: Outbox::new(config),
            telling: Telling::default(),
            desk: Desk::default(),
            log: Arc::clone(&log),
        };
        let mut store = Store::new(loaded.engine().engine(), state);
        store.limiter(|state| &mut state.limits);
        store.set_hostcall_fuel(HOST_CALL_BYTES);
        store.epoch_deadline_callback({
            let pace = Arc::clone(&pace);
            let mut events_over = 0;
            move |mut store| {
                guest::read_shown(&mut store)?;
                let state = store.data_mut();
                if events_over != state.outbox.events_over() {
                    // What is over does not wait for what is under way, whose budgets are its own.
                    events_over = state.outbox.events_over();
                    state.put_down();
                    pace.next_event();
                }
                Ok(pace.tick())
            }
        });
        store.set_epoch_deadline(1);
        let instantiated = pace.run(pin!(Functions::instantiate(loaded, &mut store))).await;
        match instantiated {
            Ok(Ok(functions)) => Ok(Newborn { store, functions, pace, log }),
            Ok(Err(error)) => Err(fault(&error, store.data(), &pace)),
            Err(_) => Err(failure::time_up(pace.time_budget())),
        }
    }

    /// The number at the address that an exported global holds: where Rust exports a static. `Err` is the address, if
    /// there is nothing at it.
    pub(crate) fn static_number(&mut self, global: &str) -> Result<i32, u32> {
        self.functions.static_number(&mut self.store, global)
    }
}

impl Instance {
    /// A guest that is ready for its first event.
    pub(crate) async fn start(loaded: &Loaded, room_id: &str, caller: Caller) -> Result<Self, Fault> {
        let place = loaded.engine().admit();
        let place = place.ok_or_else(|| Fault::new(FaultKind::NoSpace, "no more rooms fit in this process"))?;
        let Newborn { mut store, functions, pace, log } = Newborn::instantiate(loaded, room_id, caller).await?;
        log.begin_event();
        store.data_mut().limits.begin_event();
        let begun = pace.run(pin!(functions.begin(loaded, &mut store, room_id))).await;
        let call = match begun {
            Ok(Ok(call)) => call,
            Ok(Err(error)) => return Err(fault(&error, store.data(), &pace)),
            Err(_) => return Err(failure::time_up(pace.time_budget())),
        };
        pace.end_turn();
        let desk = store.data().desk.clone();
        let living = Living { store, pace: Arc::clone(&pace) };
        Ok(Instance { life: Mutex::new(Some(Box::pin(living.live(call)))), desk, pace, _place: place })
    }

    /// Has the guest handle the events of a turn. What they ask for is in the turn as soon as they are over. If that gets
    /// much, it stops before the turn is empty.
    pub(crate) async fn work(&mut self, turn: &Turn, caller: Caller) -> Result<(), Fault> {
        let Instance { life, desk, pace, .. } = self;
        let life = life.get_mut().unwrap_or_else(PoisonError::into_inner);
        pace.set_blocking(caller == Caller::Thread);
        {
            let mut desk = desk.lock();
            turn.take(&mut desk.events);
            desk.is_idle = false;
        }
        let outcome = {
            let go = poll_fn(|task| {
                let poll = life.as_mut().map_or(Poll::Pending, |life| life.as_mut().poll(task));
                let mut desk = desk.lock();
                turn.finish_events(&mut desk.finished);
                match poll {
                    Poll::Ready(fault) => Poll::Ready(Err(fault)),
                    Poll::Pending if desk.is_idle => Poll::Ready(Ok(())),
                    Poll::Pending => Poll::Pending,
                }
            });
            pace.run(pin!(go)).await
        };
        pace.end_turn();
        let outcome = outcome.unwrap_or_else(|_| Err(failure::time_up(pace.time_budget())));
        if outcome.is_err() {
            *life = None;
        }
        let mut desk = desk.lock();
        turn.finish_events(&mut desk.finished);
        turn.put_back(&mut desk.events);
        outcome
    }
}

/// How much one call of a host function may copy, in bytes. More is refused with an error code of WASI.
const HOST_CALL_BYTES: usize = 1 << 20;

/// A guest that lives.
struct Living {
    store: Store<State>,
    pace: Arc<Pace>,
}

impl Living {
    async fn live(mut self, call: TypedFunc<(), ()>) -> Fault {
        let Living { store, pace } = &mut self;
        store.set_epoch_deadline(1);
        store.data_mut().take_up();
        match call.call_async(&mut *store, ()).await {
            Ok(()) => Fault::new(FaultKind::Trap, "the guest's life is over"),
            Err(error) => fault(&error, store.data(), pace),
        }
    }
}

impl Drop for Living {
    /// What is over is over, however the guest has ended: also where its time was up, and it was only dropped.
    fn drop(&mut self) {
        let _ = guest::read_shown(&mut self.store);
        self.store.data_mut().put_down();
    }
}

/// What a failed call is.
fn fault(error: &wasmtime::Error, state: &State, pace: &Pace) -> Fault {
    let circumstances = Circumstances { pace, refused: state.limits.refused(), last_words: state.log.last_words() };
    failure::fault(error, &circumstances)
}
