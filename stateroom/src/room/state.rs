//! The state of a room, and the changes that finished events and their effects make to it.
//!
//! *Invariant:* a membership changes when its event has returned, right before that event's effects: a broadcast in
//! `connect` reaches the new client, one in `disconnect` does not reach the client that left.
use std::time::Duration;

use super::{
    close::CloseReason,
    config::{Phase, RoomConfig},
    output::{RoomLimit, RoomOutput},
    pending::{FinishedEffects, PendingEvents},
    roster::{ConnectionId, Roster},
    timers::Timers,
};
use crate::{
    ClientId,
    messages::{Effect, Event},
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

    pub(super) fn remove_member<O: RoomOutput<Close = C>>(&mut self, leave: Leave<C>, output: &mut O) {
        let Leave { client, connection, reason } = leave;
        if self.roster.remove_member(client, connection) {
            output.remove_member(client, connection, reason);
        }
    }

    /// Applies an event that has returned: its change, then its effects.
    pub(super) fn apply_event<O: RoomOutput<Close = C>>(
        &mut self,
        pending: &mut PendingEvents<Change<O>>,
        change: Change<O>,
        effects: FinishedEffects<'_, '_>,
        output: &mut O,
    ) {
        match change {
            Change::Join { client, connection, egress } => {
                self.roster.add_member(client, connection);
                output.add_member(client, connection, egress);
            }
            Change::Leave(leave) => self.remove_member(leave, output),
            Change::Message { client, connection, bytes } => output.message_handled(client, connection, bytes),
            Change::FireTimer => self.timers.fire(output.now()),
            Change::Answer(reply) => {
                let mut answer = None;
                for effect in effects {
                    match effect {
                        Effect::Answer { message } if answer.is_none() => answer = Some(message),
                        effect => self.apply_effect(pending, effect, output),
                    }
                }
                return output.answer(reply, answer);
            }
            Change::Respond(reply) => {
                let mut answer = None;
                for effect in effects {
                    match effect {
                        Effect::Respond { response } if answer.is_none() => answer = Some(*response),
                        effect => self.apply_effect(pending, effect, output),
                    }
                }
                return output.respond(reply, answer);
            }
            Change::Nothing => {}
        }
        effects.for_each(|effect| self.apply_effect(pending, effect, output));
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
                if self.timers.set(output.now(), Duration::from_millis(ms_delay.into())) {
                    output.limit_reached(RoomLimit::TimerInterval);
                }
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
            // The event has no answer, or has been answered.
            Effect::Answer { .. } | Effect::Respond { .. } => output.effect_ignored(&effect),
        }
    }
}
