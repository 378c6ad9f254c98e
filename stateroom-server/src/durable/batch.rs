//! The events that a durable room handles together.
//!
//! *Invariant:* the record has the events of the batch, in their order.
use std::sync::Arc;

use stateroom::{
    event_batch::EventBatch,
    fault::{Fault, FaultKind},
    messages::Event,
};

use super::record::BatchRecord;

/// Events to handle, with their record.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) record: BatchRecord,
    pub(super) events: Arc<EventBatch>,
    /// The indices and copies of those that change who is in the room, or its timer.
    pub(super) moves: Vec<(usize, Event)>,
}

impl Batch {
    /// Maximum number of events in a batch. What waits while another is on its way to the disk is written together.
    const MAX_EVENTS: usize = 1024;
    /// Size of the events from which a batch gets no further one, in bytes.
    const MAX_BYTES: usize = 128 << 10;

    pub(super) fn is_full(&self) -> bool {
        self.record.events() >= Self::MAX_EVENTS || self.record.bytes() >= Self::MAX_BYTES
    }

    pub(super) fn len(&self) -> usize {
        self.record.events()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn push(&mut self, event: Event) {
        if let Event::Connect { .. } | Event::ConnectWith { .. } | Event::Disconnect { .. } | Event::Timer = event {
            self.moves.push((self.record.events(), event.clone()));
        }
        self.record.push(&event);
        self.events.push(event);
    }

    /// Returns the events that were not handled.
    pub(super) fn rest(&self) -> impl DoubleEndedIterator<Item = Event> {
        std::iter::from_fn(|| self.events.next_event()).collect::<Vec<_>>().into_iter()
    }

    /// Returns the events again.
    pub(super) fn decode(&self) -> Result<Vec<Event>, Fault> {
        self.record
            .decode()
            .map_err(|error| Fault::new(FaultKind::Storage, format!("a batch of events cannot be read again: {error}")))
    }
}
