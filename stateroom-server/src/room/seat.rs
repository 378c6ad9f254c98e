//! A connection's place in a room.
//!
//! *Invariant:* leaving cannot fail. A seat is taken once, and its `Drop` is the only way out.
use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
};

use stateroom::{MessagePayload, room::ConnectionId};

use super::{
    command::JoinRequest,
    egress::Egress,
    inbox::{Ended, Inbox, load},
};
use crate::websocket::close::CloseCause;

/// A connection's place in a room. Dropping it leaves the room.
#[derive(Debug)]
pub(crate) struct Seat {
    inbox: Arc<Inbox>,
    connection: ConnectionId,
    egress: Egress,
    /// The cause to close the client with when it has left.
    close: Option<CloseCause>,
}

impl Seat {
    /// Joins a room, as soon as its inbox has space.
    pub(crate) async fn take(inbox: Arc<Inbox>, request: JoinRequest) -> Result<Self, Ended> {
        let connection = inbox.next_connection();
        poll_fn(|context| inbox.poll_space(connection, context)).await;
        Self::join(inbox, connection, request)
    }

    /// Joins a room that has not started, whether its inbox has space or not.
    pub(crate) fn take_first(inbox: Arc<Inbox>, request: JoinRequest) -> Result<Self, Ended> {
        let connection = inbox.next_connection();
        Self::join(inbox, connection, request)
    }

    fn join(inbox: Arc<Inbox>, connection: ConnectionId, request: JoinRequest) -> Result<Self, Ended> {
        let egress = request.egress.clone();
        inbox.join(connection, request)?;
        Ok(Seat { inbox, connection, egress, close: None })
    }

    /// Ready when the room takes more messages; otherwise the connection is woken when it does.
    pub(crate) fn poll_space(&self, context: &Context<'_>) -> Poll<()> {
        self.inbox.poll_space(self.connection, context)
    }

    /// Passes the client's messages to the room, and leaves `messages` empty.
    pub(crate) fn send(&self, messages: &mut Vec<MessagePayload>) {
        if !messages.is_empty() {
            self.egress.add_unhandled(load(messages));
            self.inbox.messages(self.connection, messages);
        }
    }

    /// Leaves, and closes the client once the messages it sent before are handled.
    pub(crate) fn leave(mut self, cause: CloseCause) {
        self.close = Some(cause);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.inbox.leave(self.connection, self.close.take());
    }
}
