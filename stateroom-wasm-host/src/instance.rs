//! A running guest: one instance of a module, for one room.
//!
//! *Invariant:* every call into the guest runs under both time budgets. After a call that failed the instance is of no
//! more use (its stack pointer, for one, is lower for good): whoever holds it drops it.
pub(crate) mod breach;
pub(crate) mod failure;
mod guest;
mod kinds;

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
};

use stateroom::{
    batch,
    fault::{Fault, FaultKind},
    messages::Effect,
    turn::{Finished, Turn},
    wire,
};
use tokio::sync::OwnedSemaphorePermit;
use tracing::debug;
use wasmtime::{Memory, Store};
use wasmtime_wasi::{WasiCtxBuilder, p1::WasiP1Ctx};

use self::{failure::Circumstances, guest::Guest, kinds::Kinds};
use crate::{
    imports::output::{RoomLog, Stream},
    limits::{Limits, outbox::Outbox, pace::Pace},
    memory,
    module::Loaded,
};

/// What a guest's store holds: all that the host's functions need.
pub(crate) struct State {
    pub(crate) wasi: WasiP1Ctx,
    /// None until the module is instantiated; its start function runs before.
    pub(crate) memory: Option<Memory>,
    /// Where the guest says where the effects of a row of events are.
    pub(crate) shown_at: u32,
    pub(crate) limits: Limits,
    pub(crate) outbox: Outbox,
}

/// A running guest, with its limits.
pub(crate) struct Instance {
    guest: Guest,
    pace: Arc<Pace>,
    log: Arc<RoomLog>,
    /// What was over before a row of events was: put down at a tick of the clock, which comes in the middle.
    early: Arc<Mutex<Finished>>,
    /// What the guest understands.
    events: Kinds,
    encoded: Vec<u8>,
    /// Comes last, so that the place is free only when the guest is dropped. A guest on trial has none.
    place: Option<OwnedSemaphorePermit>,
}

/// Who waits for a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// A task, which gives its thread to others meanwhile.
    Task,
    /// A thread.
    Thread,
}

impl Instance {
    /// A guest that is ready for its first event.
    pub(crate) async fn start(loaded: &Loaded, room_id: &str, caller: Caller) -> Result<Box<Self>, Fault> {
        let place = loaded.engine().admit();
        let place = place.ok_or_else(|| Fault::new(FaultKind::NoSpace, "no more rooms fit in this process"))?;
        let mut instance = Self::instantiate(loaded, room_id, caller).await?;
        instance.place = Some(place);
        instance.events = instance.in_time(async |guest| guest.begin(room_id).await, |_| {}).await?;
        instance.pace.end_turn();
        Ok(instance)
    }

    /// A guest of which nothing has run but the module's start function.
    pub(crate) async fn instantiate(loaded: &Loaded, room_id: &str, caller: Caller) -> Result<Box<Self>, Fault> {
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
        };
        let mut store = Store::new(loaded.engine().engine(), state);
        store.limiter(|state| &mut state.limits);
        store.set_hostcall_fuel(HOST_CALL_BYTES);
        let early = Arc::<Mutex<Finished>>::default();
        store.epoch_deadline_callback({
            let (pace, early) = (Arc::clone(&pace), Arc::clone(&early));
            move |mut store| {
                if guest::read_shown(&mut store)? {
                    let mut early = early.lock().unwrap_or_else(PoisonError::into_inner);
                    early.append(store.data_mut().outbox.finished());
                    pace.next_event();
                }
                Ok(pace.tick())
            }
        });
        store.set_epoch_deadline(1);
        let instantiated = pace.run(pin!(Guest::instantiate(loaded, &mut store))).await;
        let failed = match instantiated {
            Ok(Ok(functions)) => {
                let guest = Guest::new(store, functions);
                let encoded = Vec::new();
                let events = Kinds::PROTOCOL_0;
                return Ok(Box::new(Instance { guest, pace, log, early, events, encoded, place: None }));
            }
            Ok(Err(error)) => Some(error),
            Err(_) => None,
        };
        Err(fault(failed.as_ref(), store.data(), &pace, &log))
    }

    /// The number at the address that an exported global holds: where Rust exports a static. `Err` is the address, if
    /// there is nothing at it.
    pub(crate) fn static_number(&mut self, global: &str) -> Result<i32, u32> {
        let address = self.guest.global(global);
        memory::number(self.guest.memory(), address).ok_or(address)
    }

    /// To be called before a row of events.
    pub(crate) fn begin_turn(&mut self, caller: Caller) {
        self.pace.set_blocking(caller == Caller::Thread);
        // Not for each event: so a row of short events gives way to others at each tick, too.
        self.guest.store().set_epoch_deadline(1);
    }

    /// Has the guest handle the next events of a turn: one, or a row of them if it takes rows. What they ask for is in the
    /// turn as soon as they are over. Says how much that is, in bytes.
    pub(crate) async fn work(&mut self, turn: &Turn) -> Result<usize, Fault> {
        let mut encoded = std::mem::take(&mut self.encoded);
        encoded.clear();
        let (kinds, takes_rows) = (self.events, self.guest.takes_rows());
        let count = turn.take_events(|event| {
            let fits = takes_rows && encoded.len().saturating_add(batch::event_bytes(event)) <= ROW_BYTES;
            let take = kinds.contain(event) && (fits || encoded.is_empty());
            match take {
                true if takes_rows => batch::put_event(event, &mut encoded),
                true => wire::encode_event(event, &mut encoded),
                false => {}
            }
            take
        });
        if count == 0 {
            if let Some(event) = turn.next_event() {
                let (room, event) = (self.log.room_id(), event.label());
                debug!(room, event, "an event is of a kind that the guest does not know; it is left out");
                turn.finish_event(&mut Vec::new());
            }
            return Ok(0);
        }
        self.log.begin_event();
        self.guest.store().data_mut().limits.begin_event();
        let calls = async |guest: &mut Guest| match takes_rows {
            true => guest.receive_row(&encoded, count).await,
            false => guest.receive(&encoded).await,
        };
        let outcome = self.in_time(calls, |early| turn.finish_events(early)).await;
        if encoded.capacity() <= KEEP_ENCODED {
            self.encoded = encoded;
        }
        // Where its time was up, nobody has looked yet what was over until then.
        if outcome.is_err() {
            let _ = guest::read_shown(self.guest.store());
        }
        let finished = self.guest.store().data_mut().outbox.finished();
        let bytes = finished.effects.iter().map(Effect::size).sum();
        turn.finish_events(finished);
        outcome.map(|()| bytes)
    }

    /// To be called after a turn.
    pub(crate) fn end_turn(&mut self) {
        self.pace.end_turn();
        self.guest.store().data_mut().outbox.trim();
    }

    /// Runs calls into the guest. Whenever they wait, and at their end, `release` gets what is over already.
    async fn in_time<T>(
        &mut self,
        calls: impl AsyncFnOnce(&mut Guest) -> wasmtime::Result<T>,
        release: impl Fn(&mut Finished),
    ) -> Result<T, Fault> {
        let Instance { guest, pace, early, .. } = self;
        let outcome = {
            let calls = pin!(calls(guest));
            let mut paced = pin!(pace.run(calls));
            let mut has_waited = false;
            poll_fn(|task| {
                let poll = paced.as_mut().poll(task);
                has_waited |= poll.is_pending();
                if has_waited {
                    release(&mut early.lock().unwrap_or_else(PoisonError::into_inner));
                }
                poll
            })
            .await
        };
        let failed = match outcome {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => Some(error),
            Err(_) => None,
        };
        Err(fault(failed.as_ref(), self.guest.store().data(), &self.pace, &self.log))
    }
}

/// How long a row of events may be, in bytes; one event alone may be longer.
const ROW_BYTES: usize = 32 << 10;
/// How much one call of a host function may copy, in bytes. More is refused with an error code of WASI.
const HOST_CALL_BYTES: usize = 1 << 20;
/// The memory of a longer event is given back, as long events are rare.
const KEEP_ENCODED: usize = 64 << 10;

/// What a failed call is; without an error, its time was up.
fn fault(error: Option<&wasmtime::Error>, state: &State, pace: &Pace, log: &RoomLog) -> Fault {
    match error {
        Some(error) => {
            let circumstances = Circumstances { pace, refused: state.limits.refused(), last_words: log.last_words() };
            failure::fault(error, &circumstances)
        }
        None => failure::time_up(pace.time_budget()),
    }
}
