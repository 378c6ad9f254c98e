//! A room, as the program around the rooms has hold of it.
//!
//! *Invariant:* it is no member of the room and does not keep it alive; what it wants takes its turn in the inbox.
use std::{fmt, sync::Arc};

use stateroom::{
    ClientId, MessagePayload, MessageRecipient,
    http::{Request, Response},
    messages::Effect,
};
use thiserror::Error;
use tokio::sync::oneshot;

use super::inbox::{Inbox, Post};
use crate::connection::close::CloseCause;

/// A handle to one room: speaks to its clients, asks its service, closes it. Clones are handles to the same room.
///
/// It is to the room that there was when the handle was made: once that has ended, another room of the same id is not
/// meant. So take one where it is needed, from [`ServerHandle::room`](crate::ServerHandle::room), and do not keep it. It
/// does not keep the room alive.
///
/// While the room's mailbox is full ([`Limits::mailbox_events`](crate::Limits::mailbox_events),
/// [`mailbox_bytes`](crate::Limits::mailbox_bytes)), what is sent waits for space, as clients do.
#[derive(Clone)]
pub struct RoomHandle {
    id: Arc<str>,
    inbox: Arc<Inbox>,
}

/// The room has ended, and did not do what was asked of it, or not to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the room has ended")]
pub struct RoomEnded;

impl RoomHandle {
    pub(crate) fn new(id: Arc<str>, inbox: Arc<Inbox>) -> Self {
        RoomHandle { id, inbox }
    }

    /// The room's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// How many connections it has.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.inbox.connections()
    }

    /// Sends a message to clients of the room, as its service does by
    /// [`send_message`](stateroom::StateroomContext::send_message). The service does not hear of it. Ready when the room
    /// has it in its mailbox: in order with what else this handle wants, and ahead of what arrives later.
    ///
    /// # Errors
    ///
    /// If the room has ended.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped before it is ready, nothing is sent.
    pub async fn send(
        &self,
        recipient: impl Into<MessageRecipient>,
        message: impl Into<MessagePayload>,
    ) -> Result<(), RoomEnded> {
        self.post(Post::Effect(Effect::Message { recipient: recipient.into(), message: message.into() })).await
    }

    /// Closes a client's connection, as the service does by
    /// [`close_client`](stateroom::StateroomContext::close_client): with 1000, or a code from 3000 to 4999. The service
    /// hears of it as of any other `disconnect`. Ready as [`send`](Self::send) is.
    ///
    /// # Errors
    ///
    /// If the room has ended.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped before it is ready, nobody is closed.
    pub async fn close_client(&self, client: ClientId, code: u16, reason: &str) -> Result<(), RoomEnded> {
        self.post(Post::Effect(Effect::CloseClient { client, code, reason: reason.to_owned() })).await
    }

    /// Asks the service something: its [`call`](stateroom::StateroomService::call) gets the message, as an event like
    /// others, and what it returns is the answer. `None` is a service that has none, or, of a WebAssembly module, one that
    /// was built before there were calls.
    ///
    /// There is no timeout, as a guest has a budget and a native service is your own. Wrap it in `tokio::time::timeout`
    /// where the room may have much to do before.
    ///
    /// # Errors
    ///
    /// If the room has ended, or ends before it answers: as its service fails, for instance, maybe at this very call.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, the service may or may not get the message; the answer is lost.
    pub async fn call(&self, message: impl Into<MessagePayload>) -> Result<Option<MessagePayload>, RoomEnded> {
        let (answer, answered) = oneshot::channel();
        self.post(Post::Call { message: message.into(), answer }).await?;
        answered.await.map_err(|_| RoomEnded)
    }

    /// Asks the service something as over HTTP: its [`request`](stateroom::StateroomService::request) gets it, as an event like
    /// others, and what that returns is the answer, as it is.
    ///
    /// # Errors
    ///
    /// If the room has ended, or ends before it answers.
    ///
    /// # Cancel safety
    ///
    /// As [`call`](Self::call).
    pub async fn request(&self, request: Request) -> Result<Option<Response>, RoomEnded> {
        let (answer, answered) = oneshot::channel();
        self.post(Post::Request { request: Box::new(request), answer }).await?;
        answered.await.map_err(|_| RoomEnded)
    }

    /// Delivers a message to the service as if the client had sent it, for tools and tests. Does nothing if the client is
    /// not in the room.
    ///
    /// # Errors
    ///
    /// If the room has ended.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it completes, the message is not delivered.
    pub async fn inject_message(&self, client: ClientId, message: impl Into<MessagePayload>) -> Result<(), RoomEnded> {
        self.post(Post::SayAs { client, message: message.into() }).await
    }

    /// Has the service's [`timer`](stateroom::StateroomService::timer) called now, whether it is set or not: for tools and
    /// tests. If it is set, it is so no more.
    ///
    /// # Errors
    ///
    /// If the room has ended.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped before it is ready, nothing is called.
    pub async fn fire_timer(&self) -> Result<(), RoomEnded> {
        self.post(Post::FireTimer).await
    }

    /// Has the room begin again with a fresh service. Its clients stay: the new one hears `init`, then `connect` for each of
    /// them, as after a [swap](crate::ServerHandle::swap). Returns at once; a room that has ended stays so.
    pub fn restart(&self) {
        self.inbox.restart();
    }

    /// Ends the room: its service gets the `disconnect` of each client, and they are closed with this code and reason.
    /// The code is 1000, one from 3000 to 4999 that your clients know, or 1012, after which clients should come back.
    /// Whoever joins then begins a fresh room, where the [strategy](crate::RoomStrategy) lets them; this is no way to
    /// keep anybody out. Ready when the room has ended; at once if it had before.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, the room ends all the same.
    pub async fn close(&self, code: u16, reason: &str) {
        let (ended, has_ended) = oneshot::channel();
        self.inbox.stop(CloseCause::room_closed(&self.id, code, reason.to_owned()), Some(ended));
        // It is never sent: that the room drops it says that it is over.
        let _ = has_ended.await;
    }

    async fn post(&self, post: Post) -> Result<(), RoomEnded> {
        self.inbox.request(post).await.map_err(|_| RoomEnded)
    }
}

impl fmt::Debug for RoomHandle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RoomHandle").field("id", &self.id).finish_non_exhaustive()
    }
}
