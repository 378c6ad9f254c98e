//! What is going to happen in a room: who joins and leaves as whom, and the events that the service gets to hear of it.
//!
//! *Invariant:* each connection that has joined gets one `connect` and one `disconnect`, in this order, with its messages
//! between them; the one exception is the last `disconnect` of a room that ends with it.
use std::{collections::VecDeque, sync::Arc};

use rustc_hash::FxHashMap;
use stateroom::{
    ClientId, MessagePayload, details::ClientDetails, event_batch::EventBatch, http::Response, messages::Event,
};
use tokio::sync::oneshot;

use super::{
    inbox::{Answer, ConnectionId, Joins, Post, load},
    tokens::Tokens,
};
use crate::{
    limits,
    metrics::EventKind,
    outbound::{Load, Outbound},
    settings::{Limits, ShutdownPolicy},
    websocket::close::CloseCause,
};

/// What changes in the room when the event beside it has returned.
#[derive(Debug)]
pub(crate) enum Step {
    /// A client is in the room.
    Join { client: ClientId, connection: ConnectionId, outbound: Arc<Outbound> },
    /// A client is no longer in the room, and is closed if there is a cause.
    Leave { client: ClientId, connection: ConnectionId, close: Option<CloseCause> },
    /// Something that a client had said is dealt with.
    Said { client: ClientId, connection: ConnectionId, load: Load },
    /// Who has called gets an answer.
    Answer(Answer),
    /// Who has asked over HTTP gets one.
    Respond(oneshot::Sender<Option<Response>>),
    /// The timer has fired, whether it was set or not.
    Fire,
    /// Nothing.
    Other(EventKind),
}

impl Step {
    /// Of which event it is.
    pub(crate) fn kind(&self) -> EventKind {
        match self {
            Step::Join { .. } => EventKind::Connect,
            Step::Leave { .. } => EventKind::Disconnect,
            Step::Said { .. } => EventKind::Message,
            Step::Answer(_) => EventKind::Call,
            Step::Respond(_) => EventKind::Request,
            Step::Fire => EventKind::Timer,
            Step::Other(kind) => *kind,
        }
    }
}

/// What is going to happen in a room.
pub(crate) struct Schedule {
    /// The events that wait for the service.
    pub(crate) turn: Arc<EventBatch>,
    /// What each of those changes.
    pub(crate) steps: VecDeque<Step>,
    connections: FxHashMap<ConnectionId, Seated>,
    clients: FxHashMap<ClientId, ConnectionId>,
    tokens: Tokens,
    /// How many connections there may be.
    most: usize,
    last_client: u32,
    policy: ShutdownPolicy,
    /// The `disconnect` with which the room ends, under [`ShutdownPolicy::Immediate`]: delivered only if it does not.
    last_leave: Option<Step>,
    /// Why the room was told to end, if it was.
    stopped: Option<CloseCause>,
    /// Whether nobody is let in any more, as the server is about to stop.
    draining: bool,
    /// Whether the service has heard that the room is about to end.
    has_heard: bool,
    /// Those who wait for the room's end: they hear of it when this is dropped.
    wait_for_end: Vec<oneshot::Sender<()>>,
}

struct Seated {
    client: ClientId,
    token: Option<String>,
    /// For a service that takes the place of this one.
    details: Option<Box<ClientDetails>>,
}

impl Schedule {
    pub(crate) fn new(limits: &Limits, policy: ShutdownPolicy) -> Self {
        Schedule {
            turn: Arc::default(),
            steps: VecDeque::new(),
            connections: FxHashMap::default(),
            clients: FxHashMap::default(),
            tokens: Tokens::new(limits.tokens),
            most: limits.room_connections,
            last_client: 0,
            policy,
            last_leave: None,
            stopped: None,
            draining: false,
            has_heard: false,
            wait_for_end: Vec::new(),
        }
    }

    /// A service begins: it hears of the room, and of everybody who is in it already, as another one was there before.
    pub(crate) fn begin(&mut self) {
        self.push(Event::Init, Step::Other(EventKind::Init));
        let mut seated: Vec<(ConnectionId, Event)> =
            self.connections.iter().map(|(id, seated)| (*id, joined(seated.client, seated.details.clone()))).collect();
        seated.sort_unstable_by_key(|(id, _)| *id);
        for (_, event) in seated {
            self.push(event, Step::Other(EventKind::Connect));
        }
        if std::mem::take(&mut self.has_heard) {
            // The one before has; so must this one.
            self.tell_shutdown();
        }
    }

    /// Who is in the room, or about to be.
    pub(crate) fn connections(&self) -> impl Iterator<Item = ConnectionId> {
        self.connections.keys().copied()
    }

    /// From now on nobody is let in, as the server is about to stop.
    pub(crate) fn drain(&mut self) {
        self.draining = true;
        self.release_last_leave();
        self.tell_shutdown();
    }

    fn tell_shutdown(&mut self) {
        if !std::mem::replace(&mut self.has_heard, true) {
            self.push(Event::Shutdown, Step::Other(EventKind::Shutdown));
        }
    }

    /// Schedules an event.
    pub(crate) fn push(&mut self, event: Event, step: Step) {
        self.turn.add([event]);
        self.steps.push_back(step);
    }

    /// Schedules what has arrived. Gives back a connection that cannot be let in, with the cause.
    pub(crate) fn post(&mut self, post: Post) -> Option<(Arc<Outbound>, CloseCause)> {
        match post {
            Post::Join { connection, joins } => return self.join(connection, joins),
            Post::Leave { connection, close } => self.leave(connection, close),
            Post::Message { connection, message } => self.say(connection, message),
            // Who is not here says nothing.
            Post::SayAs { client, message } if self.clients.contains_key(&client) => {
                self.push(Event::Message { sender: client, message }, Step::Other(EventKind::Message));
            }
            Post::Call { message, answer } => self.push(Event::Call { message }, Step::Answer(answer)),
            Post::Stop { cause, ended } => {
                self.wait_for_end.extend(ended);
                self.stop(cause);
            }
            Post::Request { request, answer } => self.push(Event::Request { request }, Step::Respond(answer)),
            // Done by the actor, between events.
            Post::Effect(_) | Post::Drain { .. } | Post::FireTimer | Post::Restart | Post::SayAs { .. } => {}
        }
        None
    }

    /// A connection leaves, and is closed when its `disconnect` has returned if there is a cause.
    pub(crate) fn leave(&mut self, connection: ConnectionId, close: Option<CloseCause>) {
        let Some(seated) = self.connections.remove(&connection) else { return };
        self.clients.remove(&seated.client);
        if let Some(token) = &seated.token {
            self.tokens.absent(token);
        }
        let step = Step::Leave { client: seated.client, connection, close };
        let ends_room = self.policy == ShutdownPolicy::Immediate
            && self.connections.is_empty()
            && self.stopped.is_none()
            && !self.draining;
        if ends_room {
            self.last_leave = Some(step);
        } else {
            self.push(Event::Disconnect { client: seated.client }, step);
        }
    }

    /// The `disconnect` with which the room ends, if it does: it is not delivered.
    pub(crate) fn take_last_leave(&mut self) -> Option<Step> {
        self.last_leave.take()
    }

    /// Whether nobody is in the room, or about to be.
    pub(crate) fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    /// Whether anybody ever was.
    pub(crate) fn was_joined(&self) -> bool {
        self.last_client > 0
    }

    /// Why the room was told to end, if it was.
    pub(crate) fn stopped(&self) -> Option<&CloseCause> {
        self.stopped.as_ref()
    }

    fn join(&mut self, connection: ConnectionId, joins: Joins) -> Option<(Arc<Outbound>, CloseCause)> {
        let Joins { mut token, details, outbound } = joins;
        if let Some(cause) = &self.stopped {
            return Some((outbound, cause.clone()));
        }
        if self.draining {
            return Some((outbound, CloseCause::Stopping));
        }
        self.release_last_leave();
        let returning = token.as_deref().and_then(|token| self.tokens.returning(token));
        let replaces = returning.is_some_and(|client| self.clients.contains_key(&client));
        if self.connections.len() >= self.most && !replaces {
            if let (Some(token), Some(_)) = (&token, returning) {
                self.tokens.absent(token);
            }
            limits::exceeded("room_connections");
            return Some((outbound, CloseCause::RoomFull));
        }
        let Some(client) = returning.or_else(|| self.last_client.checked_add(1).map(ClientId)) else {
            return Some((outbound, CloseCause::NumbersExhausted));
        };
        if returning.is_none() {
            self.last_client = client.0;
            // A token that is not remembered brings no number back, and so must not be looked for.
            token = token.filter(|token| self.tokens.remember(token, client));
        } else if let Some(replaced) = self.clients.get(&client).copied() {
            self.replace(replaced, client);
        }
        self.clients.insert(client, connection);
        self.connections.insert(connection, Seated { client, token, details: details.clone() });
        self.push(joined(client, details), Step::Join { client, connection, outbound });
        None
    }

    /// The client's live connection makes way for another one: the room does not become empty by that.
    fn replace(&mut self, connection: ConnectionId, client: ClientId) {
        self.connections.remove(&connection);
        let step = Step::Leave { client, connection, close: Some(CloseCause::Replaced) };
        self.push(Event::Disconnect { client }, step);
    }

    fn say(&mut self, connection: ConnectionId, message: MessagePayload) {
        // Of a connection that was replaced or closed, the room hears no more.
        let Some(seated) = self.connections.get(&connection) else { return };
        let client = seated.client;
        let load = load(std::slice::from_ref(&message));
        self.push(Event::Message { sender: client, message }, Step::Said { client, connection, load });
    }

    fn stop(&mut self, cause: CloseCause) {
        let cause = self.stopped.get_or_insert(cause).clone();
        self.release_last_leave();
        self.tell_shutdown();
        let mut connections: Vec<ConnectionId> = self.connections.keys().copied().collect();
        connections.sort_unstable();
        for connection in connections {
            self.leave(connection, Some(cause.clone()));
        }
    }

    fn release_last_leave(&mut self) {
        if let Some(step) = self.last_leave.take()
            && let Step::Leave { client, .. } = step
        {
            self.push(Event::Disconnect { client }, step);
        }
    }
}

/// A client has joined, and this is known of it.
fn joined(client: ClientId, details: Option<Box<ClientDetails>>) -> Event {
    match details {
        Some(details) => Event::ConnectWith { client, details },
        None => Event::Connect { client },
    }
}
