//! A simulated room while its service lives: what is going to happen, and what comes of what happened.
//!
//! *Invariant:* the changes stand beside the turn's events, one for one, and are made when the event has returned, just before
//! what it asks for.
use std::{
    collections::{BTreeMap, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use super::heard::Heard;
use crate::{
    ClientId, MessagePayload,
    event_batch::{EventBatch, FinishedEvents},
    http::Response,
    messages::{Effect, Event},
    testing::{
        Closed,
        clock::Clock,
        context::RoomContext,
        seats::{Connection, Seats},
    },
};

/// What changes in the room when the event beside it has returned.
pub(super) enum Change {
    /// A client is in the room.
    Join { client: ClientId, connection: Connection },
    /// A client is no longer in the room, and is closed if it did not leave by itself.
    Leave { client: ClientId, connection: Connection, closed: Option<Closed> },
    /// There is an answer.
    Answer,
    /// There is one over HTTP.
    Respond,
    /// Nothing.
    Nothing,
}

/// The room as long as its service lives.
pub(super) struct Life<S> {
    pub(super) service: S,
    pub(super) context: Arc<RoomContext>,
    pub(super) turn: EventBatch,
    changes: VecDeque<Change>,
    pub(super) seats: Seats,
}

/// What outlives a service.
#[derive(Debug, Default)]
pub(super) struct Outside {
    pub(super) heard: BTreeMap<ClientId, Heard>,
    pub(super) clock: Clock,
    pub(super) answer: Option<MessagePayload>,
    pub(super) response: Option<Response>,
}

impl Outside {
    pub(super) fn heard_by(&mut self, client: ClientId) -> &mut Heard {
        self.heard.entry(client).or_default()
    }
}

impl<S> Life<S> {
    pub(super) fn new(service: S, context: Arc<RoomContext>) -> Self {
        Life { service, context, turn: EventBatch::default(), changes: VecDeque::new(), seats: Seats::default() }
    }

    pub(super) fn push(&mut self, event: Event, change: Change) {
        self.turn.add([event]);
        self.changes.push_back(change);
    }

    pub(super) fn apply_finished(&mut self, outside: &mut Outside) {
        let mut finished = FinishedEvents::default();
        self.turn.take_finished(&mut finished);
        let mut effects = finished.effects.into_iter();
        let mut taken = 0;
        for end in finished.ends {
            let change = self.changes.pop_front().unwrap_or(Change::Nothing);
            let (answers, responds) = (matches!(change, Change::Answer), matches!(change, Change::Respond));
            self.change(change, outside);
            for effect in effects.by_ref().take(end - taken) {
                match effect {
                    Effect::Answer { message } if answers && outside.answer.is_none() => outside.answer = Some(message),
                    Effect::Respond { response } if responds && outside.response.is_none() => {
                        outside.response = Some(*response);
                    }
                    effect => self.apply(effect, outside),
                }
            }
            taken = end;
        }
    }

    fn change(&mut self, change: Change, outside: &mut Outside) {
        match change {
            Change::Join { client, connection } => {
                self.seats.add_member(client, connection);
                outside.heard_by(client);
            }
            Change::Leave { client, connection, closed } => {
                if self.seats.remove_member(client, connection) {
                    closed.into_iter().for_each(|closed| outside.heard_by(client).close(closed));
                }
            }
            Change::Answer | Change::Respond | Change::Nothing => {}
        }
    }

    pub(super) fn apply(&mut self, effect: Effect, outside: &mut Outside) {
        match effect {
            Effect::Message { recipient, message } => {
                for client in self.seats.meant_by(recipient) {
                    outside.heard_by(client).message(message.clone());
                }
            }
            Effect::SetTimer { ms_delay } => outside.clock.set_timer(Duration::from_millis(ms_delay.into())),
            Effect::CloseClient { client, code, reason } => {
                let Some(connection) = self.seats.remove_any_member(client) else { return };
                outside.heard_by(client).close(Closed::by_service(code, reason));
                if self.seats.leave(client, connection) {
                    self.push(Event::Disconnect { client }, Change::Leave { client, connection, closed: None });
                }
            }
            // Has no meaning in this event.
            Effect::Answer { .. } | Effect::Respond { .. } => {}
        }
    }

    /// With the service goes its timer. What it does in its `Drop` is its own affair.
    pub(super) fn end(self, outside: &mut Outside) {
        outside.clock.clear_timer();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(self)));
    }
}
