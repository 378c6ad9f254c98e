//! One entry of a room's record.
use std::time::Duration;

use stateroom::{
    fault::Fault,
    messages::{Effect, Event},
};

/// An entry of a room's record.
#[derive(Debug)]
#[non_exhaustive]
pub struct Entry {
    /// Number of the entry in its room, counted from 1.
    pub seq: u64,
    /// When it was recorded, in milliseconds since the Unix epoch. For an event, the time that its service saw.
    pub unix_ms: f64,
    /// Generation of the code that the room's service was built from.
    pub generation: u64,
    /// The recorded event, fault or output.
    pub kind: RecordKind,
}

/// The content of an [`Entry`].
#[derive(Debug)]
#[non_exhaustive]
pub enum RecordKind {
    /// A new service took over the room.
    Start,
    /// The service has handled an event.
    Event {
        /// The event.
        event: Event,
        /// The effects that it had.
        effects: Vec<Effect>,
        /// How long the service took, in wall-clock time.
        duration: Duration,
        /// Size of the service's memory afterwards, where it is known: that of a WebAssembly guest is.
        memory_bytes: Option<usize>,
    },
    /// The history of the service before was replayed into this one, or could not be.
    Restore {
        /// How much was replayed, or why it was not.
        text: String,
    },
    /// A WebAssembly guest printed a line.
    Log {
        /// The line.
        text: String,
    },
    /// The service failed. The event that failed had no effects.
    Fault {
        /// The event that failed; `None` if the service could not be built.
        event: Option<Event>,
        /// Why it failed.
        fault: Fault,
    },
}

impl RecordKind {
    /// Returns the approximate number of bytes that an entry of it takes.
    pub(crate) fn size(&self) -> usize {
        size_of::<Entry>()
            + match self {
                RecordKind::Start => 0,
                RecordKind::Event { event, effects, .. } => {
                    event_size(event) + effects.iter().map(Effect::size).sum::<usize>()
                }
                RecordKind::Restore { text } | RecordKind::Log { text } => text.len(),
                RecordKind::Fault { event, fault } => {
                    event.as_ref().map_or(0, event_size) + fault.message().len() + fault.backtrace().map_or(0, str::len)
                }
            }
    }
}

fn event_size(event: &Event) -> usize {
    match event {
        Event::Message { message, .. } | Event::Call { message } => message.size(),
        Event::ConnectWith { details, .. } => details.size(),
        Event::Request { request } => request.size(),
        _ => 0,
    }
}
