//! One thing that happened in a room.
use std::time::Duration;

use stateroom::{
    fault::Fault,
    messages::{Effect, Event},
};

/// One thing that happened, and when.
#[derive(Debug)]
pub struct Entry {
    /// Counted from 1, in each room.
    pub seq: u64,
    /// In milliseconds since 1970.
    pub unix_ms: f64,
    /// Of which code the instance was.
    pub generation: u64,
    pub happened: Happened,
}

/// What happened.
#[derive(Debug)]
pub enum Happened {
    /// A new instance began, of this code.
    Begin { generation: u64 },
    /// An event has returned.
    Event { event: Event, effects: Vec<Effect>, took: Duration, memory_bytes: Option<usize> },
    /// What the instance was told before was told to new code, or was not; this says which.
    Restore { text: String },
    /// The guest wrote a line.
    Log { text: String },
    /// The instance failed, at this event if it was one. Nothing came of that.
    Fault { event: Option<Event>, fault: Fault },
}

impl Happened {
    /// About how much memory it takes.
    pub fn size(&self) -> usize {
        size_of::<Entry>()
            + match self {
                Happened::Begin { .. } => 0,
                Happened::Event { event, effects, .. } => {
                    size_of_event(event) + effects.iter().map(Effect::size).sum::<usize>()
                }
                Happened::Restore { text } | Happened::Log { text } => text.len(),
                Happened::Fault { event, fault } => {
                    event.as_ref().map_or(0, size_of_event)
                        + fault.message().len()
                        + fault.backtrace().map_or(0, str::len)
                }
            }
    }
}

fn size_of_event(event: &Event) -> usize {
    match event {
        Event::Message { message, .. } | Event::Call { message } => message.size(),
        Event::ConnectWith { details, .. } => details.size(),
        Event::Request { request } => request.size(),
        _ => 0,
    }
}
