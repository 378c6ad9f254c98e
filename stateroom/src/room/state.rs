//! The state of a room, and the changes that finished events and their effects make to it.
//!
//! *Invariant:* a membership changes when its event has returned, right before that event's effects: a broadcast in
//! `connect` reaches the new client, one in `disconnect` does not reach the client that left.
use std::time::Duration;

use super::{
    close::CloseReason,
    config::{Phase, RoomConfig},
    output::RoomOutput,
    pending::PendingEvents,
    roster::{ConnectionId, Roster},
    timers::Timers,
};
use crate::{
    ClientId, MessagePayload,
    http::Response,
    messages::{Effect, Event, EventKind},
};

/// The change a room makes when an event has returned.
pub(super) enum Change<O: RoomOutput> {
    /// The client becomes a member.
    Join { client: ClientId, connection: ConnectionId, egress: O::Egress },
    /// The client stops being a member, and is closed if there is a reason.
    Leave(Leave<O::Close>),
    /// A client's message has been handled.
    Message { client: ClientId, connection: ConnectionId, bytes: usize },
    /// The service answers a call.
    Answer(O::CallReply),
    /// The service responds to an HTTP request.
    Respond(O::RequestReply),
    /// The timer was fired, even if it was not due or not set.
    FireTimer,
    /// No change.
    Nothing,
}

/// What follows the effects of an event: its answer, if it has one.
pub(super) enum OwedAnswer<O: RoomOutput> {
    None,
    Call(O::CallReply, Option<MessagePayload>),
    Request(O::RequestReply, Option<Response>),
}

impl<O: RoomOutput> OwedAnswer<O> {
    pub(super) fn give(self, output: &mut O) {
        match self {
            OwedAnswer::None => {}
            OwedAnswer::Call(reply, answer) => output.answer(reply, answer),
            OwedAnswer::Request(reply, response) => output.respond(reply, response),
        }
    }
}

pub(super) struct Leave<C> {
    pub(super) client: ClientId,
    pub(super) connection: ConnectionId,
    pub(super) reason: Option<C>,
}

pub(super) struct RoomState<C> {
    pub(super) config: RoomConfig,
    pub(super) phase: Phase,
    pub(super) roster: Roster,
    pub(super) timers: Timers,
    /// The withheld `disconnect` of the last client; delivered only if the room continues.
    pub(super) last_leave: Option<Leave<C>>,
}

impl<C: From<CloseReason>> RoomState<C> {
    /// Removes a connection.
    pub(super) fn leave<O: RoomOutput<Close = C>>(
        &mut self,
        pending: &mut PendingEvents<Change<O>>,
        connection: ConnectionId,
        reason: Option<C>,
    ) {
        let Some(client) = self.roster.leave(connection) else { return };
        let leave = Leave { client, connection, reason };
        let is_running = matches!(self.phase, Phase::Running | Phase::Restarting { draining: false });
        if self.config.ends_with_last_client && self.roster.len() == 0 && is_running {
            self.last_leave = Some(leave);
        } else {
            pending.push(Event::Disconnect { client }, Change::Leave(leave));
        }
    }

    /// Begins the end of the room: its clients leave, and are closed for this reason. A room that is ending keeps its first reason.
    pub(super) fn end<O: RoomOutput<Close = C>>(
        &mut self,
        pending: &mut PendingEvents<Change<O>>,
        reason: CloseReason,
    ) {
        if matches!(self.phase, Phase::Stopping(_)) {
            return;
        }
        self.phase = Phase::Stopping(reason.clone());
        if let Some(leave) = self.last_leave.take() {
            pending.push(Event::Disconnect { client: leave.client }, Change::Leave(leave));
        }
        let connections: Vec<_> = self.roster.connections().into_iter().map(|(connection, ..)| connection).collect();
        for connection in connections {
            self.leave(pending, connection, Some(reason.clone().into()));
        }
    }

    pub(super) fn remove_member<O: RoomOutput<Close = C>>(&mut self, leave: Leave<C>, output: &mut O) {
        let Leave { client, connection, reason } = leave;
        if self.roster.remove_member(client, connection) {
            output.remove_member(client, connection, reason);
        }
    }

    /// Makes the change of an event that has returned, ahead of its effects. Returns the answer that follows them.
    pub(super) fn begin_event<O: RoomOutput<Close = C>>(&mut self, change: Change<O>, output: &mut O) -> OwedAnswer<O> {
        match change {
            Change::Join { client, connection, egress } => {
                self.roster.add_member(client, connection);
                output.add_member(client, connection, egress);
            }
            Change::Leave(leave) => self.remove_member(leave, output),
            Change::Message { client, connection, bytes } => output.message_handled(client, connection, bytes),
            Change::FireTimer => self.timers.fire(output.now()),
            Change::Answer(reply) => return OwedAnswer::Call(reply, None),
            Change::Respond(reply) => return OwedAnswer::Request(reply, None),
            Change::Nothing => {}
        }
        OwedAnswer::None
    }

    /// Follows an event that failed and was undone: whoever caused it is closed for this reason, or gets no answer, and a timer
    /// fires again.
    pub(super) fn reject_event<O: RoomOutput<Close = C>>(
        &mut self,
        pending: &mut PendingEvents<Change<O>>,
        kind: EventKind,
        change: Change<O>,
        reason: String,
        output: &mut O,
    ) {
        let closed = |reason| CloseReason::ServiceFailed(reason).into();
        match change {
            Change::Join { client, connection, egress } => {
                self.roster.leave(connection);
                output.close_egress(client, egress, closed(reason));
            }
            Change::Message { client, connection, bytes } => {
                output.message_handled(client, connection, bytes);
                self.remove_member(Leave { client, connection, reason: Some(closed(reason)) }, output);
                self.leave(pending, connection, None);
            }
            // The client has left, whether the service knows or not.
            Change::Leave(leave) => self.remove_member(leave, output),
            Change::Answer(reply) => output.fail_call(reply, reason),
            Change::Respond(reply) => output.fail_request(reply, reason),
            Change::FireTimer | Change::Nothing if kind == EventKind::Timer => self.timers.retry(output.now()),
            Change::FireTimer | Change::Nothing => {}
        }
    }

    /// Applies one effect of an event that ends with `answer`.
    pub(super) fn apply_effect_of_event<O: RoomOutput<Close = C>>(
        &mut self,
        pending: &mut PendingEvents<Change<O>>,
        answer: &mut OwedAnswer<O>,
        effect: Effect,
        output: &mut O,
    ) {
        match (effect, answer) {
            (Effect::Answer { message }, OwedAnswer::Call(_, answer @ None)) => *answer = Some(message),
            (Effect::Respond { response }, OwedAnswer::Request(_, answer @ None)) => *answer = Some(*response),
            (effect, _) => self.apply_effect(pending, effect, output),
        }
    }

    /// Applies one effect.
    pub(super) fn apply_effect<O: RoomOutput<Close = C>>(
        &mut self,
        pending: &mut PendingEvents<Change<O>>,
        effect: Effect,
        output: &mut O,
    ) {
        match effect {
            Effect::Message { recipient, message } => output.deliver(recipient, message),
            Effect::SetTimer { ms_delay } => {
                let (delay, is_empty) = (Duration::from_millis(ms_delay.into()), self.roster.len() == 0);
                let limit = self.timers.set(output.now(), delay, is_empty);
                limit.into_iter().for_each(|limit| output.limit_reached(limit));
            }
            Effect::CloseClient { client, code, reason } => {
                let Some(connection) = self.roster.member(client) else { return };
                if !CloseReason::is_service_code(code) {
                    output.close_code_replaced(client, code);
                }
                let reason = Some(CloseReason::by_service(code, reason).into());
                self.remove_member(Leave { client, connection, reason }, output);
                self.leave(pending, connection, None);
            }
            Effect::EndRoom => self.end(pending, CloseReason::RoomEnded),
            // The event has no answer, or has been answered.
            Effect::Answer { .. } | Effect::Respond { .. } => output.effect_ignored(&effect),
        }
    }
}
