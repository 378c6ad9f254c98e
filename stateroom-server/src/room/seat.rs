//! A connection's place in a room.
//!
//! *Invariant:* leaving cannot fail. A seat is taken once, and giving it up, by whatever way, is its `Drop`.
use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
};

use stateroom::MessagePayload;

use super::inbox::{ConnectionId, Ended, Inbox, Joins, load};
use crate::{outbound::Outbound, websocket::close::CloseCause};

/// A connection's place in a room.
#[derive(Debug)]
pub(crate) struct Seat {
    inbox: Arc<Inbox>,
    connection: ConnectionId,
    outbound: Arc<Outbound>,
    /// Why the client is to be closed when the room hears that it leaves.
    close: Option<CloseCause>,
}

impl Seat {
    /// Joins a room, as soon as that takes further events.
    pub(crate) async fn take(inbox: Arc<Inbox>, joins: Joins) -> Result<Self, Ended> {
        let connection = inbox.number();
        poll_fn(|context| inbox.poll_space(connection, context)).await;
        Self::join(inbox, connection, joins)
    }

    /// Joins a room that has yet to begin. It takes one more, however many were faster.
    pub(crate) fn take_first(inbox: Arc<Inbox>, joins: Joins) -> Result<Self, Ended> {
        let connection = inbox.number();
        Self::join(inbox, connection, joins)
    }

    fn join(inbox: Arc<Inbox>, connection: ConnectionId, joins: Joins) -> Result<Self, Ended> {
        let outbound = joins.outbound.clone();
        inbox.join(connection, joins)?;
        Ok(Seat { inbox, connection, outbound, close: None })
    }

    /// Ready when the room takes further messages; else the connection is woken when it does.
    pub(crate) fn poll_space(&self, context: &Context<'_>) -> Poll<()> {
        self.inbox.poll_space(self.connection, context)
    }

    /// Tells the room what the client has said.
    pub(crate) fn say(&self, messages: &mut Vec<MessagePayload>) {
        if !messages.is_empty() {
            self.outbound.add_unhandled(load(messages));
            self.inbox.say(self.connection, messages);
        }
    }

    /// Leaves, and has the client closed when what it said before is dealt with.
    pub(crate) fn leave(mut self, cause: CloseCause) {
        self.close = Some(cause);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.inbox.leave(self.connection, self.close.take());
    }
}
