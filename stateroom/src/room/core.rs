//! The state machine of a room.
//!
//! *Invariant:* each connection that joins gets one `connect` and one `disconnect`, in this order, with its messages in
//! between. The one exception is the last `disconnect` of a room that ends with its last client.
#[cfg(test)]
mod tests;

use std::{mem, sync::Arc};

use super::{
    close::CloseReason,
    config::{JoinRequest, Phase, Rejected, RoomConfig},
    output::{RoomLimit, RoomOutput},
    pending::{Applied, FinishedEffects, PendingEvents},
    roster::{ConnectionId, JoinOutcome, Roster, RosterSnapshot},
    state::{Change, Leave, OwedAnswer, RoomState},
    timers::{Timers, Timestamp},
    tokens::TokenOutcome,
};
use crate::{
    ClientId, MessagePayload,
    details::ClientDetails,
    event_batch::EventBatch,
    http::Request,
    messages::{Effect, Event, EventKind},
};

/// The core of a room: turns inputs into events for the service, and finished events into calls of a [`RoomOutput`].
pub struct RoomCore<O: RoomOutput> {
    pending: PendingEvents<Change<O>>,
    state: RoomState<O::Close>,
    /// The answer of the event of which a part is applied.
    answer: OwedAnswer<O>,
}

impl<O: RoomOutput> RoomCore<O> {
    /// Creates a room. Its first service starts with [`begin`](Self::begin).
    #[must_use]
    pub fn new(config: RoomConfig) -> Self {
        let state = RoomState {
            phase: Phase::Running,
            roster: Roster::new(config.max_connections, config.max_tokens),
            timers: Timers::new(config.min_timer_interval, config.min_empty_timer_interval),
            last_leave: None,
            config,
        };
        RoomCore { pending: PendingEvents::default(), state, answer: OwedAnswer::None }
    }

    /// Continues the room of a snapshot with a service that has its state: the clients that were in it have left.
    pub fn resume(&mut self, snapshot: &RosterSnapshot) {
        self.restore(snapshot);
        for client in &snapshot.clients {
            self.push(Event::Disconnect { client: *client }, Change::Nothing);
        }
    }

    /// Restores the client IDs, tokens and timer of a snapshot, before [`begin`](Self::begin). The restored room is
    /// empty.
    pub fn restore(&mut self, snapshot: &RosterSnapshot) {
        self.state.roster.restore(snapshot);
        self.state.timers.restore(snapshot.timer_due);
    }

    /// Returns the part of the room that outlives its process.
    #[must_use]
    pub fn snapshot(&self) -> RosterSnapshot {
        RosterSnapshot { timer_due: self.timer_due(), ..self.state.roster.snapshot() }
    }

    /// Starts a service: it receives `init`, and `connect` for each client that stayed from a previous service.
    pub fn begin(&mut self) {
        self.push(Event::Init, Change::Nothing);
        for (_, client, details) in self.state.roster.connections() {
            let details = details.map(|details| Box::new(details.clone()));
            self.pending.push(connect(client, details), Change::Nothing);
        }
        if let Phase::Restarting { draining } = self.state.phase {
            self.state.phase = if draining { Phase::Draining } else { Phase::Running };
        }
        if self.state.phase == Phase::Draining && !self.state.config.is_durable {
            // Each service of a draining room receives it.
            self.push(Event::Shutdown, Change::Nothing);
        }
    }

    /// Returns the events for the service to handle.
    #[must_use]
    pub fn pending(&self) -> &Arc<EventBatch> {
        self.pending.batch()
    }

    /// Returns whether the service has taken every event.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.pending.is_empty()
    }

    /// Returns the phase of the room's life.
    #[must_use]
    pub fn phase(&self) -> &Phase {
        &self.state.phase
    }

    /// Returns whether no client is in the room.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.state.roster.len() == 0
    }

    /// Returns the clients in the room whose `connect` has returned, in the order of their connection IDs.
    #[must_use]
    pub fn members(&self) -> Vec<ClientId> {
        self.state.roster.members().into_iter().map(|(_, client)| client).collect()
    }

    /// Returns the connections in the room, in the order of their connection IDs.
    #[must_use]
    pub fn connections(&self) -> Vec<ConnectionId> {
        self.state.roster.connections().into_iter().map(|(connection, ..)| connection).collect()
    }

    /// Returns the connection of a client that has joined and not left.
    #[must_use]
    pub fn connection(&self, client: ClientId) -> Option<ConnectionId> {
        self.state.roster.connection(client)
    }

    /// Returns the time at which the service's timer fires.
    #[must_use]
    pub fn timer_due(&self) -> Option<Timestamp> {
        self.state.timers.due(self.is_empty())
    }

    /// Returns the next time at which the driver has to wake the room.
    #[must_use]
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.state.timers.next(self.is_empty())
    }

    /// Adds a client. Returns its ID.
    ///
    /// # Errors
    ///
    /// If the phase does not allow it, the room is full, or no client IDs are left.
    pub fn join(&mut self, request: JoinRequest<O::Egress>, output: &mut O) -> Result<ClientId, Rejected<O::Egress>> {
        // Even if the join is rejected or the client leaves immediately: the deadline then starts again.
        self.state.timers.stop_empty();
        let JoinRequest { connection, token, details, egress } = request;
        let reject = |egress, reason| Err(Rejected { egress, reason });
        match &self.state.phase {
            Phase::Stopping(reason) => return reject(egress, reason.clone()),
            Phase::Draining | Phase::Restarting { draining: true } => return reject(egress, CloseReason::Stopping),
            Phase::Running | Phase::Restarting { draining: false } => {}
        }
        self.deliver_last_leave();
        let joined = self.state.roster.join(connection, token, details.clone());
        let (client, replaces, remembered) = match joined {
            JoinOutcome::Joined { client, replaces, remembered } => (client, replaces, remembered),
            JoinOutcome::RoomFull => {
                output.limit_reached(RoomLimit::Connections);
                return reject(egress, CloseReason::RoomFull);
            }
            JoinOutcome::ClientIdsExhausted => return reject(egress, CloseReason::ClientIdsExhausted),
        };
        if matches!(remembered, Some(TokenOutcome::ReplacedAbsent | TokenOutcome::NotRemembered)) {
            output.limit_reached(RoomLimit::Tokens);
        }
        if let Some(connection) = replaces {
            let leave = Leave { client, connection, reason: Some(CloseReason::Replaced.into()) };
            self.push(Event::Disconnect { client }, Change::Leave(leave));
        }
        self.push(connect(client, details), Change::Join { client, connection, egress });
        Ok(client)
    }

    /// Removes a connection, and closes it for this reason when its `disconnect` has returned.
    pub fn leave(&mut self, connection: ConnectionId, reason: Option<O::Close>) {
        self.state.leave(&mut self.pending, connection, reason);
    }

    /// Removes a connection that the driver has stopped writing to. It receives nothing more.
    pub fn lose(&mut self, client: ClientId, connection: ConnectionId) {
        self.state.roster.remove_member(client, connection);
        self.leave(connection, None);
    }

    /// Delivers a client's message. Messages of connections that have left are dropped.
    pub fn message(&mut self, connection: ConnectionId, message: MessagePayload) {
        let Some(client) = self.state.roster.client(connection) else { return };
        let bytes = message.size();
        self.push(Event::Message { sender: client, message }, Change::Message { client, connection, bytes });
    }

    /// Injects a message, as if a client had sent it. Returns whether the client is in the room.
    pub fn inject_message(&mut self, client: ClientId, message: MessagePayload) -> bool {
        let is_here = self.connection(client).is_some();
        if is_here {
            self.push(Event::Message { sender: client, message }, Change::Nothing);
        }
        is_here
    }

    /// Delivers a call from the program that embeds the server.
    pub fn call(&mut self, message: MessagePayload, reply: O::CallReply) {
        self.push(Event::Call { message }, Change::Answer(reply));
    }

    /// Delivers an HTTP request.
    pub fn request(&mut self, request: Box<Request>, reply: O::RequestReply) {
        self.push(Event::Request { request }, Change::Respond(reply));
    }

    /// Fires the timer, even if it is not due or not set.
    pub fn fire_timer(&mut self) {
        self.push(Event::Timer, Change::FireTimer);
    }

    /// Fires the timer if it is due, unless an event is pending that may replace it. Returns whether it fired.
    pub fn fire_due_timer(&mut self, output: &O) -> bool {
        let fires = self.is_idle()
            && self.timer_due().is_some()
            && self.state.timers.take_due(output.now(), self.state.roster.len() == 0);
        if fires {
            self.push(Event::Timer, Change::Nothing);
        }
        fires
    }

    /// Starts draining: clients may no longer join, and the service receives `shutdown`.
    pub fn drain(&mut self) {
        self.deliver_last_leave();
        self.state.phase = match self.state.phase {
            Phase::Running => Phase::Draining,
            Phase::Restarting { draining: false } => Phase::Restarting { draining: true },
            Phase::Draining | Phase::Restarting { draining: true } | Phase::Stopping(_) => return,
        };
        if !self.state.config.is_durable {
            self.push(Event::Shutdown, Change::Nothing);
        }
    }

    /// Requests that another service replace the current one once its events have returned.
    pub fn restart(&mut self) {
        self.state.phase = match self.state.phase {
            Phase::Running => Phase::Restarting { draining: false },
            Phase::Draining => Phase::Restarting { draining: true },
            Phase::Restarting { .. } | Phase::Stopping(_) => return,
        };
    }

    /// Ends the current service of a restart, and clears its timer.
    pub fn end_service(&mut self, output: &mut O) {
        self.settle_last_leave(output);
        self.state.timers.clear();
    }

    /// Stops the room: the service receives `shutdown` and each `disconnect`, and the clients are closed with this
    /// reason. A room that is already stopping keeps its first reason.
    pub fn stop(&mut self, reason: CloseReason) {
        if self.state.config.is_durable && reason == CloseReason::Stopping {
            if !matches!(self.state.phase, Phase::Stopping(_)) {
                self.state.phase = Phase::Stopping(reason);
            }
            return;
        }
        self.deliver_last_leave();
        match &self.state.phase {
            Phase::Stopping(_) => return,
            Phase::Draining | Phase::Restarting { draining: true } => {}
            Phase::Running | Phase::Restarting { draining: false } => self.push(Event::Shutdown, Change::Nothing),
        }
        self.state.end(&mut self.pending, reason);
    }

    /// Starts or cancels the deadline of an empty room.
    pub fn update_empty_deadline(&mut self, output: &O) {
        let RoomState { roster, timers, config, .. } = &mut self.state;
        if roster.len() > 0 {
            timers.stop_empty();
        } else {
            let timeout = if roster.was_joined() { config.empty_timeout } else { config.unjoined_timeout };
            timers.start_empty(output.now(), timeout);
        }
    }

    /// Returns whether the deadline of the empty room has passed and no event is pending.
    #[must_use]
    pub fn is_expired(&self, output: &O) -> bool {
        self.is_empty() && self.is_idle() && self.state.timers.is_empty_over(output.now())
    }

    /// Applies the changes and the effects of the events that have finished. Returns whether all are applied: where the
    /// [output pauses](RoomOutput::pauses), the next call continues. Until then, the driver passes nothing else to the room.
    pub fn apply_finished(&mut self, output: &mut O) -> bool {
        let RoomCore { pending, state, answer } = self;
        pending.apply_finished(
            |pending: &mut PendingEvents<Change<O>>, kind, change, effects: &mut FinishedEffects<'_>| {
                if let Some(change) = change {
                    if let Some(reason) = effects.rejection() {
                        state.reject_event(pending, kind, change, reason.into(), output);
                        return Applied::Event;
                    }
                    *answer = state.begin_event(change, output);
                    if kind == EventKind::Timer {
                        state.timers.succeed();
                    }
                }
                for effect in effects {
                    state.apply_effect_of_event(pending, answer, effect, output);
                    if output.pauses() {
                        return Applied::Part;
                    }
                }
                mem::replace(answer, OwedAnswer::None).give(output);
                output.event_applied(kind);
                if output.pauses_between_events() { Applied::EventThenPause } else { Applied::Event }
            },
        )
    }

    /// Applies an effect that was requested outside of an event.
    pub fn apply(&mut self, effect: Effect, output: &mut O) {
        self.state.apply_effect(&mut self.pending, effect, output);
    }

    /// Returns the outbound sides of the clients whose `connect` has not returned.
    pub fn joining(&self) -> impl Iterator<Item = &O::Egress> {
        self.pending.changes().filter_map(|change| match change {
            Change::Join { egress, .. } => Some(egress),
            _ => None,
        })
    }

    /// Closes all members and all clients that are about to join. Drops the events that have not returned.
    pub fn close(&mut self, reason: &CloseReason, output: &mut O) {
        // The last client is closed with its own reason.
        self.settle_last_leave(output);
        for (connection, client) in self.state.roster.members() {
            self.state.roster.remove_member(client, connection);
            output.remove_member(client, connection, Some(reason.clone().into()));
        }
        for change in self.pending.abandon() {
            if let Change::Join { client, egress, .. } = change {
                output.close_egress(client, egress, reason.clone().into());
            }
        }
    }

    /// Releases excess memory.
    pub fn shrink(&mut self) {
        self.pending.shrink();
    }

    fn push(&mut self, event: Event, change: Change<O>) {
        self.pending.push(event, change);
    }

    /// Delivers the withheld `disconnect` of the last client, because the room continues.
    fn deliver_last_leave(&mut self) {
        if let Some(leave) = self.state.last_leave.take() {
            self.push(Event::Disconnect { client: leave.client }, Change::Leave(leave));
        }
    }

    /// Removes the last client without delivering its `disconnect`.
    fn settle_last_leave(&mut self, output: &mut O) {
        if let Some(leave) = self.state.last_leave.take() {
            self.state.remove_member(leave, output);
        }
    }
}

fn connect(client: ClientId, details: Option<Box<ClientDetails>>) -> Event {
    match details {
        Some(details) => Event::ConnectWith { client, details },
        None => Event::Connect { client },
    }
}
