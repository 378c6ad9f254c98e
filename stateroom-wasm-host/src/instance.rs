//! A running guest: one instance of a module, for one room.
//!
//! *Invariant:* every call into the guest runs under both time budgets. After a call that failed the instance is of no
//! more use (its stack pointer, for one, is lower for good): whoever holds it drops it.
mod event_kinds;
pub(crate) mod failure;
mod guest;
pub(crate) mod relay;

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
};

use stateroom::{
    event_batch::EventBatch,
    fault::{Fault, FaultKind},
    messages::Event,
    wire::{self, batch},
};
use tokio::sync::OwnedSemaphorePermit;
use tracing::debug;
use wasmtime::{Memory, Store};
use wasmtime_wasi::{WasiCtxBuilder, p1::WasiP1Ctx};

use self::{event_kinds::Kinds, failure::Circumstances, guest::Guest, relay::Series};
use crate::{
    config::Limit,
    engine::SharedEngine,
    limits::{
        Limits,
        outbox::{Outbox, Over},
        scheduler::Pace,
    },
    memory,
    module::Loaded,
    output::{RoomLog, Stream},
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
    /// What the guest is told in one go, one after the other.
    series: Series,
    log: Arc<RoomLog>,
    pace: Arc<Pace>,
}

impl State {
    fn begin_event(&mut self) {
        self.log.begin_event();
        self.limits.begin_event();
    }
}

/// A running guest, with its limits.
pub(crate) struct Instance {
    guest: Guest,
    pace: Arc<Pace>,
    engine: Arc<SharedEngine>,
    over: Over,
    /// What the guest understands.
    events: Kinds,
    /// What it is told next, and how long each event of that is. Empty between turns; kept for its memory.
    encoded: Vec<u8>,
    lengths: Vec<u32>,
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
        let place = place.ok_or_else(|| {
            Limit::Instances.count_exceeded();
            Fault::new(FaultKind::NoSpace, "no more rooms fit in this process")
        })?;
        let mut instance = Self::instantiate(loaded, room_id, caller).await?;
        instance.place = Some(place);
        let calls = async |guest: &mut Guest| guest.begin(room_id).await;
        let begun = in_time(&mut instance.guest, &instance.pace, calls, || {}).await;
        instance.events = begun.map_err(|failed| instance.fault(failed.as_ref()))?;
        instance.pace.end_turn();
        Ok(instance)
    }

    /// A guest of which nothing has run but the module's start function.
    pub(crate) async fn instantiate(loaded: &Loaded, room_id: &str, caller: Caller) -> Result<Box<Self>, Fault> {
        let config = loaded.config();
        let pace = Arc::new(Pace::new(config, Arc::clone(loaded.engine().lane())));
        pace.set_blocking(caller == Caller::Thread);
        let log = Arc::new(RoomLog::new(room_id, config));
        let mut wasi = WasiCtxBuilder::new();
        wasi.stdout(log.stream(Stream::Stdout)).stderr(log.stream(Stream::Stderr)).max_random_size(config.random_bytes);
        loaded.environment().install(&mut wasi);
        let state = State {
            wasi: wasi.build_p1(),
            memory: None,
            shown_at: 0,
            limits: Limits::new(config),
            outbox: Outbox::new(config),
            series: Series::default(),
            log,
            pace: Arc::clone(&pace),
        };
        let over = state.outbox.over();
        let mut store = Store::new(loaded.engine().engine(), state);
        store.limiter(|state| &mut state.limits);
        store.set_hostcall_fuel(HOST_CALL_BYTES);
        store.epoch_deadline_callback({
            let pace = Arc::clone(&pace);
            move |mut store| {
                if guest::read_shown(&mut store)? {
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
                return Ok(Box::new(Instance {
                    guest,
                    pace,
                    engine: Arc::clone(loaded.engine()),
                    over,
                    events: Kinds::PROTOCOL_0,
                    encoded: Vec::new(),
                    lengths: Vec::new(),
                    place: None,
                }));
            }
            Ok(Err(error)) => Some(error),
            Err(_) => None,
        };
        Err(fault(failed.as_ref(), store.data(), &pace))
    }

    /// The number at the address that an exported global holds: where Rust exports a static. `Err` is the address, if
    /// there is nothing at it.
    pub(crate) fn static_number(&mut self, global: &str) -> Result<i32, u32> {
        let address = self.guest.global(global);
        memory::number(self.guest.memory(), address).ok_or(address)
    }

    /// How much memory the guest has.
    pub(crate) fn memory_bytes(&mut self) -> usize {
        self.guest.memory().len()
    }

    /// Works on the events of a turn, until there are none left or the room should write what came out of them: that is in
    /// the turn as soon as an event is over.
    pub(crate) async fn work(&mut self, turn: &EventBatch, caller: Caller) -> Result<(), Fault> {
        self.pace.set_blocking(caller == Caller::Thread);
        // Not for each event: so a row of short events gives way to others at each tick, too.
        self.guest.store().set_epoch_deadline(1);
        while !turn.is_empty() && self.guest.store().data().outbox.bytes_in_this_go() < relay::BYTES_IN_ONE_GO {
            self.tell(turn).await?;
        }
        self.pace.end_turn();
        self.guest.store().data_mut().outbox.begin_go();
        Ok(())
    }

    /// Tells the guest of the next event, or of several that fit together.
    async fn tell(&mut self, turn: &EventBatch) -> Result<(), Fault> {
        let (mut encoded, mut lengths) = (std::mem::take(&mut self.encoded), std::mem::take(&mut self.lengths));
        self.take_events(turn, &mut encoded, &mut lengths);
        if lengths.is_empty() {
            if let Some(event) = turn.next_event() {
                let (room, event) = (self.guest.store().data().log.room_id(), event.label());
                debug!(room, event, "an event is of a kind that the guest does not know; it is left out");
                turn.finish_event(&mut Vec::new());
            }
            return Ok(());
        }
        self.guest.store().data_mut().begin_event();
        let Instance { guest, pace, engine, over, .. } = self;
        let calls = async |guest: &mut Guest| guest.receive(engine.relay(), &mut encoded, &mut lengths).await;
        let outcome = in_time(guest, pace, calls, || turn.finish_events(&mut over.lock())).await;
        // Where its time was up, nobody has looked yet what was over until then.
        if outcome.is_err() {
            let _ = guest::read_shown(guest.store());
        }
        turn.finish_events(&mut over.lock());
        encoded.clear();
        encoded.shrink_to(KEEP_ENCODED);
        lengths.clear();
        (self.encoded, self.lengths) = (encoded, lengths);
        outcome.map_err(|failed| self.fault(failed.as_ref()))
    }

    fn take_events(&self, turn: &EventBatch, encoded: &mut Vec<u8>, lengths: &mut Vec<u32>) {
        let takes_rows = self.guest.takes_rows();
        turn.take_events(|event| {
            let plain;
            let event = match event {
                // Whoever does not know of details hears of the client all the same.
                Event::ConnectWith { client, .. } if !self.events.contain(event) => {
                    plain = Event::Connect { client: *client };
                    &plain
                }
                event => event,
            };
            if !self.events.contain(event) {
                return false;
            }
            let before = encoded.len();
            match takes_rows {
                true => batch::put_event(event, encoded),
                false => wire::encode_event(event, encoded),
            }
            let is_taken = lengths.is_empty() || encoded.len() <= ROW_BYTES;
            if is_taken {
                // That one is too long for 32 bits is found where it is written into the guest's memory.
                lengths.push(u32::try_from(encoded.len() - before).unwrap_or(u32::MAX));
            } else {
                encoded.truncate(before);
            }
            is_taken
        });
    }

    fn fault(&mut self, failed: Option<&wasmtime::Error>) -> Fault {
        fault(failed, self.guest.store().data(), &self.pace)
    }
}

/// Runs calls into the guest. Whenever they wait, `release` may take what is over already. Without an error, the guest's time
/// was up.
async fn in_time<T>(
    guest: &mut Guest,
    pace: &Pace,
    calls: impl AsyncFnOnce(&mut Guest) -> wasmtime::Result<T>,
    release: impl Fn(),
) -> Result<T, Option<wasmtime::Error>> {
    let calls = pin!(calls(guest));
    let mut paced = pin!(pace.run(calls));
    let mut has_waited = false;
    let outcome = poll_fn(|task| {
        let poll = paced.as_mut().poll(task);
        has_waited |= poll.is_pending();
        if has_waited {
            release();
        }
        poll
    })
    .await;
    match outcome {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Some(error)),
        Err(_) => Err(None),
    }
}

/// How long a row of events may be, in bytes; one event alone may be longer.
const ROW_BYTES: usize = 32 << 10;
/// How much one call of a host function may copy, in bytes. More is refused with an error code of WASI.
const HOST_CALL_BYTES: usize = 1 << 20;
/// The memory of a longer event is given back, as long events are rare.
const KEEP_ENCODED: usize = 64 << 10;

/// What a failed call is; without an error, its time was up.
fn fault(error: Option<&wasmtime::Error>, state: &State, pace: &Pace) -> Fault {
    match error {
        Some(error) => {
            let refused = state.limits.refused();
            failure::fault(error, &Circumstances { pace, refused, last_words: state.log.last_words() })
        }
        None => failure::time_up(pace.time_budget()),
    }
}
