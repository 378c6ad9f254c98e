//! What a guest is told next, and where in its memory that stands.
//!
//! *Invariant:* whatever the guest has done, it is told of an event in memory that it gave for that, and once. What an event
//! asked for is put down before the next one is told.
use std::{collections::VecDeque, future::poll_fn, mem, task::Poll};

use stateroom::{batch, messages::Event, wire};
use tracing::debug;

use super::{State, breach::Breach, kinds::Kinds};
use crate::memory::{self, Buffer};

/// How long a row of events may be, in bytes; one event alone may be longer.
const ROW_BYTES: usize = 32 << 10;
/// After so many bytes of effects, the room gets to write them before the next event.
const BYTES_IN_ONE_GO: usize = 256 << 10;
/// The memory of a longer event is given back, as long events are rare.
const KEEP_ENCODED: usize = 64 << 10;

/// What is called next.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Call {
    /// The guest's function for events, with what stands there.
    Tell { address: u32, length: u32 },
    /// The guest's `malloc`.
    Allocate { length: u32 },
    /// The guest's `free`.
    Free { address: u32, length: u32 },
    /// Our own, until there is something to do.
    #[default]
    Wait,
}

/// What a guest is told, and has been told.
#[derive(Debug, Default)]
pub(crate) struct Telling {
    /// What the guest understands.
    pub(super) kinds: Kinds,
    pub(super) takes_rows: bool,
    /// The guest reads events before it returns, so that one buffer does for all.
    pub(super) buffer: Buffer,
    events: VecDeque<Event>,
    /// The next event or events, and how many. Empty if they are told already.
    encoded: Vec<u8>,
    count: usize,
    called: Call,
}

impl Telling {
    /// Encodes the next event, or the next row of events; says whether there is one.
    fn encode(&mut self) -> bool {
        while let Some(event) = self.events.front() {
            let fits = self.encoded.is_empty()
                || (self.takes_rows && self.encoded.len().saturating_add(batch::event_bytes(event)) <= ROW_BYTES);
            if !fits || !self.kinds.contain(event) {
                break;
            }
            match self.takes_rows {
                true => batch::put_event(event, &mut self.encoded),
                false => wire::encode_event(event, &mut self.encoded),
            }
            self.count += 1;
            self.events.pop_front();
        }
        self.count > 0
    }
}

impl State {
    /// What is called next, after the last call has returned, and with what.
    pub(super) fn next_call(&mut self, memory: &mut [u8], answer: u32) -> Result<Call, Breach> {
        match mem::take(&mut self.telling.called) {
            Call::Tell { .. } if self.telling.takes_rows => {
                self.outbox.read_row(memory::shown(memory, self.shown_at)?)?;
                self.outbox.end_row()?;
            }
            Call::Tell { .. } => self.end_event(),
            Call::Allocate { length } => self.telling.buffer = Buffer::given(memory, answer, length)?,
            Call::Free { .. } | Call::Wait => {}
        }
        let call = self.find_call(memory)?;
        self.telling.called = call;
        Ok(call)
    }

    /// What the event asked for is not kept until the next ones are over, too: one of them may sleep.
    fn end_event(&mut self) {
        self.outbox.end_event();
        self.put_down();
    }

    /// Puts on the desk what is over.
    pub(super) fn put_down(&mut self) {
        self.desk.lock().finished.append(self.outbox.finished());
    }

    fn find_call(&mut self, memory: &mut [u8]) -> Result<Call, Breach> {
        let telling = &mut self.telling;
        while telling.count == 0 {
            if self.outbox.bytes_in_this_go() >= BYTES_IN_ONE_GO {
                return Ok(Call::Wait);
            }
            if telling.encode() {
                break;
            }
            let Some(event) = telling.events.pop_front() else { return Ok(Call::Wait) };
            let (room, event) = (self.log.room_id(), event.label());
            debug!(room, event, "an event is of a kind that the guest does not know; it is left out");
            self.outbox.end_event();
        }
        let bytes = telling.encoded.len();
        let length = u32::try_from(bytes).map_err(|_| Breach::EventLength { length: bytes })?;
        if !telling.buffer.suits(length) {
            let Buffer { address, capacity } = mem::take(&mut telling.buffer);
            return Ok(match capacity {
                0 => Call::Allocate { length: Buffer::capacity_for(length) },
                capacity => Call::Free { address, length: capacity },
            });
        }
        let address = telling.buffer.address;
        memory::bytes_mut(memory, address, length)?.copy_from_slice(&telling.encoded);
        telling.encoded.clear();
        let count = mem::take(&mut telling.count);
        if telling.takes_rows {
            // Those of the row before would else be taken for those of this one.
            memory::forget_shown(memory, self.shown_at)?;
            self.outbox.begin_row(count);
        }
        self.log.begin_event();
        self.limits.begin_event();
        Ok(Call::Tell { address, length })
    }

    /// Puts down what there is, and waits for events.
    pub(super) async fn wait(&mut self) {
        self.telling.encoded.shrink_to(KEEP_ENCODED);
        self.outbox.end_go();
        {
            let mut desk = self.desk.lock();
            desk.finished.append(self.outbox.finished());
            desk.events.append(&mut self.telling.events);
            desk.is_idle = true;
        }
        self.outbox.trim();
        // Whoever puts something on the desk looks after this, too.
        poll_fn(|_| if self.take_up() { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    /// Takes what is on the desk; says whether there is something to do.
    pub(super) fn take_up(&mut self) -> bool {
        let mut desk = self.desk.lock();
        if !desk.is_idle {
            mem::swap(&mut desk.events, &mut self.telling.events);
        }
        !desk.is_idle
    }
}
