//! The commands to a room.
//!
//! *Invariant:* the size of a command includes everything that its sender has chosen the length of.
use std::time::Duration;

use stateroom::{
    ClientId, MessagePayload,
    details::ClientDetails,
    http::{Request, Response},
    messages::Effect,
    room::{CloseReason, ConnectionId},
};
use tokio::sync::oneshot;

use super::{egress::Egress, reply::Reply};
use crate::websocket::close::CloseCause;

/// A client that joins.
#[derive(Debug, Clone)]
pub(crate) struct JoinRequest {
    /// The token by which the client keeps its ID. A secret.
    pub(crate) token: Option<String>,
    /// Details of the client besides its ID.
    pub(crate) details: Option<Box<ClientDetails>>,
    pub(crate) egress: Egress,
}

impl JoinRequest {
    fn size(&self) -> usize {
        self.token.as_ref().map_or(0, String::len) + self.details.as_ref().map_or(0, |details| details.size())
    }
}

/// A command to a room.
#[derive(Debug)]
pub(crate) enum RoomCommand {
    /// Add a client.
    Join { connection: ConnectionId, request: JoinRequest },
    /// Remove a connection, and close it if there is a cause.
    Leave { connection: ConnectionId, close: Option<CloseCause> },
    /// Pass on a client's message.
    Message { connection: ConnectionId, message: MessagePayload },
    /// Apply an effect requested outside of an event, or through a handle.
    Effect(Effect),
    /// Pass on a call.
    Call { message: MessagePayload, reply: Reply<MessagePayload> },
    /// Pass on an HTTP request.
    Request { request: Box<Request>, reply: Reply<Response> },
    /// Close the clients, each at a random time within `time`. `done` is dropped when all are closed.
    Drain { time: Duration, done: oneshot::Sender<()> },
    /// Pass on a message as if a client had sent it.
    InjectMessage { client: ClientId, message: MessagePayload },
    /// Fire the timer now.
    FireTimer,
    /// Replace the service by a new one.
    Restart,
    /// Put the room to sleep, if nothing has happened since it was asked. `slept` is dropped when it sleeps, or continues.
    Rest { slept: oneshot::Sender<()> },
    /// End the room if no client is in it. `ended` is dropped when it has ended, or continues.
    Evict { ended: oneshot::Sender<()> },
    /// End the room. `ended` is dropped when it has ended.
    Stop { reason: CloseReason, ended: Option<oneshot::Sender<()>> },
}

impl RoomCommand {
    /// Returns what the command wakes a sleeping room for.
    pub(super) fn cause(&self) -> &'static str {
        match self {
            RoomCommand::Join { .. } => "join",
            RoomCommand::Leave { .. } => "leave",
            RoomCommand::Message { .. } | RoomCommand::InjectMessage { .. } => "message",
            RoomCommand::Call { .. } | RoomCommand::Effect(_) => "call",
            RoomCommand::Request { .. } => "request",
            RoomCommand::FireTimer => "timer",
            RoomCommand::Drain { .. }
            | RoomCommand::Restart
            | RoomCommand::Rest { .. }
            | RoomCommand::Evict { .. }
            | RoomCommand::Stop { .. } => "admin",
        }
    }

    pub(super) fn size(&self) -> usize {
        size_of::<RoomCommand>()
            + match self {
                RoomCommand::Message { message, .. }
                | RoomCommand::Call { message, .. }
                | RoomCommand::InjectMessage { message, .. } => message.size(),
                RoomCommand::Effect(effect) => effect.size(),
                RoomCommand::Request { request, .. } => request.size(),
                RoomCommand::Join { request, .. } => request.size(),
                RoomCommand::Leave { .. }
                | RoomCommand::Drain { .. }
                | RoomCommand::FireTimer
                | RoomCommand::Restart
                | RoomCommand::Rest { .. }
                | RoomCommand::Evict { .. }
                | RoomCommand::Stop { .. } => 0,
            }
    }
}
