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
    /// [`RoomConfig::max_connections`](crate::room::RoomConfig::max_connections).
    Connections,
    /// [`RoomConfig::max_tokens`](crate::room::RoomConfig::max_tokens).
    Tokens,
    /// [`RoomConfig::min_timer_interval`](crate::room::RoomConfig::min_timer_interval).
    TimerInterval,
    /// [`RoomConfig::min_empty_timer_interval`](crate::room::RoomConfig::min_empty_timer_interval).
    EmptyTimerInterval,
}

/// Carries out what a room decides. Implemented by the room's driver.
pub trait RoomOutput {
    /// The outbound side of a connection.
    type Egress;
    /// The reason for closing a connection: a reason of the room, or one of the connection itself.
    type Close: From<CloseReason>;
    /// Receives the answer to a call.
    type CallReply;
    /// Receives the response to an HTTP request.
    type RequestReply;

    /// Returns the current time.
    fn now(&self) -> Timestamp;

    /// Adds a client. It receives the messages delivered from now on.
    fn add_member(&mut self, client: ClientId, connection: ConnectionId, egress: Self::Egress);

    /// Removes a client if it is a member through this connection, and closes it if there is a reason. Messages
    /// delivered before are sent first.
    fn remove_member(&mut self, client: ClientId, connection: ConnectionId, reason: Option<Self::Close>);

    /// Closes a connection whose client was never added.
    fn close_egress(&mut self, client: ClientId, egress: Self::Egress, reason: Self::Close);

    /// Delivers a message to its recipients.
    fn deliver(&mut self, recipient: MessageRecipient, message: MessagePayload);

    /// Records that the service has handled a client's message of this size in bytes.
    fn message_handled(&mut self, client: ClientId, connection: ConnectionId, bytes: usize) {
        let _ = (client, connection, bytes);
    }

    /// Answers a call; `None` if the service has no answer.
    fn answer(&mut self, reply: Self::CallReply, message: Option<MessagePayload>);

    /// Responds to an HTTP request; `None` if the service has no response.
    fn respond(&mut self, reply: Self::RequestReply, response: Option<Response>);

    /// Tells a caller that its call failed and was undone, for this reason.
    fn fail_call(&mut self, reply: Self::CallReply, reason: String) {
        let _ = (reply, reason);
    }

    /// Tells a client that its HTTP request failed and was undone, for this reason.
    fn fail_request(&mut self, reply: Self::RequestReply, reason: String) {
        let _ = (reply, reason);
    }

    /// Called after each event, when its change and its effects are applied.
    fn event_applied(&mut self, kind: EventKind) {
        let _ = kind;
    }

    /// Returns whether to pause after an effect, so that the driver can let others run.
    fn pauses(&mut self) -> bool {
        false
    }

    /// Returns whether to pause after an event.
    fn pauses_between_events(&mut self) -> bool {
        self.pauses()
    }

    /// Records that a limit was reached.
    fn limit_reached(&mut self, limit: RoomLimit) {
        let _ = limit;
    }

    /// Records that a service closed a client with a code that is not a service's, and 1000 is sent instead.
    fn close_code_replaced(&mut self, client: ClientId, code: u16) {
        let _ = (client, code);
    }

    /// Records an effect that is modified before it is applied, or ignored.
    fn effect_ignored(&mut self, effect: &Effect) {
        let _ = effect;
    }
}
