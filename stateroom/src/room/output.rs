//! The outputs of a room.
use crate::{
    ClientId, MessagePayload, MessageRecipient,
    http::Response,
    messages::{Effect, EventKind},
    room::{CloseReason, ConnectionId, Timestamp},
};

/// A limit that a room reaches on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoomLimit {
    /// [`RoomRules::max_connections`](crate::room::RoomRules::max_connections).
    Connections,
    /// [`RoomRules::max_tokens`](crate::room::RoomRules::max_tokens).
    Tokens,
    /// [`RoomRules::min_timer_interval`](crate::room::RoomRules::min_timer_interval).
    TimerInterval,
}

/// Carries out what a room decides. Implemented by the room's driver.
pub trait RoomOutput {
    /// The way out to one connection.
    type Egress;
    /// The reason a connection is closed with: the room's reasons, and those of the connection itself.
    type Close: From<CloseReason>;
    /// Receives the answer to a call.
    type CallReply;
    /// Receives the response to an HTTP request.
    type RequestReply;

    /// The current time.
    fn now(&self) -> Timestamp;

    /// Adds a client, which receives messages from here on.
    fn add_member(&mut self, client: ClientId, connection: ConnectionId, egress: Self::Egress);

    /// Removes a client if it is here by this connection, and closes it if there is a reason. Messages delivered before
    /// reach it first.
    fn remove_member(&mut self, client: ClientId, connection: ConnectionId, reason: Option<Self::Close>);

    /// Closes a connection whose client was never added.
    fn close_egress(&mut self, client: ClientId, egress: Self::Egress, reason: Self::Close);

    /// Delivers a message to the clients it is for.
    fn deliver(&mut self, recipient: MessageRecipient, message: MessagePayload);

    /// Records that the service has handled a client's message of this size in bytes.
    fn message_handled(&mut self, client: ClientId, connection: ConnectionId, bytes: usize) {
        let _ = (client, connection, bytes);
    }

    /// Answers a call; `None` if the service has no answer.
    fn answer(&mut self, reply: Self::CallReply, message: Option<MessagePayload>);

    /// Responds to an HTTP request; `None` if the service has no response.
    fn respond(&mut self, reply: Self::RequestReply, response: Option<Response>);

    /// Called after each event, when its change and its effects are applied.
    fn event_applied(&mut self, kind: EventKind) {
        let _ = kind;
    }

    /// Records that a limit was reached.
    fn limit_reached(&mut self, limit: RoomLimit) {
        let _ = limit;
    }

    /// Records an effect that is carried out in another way than requested, or not at all.
    fn effect_ignored(&mut self, effect: &Effect) {
        let _ = effect;
    }
}
