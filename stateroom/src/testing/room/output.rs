//! The outputs of a simulated room: what each client received, and the answers to calls and requests.
//!
//! *Invariant:* outputs outlive a service that fails, so a test can inspect them afterwards.
use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::received::Received;
use crate::{
    ClientId, MessagePayload, MessageRecipient,
    http::Response,
    messages::Effect,
    room::{CloseReason, ConnectionId, EffectSink, RoomOutput, Timestamp},
    testing::{Closed, RoomClock},
};

/// The outputs of a simulated room.
#[derive(Debug, Default)]
pub(super) struct SimulatedOutput {
    pub(super) clock: RoomClock,
    pub(super) received: BTreeMap<ClientId, Received>,
    members: BTreeSet<ClientId>,
    pub(super) answer: Option<MessagePayload>,
    pub(super) response: Option<Response>,
}

impl SimulatedOutput {
    pub(super) fn new(clock: RoomClock) -> Self {
        SimulatedOutput { clock, ..SimulatedOutput::default() }
    }

    pub(super) fn received(&mut self, client: ClientId) -> &mut Received {
        self.received.entry(client).or_default()
    }

    pub(super) fn close(&mut self, client: ClientId, reason: &CloseReason) {
        self.received(client).close(Closed::from(reason));
    }
}

impl RoomOutput for SimulatedOutput {
    type Egress = ();
    type Close = CloseReason;
    type CallReply = ();
    type RequestReply = ();

    fn now(&self) -> Timestamp {
        self.clock.timestamp()
    }

    fn add_member(&mut self, client: ClientId, _: ConnectionId, (): ()) {
        self.members.insert(client);
        self.received(client);
    }

    fn remove_member(&mut self, client: ClientId, _: ConnectionId, reason: Option<CloseReason>) {
        self.members.remove(&client);
        if let Some(reason) = reason {
            self.close(client, &reason);
        }
    }

    fn close_egress(&mut self, client: ClientId, (): (), reason: CloseReason) {
        self.close(client, &reason);
    }

    fn deliver(&mut self, recipient: MessageRecipient, message: MessagePayload) {
        for client in self.members.iter().filter(|client| recipient.includes(**client)) {
            self.received.entry(*client).or_default().message(message.clone());
        }
    }

    fn answer(&mut self, (): (), message: Option<MessagePayload>) {
        self.answer = message;
    }

    fn respond(&mut self, (): (), response: Option<Response>) {
        self.response = response;
    }
}

/// Effects requested outside of events, until the room takes them.
#[derive(Debug)]
pub(super) struct OutsideEffects {
    effects: Mutex<Vec<Effect>>,
    clock: RoomClock,
}

impl OutsideEffects {
    pub(super) fn new(clock: RoomClock) -> Self {
        OutsideEffects { effects: Mutex::default(), clock }
    }

    pub(super) fn take(&self) -> Vec<Effect> {
        mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Effect>> {
        self.effects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EffectSink for OutsideEffects {
    fn request(&self, _: &str, effect: Effect) {
        self.lock().push(effect);
    }

    fn now(&self) -> Duration {
        self.clock.wall_time()
    }
}
