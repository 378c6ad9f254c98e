//! The inbox of a room: everything that happens to it, in order.
//!
//! *Invariant:* the inbox is bounded for readers, which wait while it is full. Leaving, and the server's own commands,
//! always fit.
use std::{
    collections::BTreeMap,
    future::poll_fn,
    mem,
    task::{Context, Poll, Waker},
    time::Duration,
};

use parking_lot::{Mutex, MutexGuard};
use stateroom::{
    MessagePayload,
    messages::Effect,
    room::{CloseReason, ConnectionId, EffectSink},
};
use tokio::{sync::oneshot, time::Instant};

use super::{
    command::{JoinRequest, RoomCommand},
    egress::Egress,
    stats::RoomStats,
};
use crate::{
    outbound::Load,
    settings::{Limit, Limits},
    websocket::close::CloseCause,
};

/// The inbox of a room.
#[derive(Debug)]
pub(crate) struct Inbox {
    state: Mutex<State>,
    max_bytes: usize,
    max_events: usize,
    created: Instant,
    stats: RoomStats,
}

#[derive(Debug, Default)]
struct State {
    commands: Vec<RoomCommand>,
    bytes: usize,
    last_connection: u64,
    /// Number of connections in the room, or about to be.
    connections: usize,
    was_joined: bool,
    /// When the last connection left.
    emptied: Option<Instant>,
    /// Since when nothing has happened in a room that may sleep, and does not.
    idle: Option<Instant>,
    ended: bool,
    /// The actor, while it waits.
    actor: Option<Waker>,
    /// The connections that wait for space.
    readers: BTreeMap<ConnectionId, Waker>,
}

/// The state of a room without connections and commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Vacancy {
    pub(crate) was_joined: bool,
    /// When the last connection left, or else when the room was created.
    pub(crate) since: Instant,
}

/// The room has ended, and takes no more commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ended;

impl Inbox {
    pub(crate) fn new(limits: &Limits) -> Self {
        // One event has to fit, or none would ever be handled.
        let (max_bytes, max_events) = (limits.inbox_bytes.max(1), limits.inbox_events.max(1));
        Inbox { state: Mutex::default(), max_bytes, max_events, created: Instant::now(), stats: RoomStats::default() }
    }

    /// Assigns an ID to a connection that is about to join.
    pub(crate) fn next_connection(&self) -> ConnectionId {
        let mut state = self.state.lock();
        state.last_connection += 1;
        ConnectionId(state.last_connection)
    }

    /// Adds a join.
    pub(crate) fn join(&self, connection: ConnectionId, request: JoinRequest) -> Result<(), Ended> {
        let mut state = self.state.lock();
        if state.ended {
            return Err(Ended);
        }
        state.connections += 1;
        state.was_joined = true;
        Self::push(state, [RoomCommand::Join { connection, request }]);
        Ok(())
    }

    /// Ready when a connection may add a command; otherwise it is woken when it may.
    pub(crate) fn poll_space(&self, connection: ConnectionId, context: &Context<'_>) -> Poll<()> {
        let mut state = self.state.lock();
        if state.ended || !self.is_full(&state) {
            return Poll::Ready(());
        }
        let limit = if state.bytes >= self.max_bytes { Limit::InboxBytes } else { Limit::InboxEvents };
        limit.exceeded();
        state.readers.insert(connection, context.waker().clone());
        Poll::Pending
    }

    /// Adds a client's messages, and leaves `messages` empty.
    pub(crate) fn messages(&self, connection: ConnectionId, messages: &mut Vec<MessagePayload>) {
        let commands = messages.drain(..).map(|message| RoomCommand::Message { connection, message });
        Self::push(self.state.lock(), commands);
    }

    /// Removes a connection, and has it closed if there is a cause.
    pub(crate) fn leave(&self, connection: ConnectionId, close: Option<CloseCause>) {
        let mut state = self.state.lock();
        state.connections = state.connections.saturating_sub(1);
        state.readers.remove(&connection);
        if state.connections == 0 {
            state.emptied = Some(Instant::now());
        }
        Self::push(state, [RoomCommand::Leave { connection, close }]);
    }

    /// Adds a command of the program around the rooms, as soon as there is space.
    pub(crate) async fn send(&self, command: RoomCommand) -> Result<(), Ended> {
        let place = self.next_connection();
        poll_fn(|context| self.poll_space(place, context)).await;
        let state = self.state.lock();
        if state.ended {
            return Err(Ended);
        }
        Self::push(state, [command]);
        Ok(())
    }

    /// Has the room close its clients within this time. The receiver is ready when it has.
    pub(crate) fn drain(&self, time: Duration) -> oneshot::Receiver<()> {
        let (done, is_done) = oneshot::channel();
        Self::push(self.state.lock(), [RoomCommand::Drain { time, done }]);
        is_done
    }

    /// Has the room replace its service.
    pub(crate) fn restart(&self) {
        Self::push(self.state.lock(), [RoomCommand::Restart]);
    }

    /// Has the room end if no client is in it. The receiver is ready when it has ended, or continues.
    pub(crate) fn evict(&self) -> oneshot::Receiver<()> {
        let (ended, has_ended) = oneshot::channel();
        Self::push(self.state.lock(), [RoomCommand::Evict { ended }]);
        has_ended
    }

    /// Has the room sleep, if it is idle. The receiver is ready when it sleeps, or continues.
    pub(crate) fn rest(&self) -> Option<oneshot::Receiver<()>> {
        let state = self.state.lock();
        state.idle.filter(|_| state.commands.is_empty() && !state.ended)?;
        let (slept, has_slept) = oneshot::channel();
        Self::push(state, [RoomCommand::Rest { slept }]);
        Some(has_slept)
    }

    /// Notes that the room waits since this time, and may sleep.
    pub(crate) fn idle_since(&self, time: Instant) {
        self.state.lock().idle = Some(time);
    }

    /// Notes that the room sleeps. It ends if it is alone and no command has arrived. Returns whether it has ended.
    pub(crate) fn sleep(&self, is_alone: bool) -> bool {
        let mut state = self.state.lock();
        state.idle = None;
        state.commands.retain(|command| !matches!(command, RoomCommand::Rest { .. }));
        state.ended |= is_alone && state.commands.is_empty();
        state.ended
    }

    /// Returns whether no command has arrived.
    pub(crate) fn is_empty(&self) -> bool {
        self.state.lock().commands.is_empty()
    }

    /// Returns since when the room waits and may sleep, if it does.
    pub(crate) fn idle(&self) -> Option<Instant> {
        let state = self.state.lock();
        state.idle.filter(|_| state.commands.is_empty() && !state.ended)
    }

    /// Has the room end, and close its clients for this reason.
    pub(crate) fn stop(&self, reason: CloseReason, ended: Option<oneshot::Sender<()>>) {
        Self::push(self.state.lock(), [RoomCommand::Stop { reason, ended }]);
    }

    /// Ready when a command has arrived; otherwise the actor is woken when one does.
    pub(crate) fn poll_commands(&self, context: &Context<'_>) -> Poll<()> {
        let mut state = self.state.lock();
        if !state.commands.is_empty() {
            return Poll::Ready(());
        }
        state.actor = Some(context.waker().clone());
        Poll::Pending
    }

    /// Exchanges `commands`, which must be empty, for all commands that have arrived.
    pub(crate) fn take(&self, commands: &mut Vec<RoomCommand>) {
        let mut state = self.state.lock();
        mem::swap(&mut state.commands, commands);
        state.bytes = 0;
        state.idle = None;
        let readers = mem::take(&mut state.readers);
        drop(state);
        readers.into_values().for_each(Waker::wake);
    }

    /// Returns the clients that have joined, and of which the room has not heard.
    pub(crate) fn joining(&self) -> Vec<Egress> {
        let joining = |command: &RoomCommand| match command {
            RoomCommand::Join { request, .. } => Some(request.egress.clone()),
            _ => None,
        };
        self.state.lock().commands.iter().filter_map(joining).collect()
    }

    /// Returns what the first command wakes a sleeping room for.
    pub(crate) fn first_cause(&self) -> Option<&'static str> {
        self.state.lock().commands.first().map(RoomCommand::cause)
    }

    /// Takes a command to stop because the server does, or for any reason, if there is one. The others are too late: they stay until
    /// the room ends.
    pub(crate) fn take_stop(&self, for_any_reason: bool) -> Option<(CloseReason, Option<oneshot::Sender<()>>)> {
        let mut state = self.state.lock();
        let is_stop = |command: &RoomCommand| {
            let RoomCommand::Stop { reason, .. } = command else { return false };
            for_any_reason || *reason == CloseReason::Stopping
        };
        let at = state.commands.iter().position(is_stop)?;
        match state.commands.remove(at) {
            RoomCommand::Stop { reason, ended } => Some((reason, ended)),
            _ => None,
        }
    }

    /// Takes the commands to end if no client is in the room. Dropping what they return says that the room continues.
    pub(crate) fn take_evictions(&self) -> Vec<oneshot::Sender<()>> {
        let mut state = self.state.lock();
        let is_eviction = |command: &mut RoomCommand| matches!(command, RoomCommand::Evict { .. });
        let ended = |command| if let RoomCommand::Evict { ended } = command { Some(ended) } else { None };
        state.commands.extract_if(.., is_eviction).filter_map(ended).collect()
    }

    /// Takes the command to close the clients, if it is the only one.
    pub(crate) fn take_only_drain(&self) -> Option<(Duration, oneshot::Sender<()>)> {
        let mut state = self.state.lock();
        let is_only = state.commands.len() == 1;
        match state.commands.pop_if(|command| is_only && matches!(command, RoomCommand::Drain { .. }))? {
            RoomCommand::Drain { time, done } => Some((time, done)),
            _ => None,
        }
    }

    /// Puts commands back that were taken, ahead of those that have arrived since.
    pub(crate) fn put_back(&self, mut commands: Vec<RoomCommand>) {
        let mut state = self.state.lock();
        state.bytes += commands.iter().map(RoomCommand::size).sum::<usize>();
        commands.append(&mut state.commands);
        state.commands = commands;
    }

    /// Ends the room unless a command has arrived. Returns whether it has ended.
    pub(crate) fn end_if_empty(&self) -> bool {
        let mut state = self.state.lock();
        state.ended |= state.commands.is_empty();
        state.ended
    }

    /// Ends the room, and returns the commands it has not taken.
    pub(crate) fn end(&self) -> Vec<RoomCommand> {
        let mut state = self.state.lock();
        state.ended = true;
        let readers = mem::take(&mut state.readers);
        let commands = mem::take(&mut state.commands);
        drop(state);
        readers.into_values().for_each(Waker::wake);
        commands
    }

    /// The room's statistics.
    pub(crate) fn stats(&self) -> &RoomStats {
        &self.stats
    }

    /// Number of connections in the room, or about to be.
    pub(crate) fn connections(&self) -> usize {
        self.state.lock().connections
    }

    /// Returns the number of connections in the room, or about to be, unless it has ended.
    pub(crate) fn live_connections(&self) -> Option<usize> {
        let state = self.state.lock();
        (!state.ended).then_some(state.connections)
    }

    /// Returns since when the room has no connections, unless it has commands or has ended.
    pub(crate) fn vacancy(&self) -> Option<Vacancy> {
        let state = self.state.lock();
        let is_vacant = !state.ended && state.connections == 0 && state.commands.is_empty();
        let since = state.emptied.unwrap_or(self.created);
        is_vacant.then_some(Vacancy { was_joined: state.was_joined, since })
    }

    /// Returns whether the room has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.state.lock().ended
    }

    fn push(mut state: MutexGuard<'_, State>, commands: impl IntoIterator<Item = RoomCommand>) {
        // A room that has ended takes no more commands.
        if state.ended {
            return;
        }
        for command in commands {
            state.bytes += command.size();
            state.commands.push(command);
        }
        let actor = state.actor.take();
        drop(state);
        if let Some(actor) = actor {
            actor.wake();
        }
    }

    fn is_full(&self, state: &State) -> bool {
        state.bytes >= self.max_bytes || state.commands.len() >= self.max_events
    }
}

impl EffectSink for Inbox {
    /// Adds an effect that a service requests outside of its events. Drops it if the inbox is full.
    fn request(&self, room_id: &str, effect: Effect) {
        let state = self.state.lock();
        if !state.ended && self.is_full(&state) {
            drop(state);
            tracing::warn!(
                room = room_id,
                "effect dropped: the service requested it outside of an event, and the inbox is full"
            );
            return;
        }
        Self::push(state, [RoomCommand::Effect(effect)]);
    }
}

/// The load of a client's messages until the room has handled them.
pub(crate) fn load(messages: &[MessagePayload]) -> Load {
    Load { messages: messages.len(), bytes: messages.iter().map(MessagePayload::size).sum() }
}
