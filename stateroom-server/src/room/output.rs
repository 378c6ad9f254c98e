//! The outputs of a room of this server: its members, its callers, and its metrics.
//!
//! *Invariant:* nothing here waits for a client.
use std::{mem, sync::Arc};

use stateroom::{
    ClientId, MessagePayload, MessageRecipient,
    http::Response,
    messages::{Effect, EventKind},
    room::{ConnectionId, RoomLimit, RoomOutput, Timestamp},
};
use tokio::time;

use super::{
    clock::RoomClock,
    egress::Egress,
    members::Members,
    reply::{CallError, Reply},
    turn::Turn,
};
use crate::{
    metrics::{EventCounts, Metrics},
    outbound::Load,
    rate_limit::warnings::WarningLimiter,
    settings::Limit,
    websocket::close::CloseCause,
};

/// How many messages could be queued in the time of a write.
const COST_OF_WRITE: usize = 64;

/// The outputs of a room.
#[derive(Debug)]
pub(super) struct Output {
    room_id: Arc<str>,
    pub(super) clock: RoomClock,
    pub(super) members: Members,
    /// Events applied since this was last taken.
    counts: EventCounts,
    pub(super) turn: Turn,
    /// Members that did not keep up, and are being closed.
    slow: Vec<(ClientId, ConnectionId)>,
}

impl Output {
    pub(super) fn new(room_id: Arc<str>, metrics: Arc<Metrics>) -> Self {
        Output {
            room_id,
            clock: RoomClock::start(),
            members: Members::new(metrics),
            counts: EventCounts::default(),
            turn: Turn::default(),
            slow: Vec::new(),
        }
    }

    /// The kinds of the events applied since the last call.
    pub(super) fn take_counts(&mut self) -> EventCounts {
        mem::take(&mut self.counts)
    }

    /// Writes to the next few members.
    pub(super) fn write(&mut self) {
        let written = self.members.write_some(&mut self.slow);
        self.turn.add(written * COST_OF_WRITE, 0);
    }

    /// Members that did not keep up since the last call. They are no longer among the members.
    pub(super) fn take_slow(&mut self) -> Vec<(ClientId, ConnectionId)> {
        mem::take(&mut self.slow)
    }
}

impl RoomOutput for Output {
    type Egress = Egress;
    type Close = CloseCause;
    type CallReply = Reply<MessagePayload>;
    type RequestReply = Reply<Response>;

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn add_member(&mut self, client: ClientId, connection: ConnectionId, egress: Egress) {
        tracing::debug!(room = &*self.room_id, client = client.0, "client joined");
        self.members.insert(client, connection, egress);
    }

    fn remove_member(&mut self, client: ClientId, connection: ConnectionId, reason: Option<CloseCause>) {
        tracing::debug!(room = &*self.room_id, client = client.0, "client left");
        self.turn.add(COST_OF_WRITE, 0);
        if let (Some(egress), Some(reason)) = (self.members.remove(client, connection), reason) {
            egress.close(reason);
        }
    }

    fn close_egress(&mut self, _: ClientId, egress: Egress, reason: CloseCause) {
        egress.close(reason);
    }

    fn deliver(&mut self, recipient: MessageRecipient, message: MessagePayload) {
        let recipients = self.members.send(recipient, &message);
        self.turn.add(recipients, message.size());
    }

    fn message_handled(&mut self, client: ClientId, connection: ConnectionId, bytes: usize) {
        self.members.handled(client, connection, Load { messages: 1, bytes });
    }

    fn answer(&mut self, reply: Self::CallReply, message: Option<MessagePayload>) {
        // The caller may have stopped waiting.
        let _ = reply.send(Ok(message));
    }

    fn respond(&mut self, reply: Self::RequestReply, response: Option<Response>) {
        let _ = reply.send(Ok(response));
    }

    fn fail_call(&mut self, reply: Self::CallReply, reason: String) {
        let _ = reply.send(Err(CallError::Failed(reason)));
    }

    fn fail_request(&mut self, reply: Self::RequestReply, reason: String) {
        let _ = reply.send(Err(CallError::Failed(reason)));
    }

    fn event_applied(&mut self, kind: EventKind) {
        self.counts.add(kind);
        self.members.is_in_event = false;
    }

    fn pauses(&mut self) -> bool {
        self.members.is_in_event = true;
        self.members.has_many_runs() || self.turn.is_over()
    }

    fn pauses_between_events(&mut self) -> bool {
        self.members.is_full() || self.turn.is_over()
    }

    fn limit_reached(&mut self, limit: RoomLimit) {
        let limit = match limit {
            RoomLimit::Connections => Limit::RoomConnections,
            RoomLimit::Tokens => Limit::Tokens,
            RoomLimit::TimerInterval => Limit::TimerInterval,
            RoomLimit::EmptyTimerInterval => Limit::EmptyTimerInterval,
        };
        limit.exceeded();
    }

    fn close_code_replaced(&mut self, client: ClientId, code: u16) {
        static WARNINGS: WarningLimiter = WarningLimiter::frequent();

        let Some(suppressed) = WARNINGS.allow(time::Instant::now()) else { return };
        tracing::warn!(
            room = &*self.room_id,
            client = client.0,
            code,
            suppressed,
            "a service closed a client with a code reserved for the server; sent as 1000"
        );
    }

    fn effect_ignored(&mut self, effect: &Effect) {
        tracing::debug!(room = &*self.room_id, ?effect, "effect ignored: it has no meaning in its event");
    }
}
