//! A handle to one room, for the program around the rooms.
//!
//! *Invariant:* a handle does not keep the room alive. Its requests wait their turn in the inbox.
use std::{fmt, sync::Arc};

use stateroom::{
    ClientId, MessagePayload, MessageRecipient,
    http::{Request, Response},
    messages::Effect,
    room::CloseReason,
};
use tokio::sync::oneshot;

use super::{
    command::RoomCommand,
    inbox::Inbox,
    reply::{CallError, RoomEnded},
};

/// A handle to one room: sends to its clients, calls its service, closes it. Clones are handles to the same room.
///
/// A handle refers to the room that existed when it was made, not to a later room with the same ID, and does not keep the
/// room alive. Get one from [`ServerHandle::room`](crate::ServerHandle::room) where it is needed, and do not keep it.
///
/// While the room's inbox is full ([`Limits::inbox_events`](crate::Limits::inbox_events),
/// [`inbox_bytes`](crate::Limits::inbox_bytes)), requests wait for space, as clients do.
#[derive(Clone)]
pub struct RoomHandle {
    id: Arc<str>,
    inbox: Arc<Inbox>,
}

impl RoomHandle {
    pub(crate) fn new(id: Arc<str>, inbox: Arc<Inbox>) -> Self {
        RoomHandle { id, inbox }
    }

    /// Returns the room's ID.
    ///
    /// ```
    /// # async fn example(room: stateroom_server::RoomHandle) -> Result<(), stateroom_server::RoomEnded> {
    /// println!("room {}", room.id());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the number of connections in the room.
    ///
    /// ```
    /// # async fn example(room: stateroom_server::RoomHandle) -> Result<(), stateroom_server::RoomEnded> {
    /// println!("{} connections", room.connections());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn connections(&self) -> usize {
        self.inbox.connections()
    }

    /// Sends a message to clients of the room, as its service does with
    /// [`send_message`](stateroom::StateroomContext::send_message). The service is not involved. Completes when the message
    /// is in the room's inbox: in order with other requests of this handle, and ahead of what arrives later.
    ///
    /// ```
    /// # async fn example(room: stateroom_server::RoomHandle) -> Result<(), stateroom_server::RoomEnded> {
    /// use stateroom::MessageRecipient;
    ///
    /// room.send(MessageRecipient::Broadcast, "maintenance in 5 minutes").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If the room has ended.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it completes, nothing is sent.
    pub async fn send(
        &self,
        recipient: impl Into<MessageRecipient>,
        message: impl Into<MessagePayload>,
    ) -> Result<(), RoomEnded> {
        self.request_effect(Effect::Message { recipient: recipient.into(), message: message.into() }).await
    }

    /// Closes a client's connection, as the service does with
    /// [`close_client`](stateroom::StateroomContext::close_client): with 1000, or a code from 3000 to 4999. The service
    /// receives `disconnect` as for any other client that leaves. Completes when the request is in the room's inbox.
    ///
    /// ```
    /// # async fn example(room: stateroom_server::RoomHandle) -> Result<(), stateroom_server::RoomEnded> {
    /// use stateroom::ClientId;
    ///
    /// room.close_client(ClientId(7), 4403, "banned").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If the room has ended.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it completes, no client is closed.
    pub async fn close_client(&self, client: ClientId, code: u16, reason: &str) -> Result<(), RoomEnded> {
        self.request_effect(Effect::CloseClient { client, code, reason: reason.to_owned() }).await
    }

    /// Calls the service: its [`call`](stateroom::StateroomService::call) receives the message as an event among others, and
    /// the value it returns is the answer. `None` means that the service does not answer, or is a WebAssembly module built
    /// before calls existed.
    ///
    /// There is no timeout: a guest has a time budget, and a native service is your own. Wrap the call in
    /// `tokio::time::timeout` if the room may be busy.
    ///
    /// ```
    /// # async fn example(room: stateroom_server::RoomHandle) -> Result<(), stateroom_server::CallError> {
    /// let answer = room.call("how many players?").await?;
    /// println!("{:?}", answer.as_ref().and_then(|answer| answer.text()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If the room has ended, or ends before it answers: for instance because this call makes its service fail. If it makes the
    /// service of a durable room fail, only the call does.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the service may or may not receive the message. The answer is lost.
    pub async fn call(&self, message: impl Into<MessagePayload>) -> Result<Option<MessagePayload>, CallError> {
        let (reply, answer) = oneshot::channel();
        self.send_command(RoomCommand::Call { message: message.into(), reply }).await?;
        answer.await.map_err(|_| RoomEnded)?
    }

    /// Sends the service an HTTP request: its [`request`](stateroom::StateroomService::request) receives it as an event among
    /// others, and the value it returns is the response, unchanged.
    ///
    /// ```
    /// # async fn example(room: stateroom_server::RoomHandle) -> Result<(), stateroom_server::CallError> {
    /// use stateroom::http::Request;
    ///
    /// let response = room.request(Request::new("GET", "/score")).await?;
    /// println!("{:?}", response.map(|response| response.status));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`call`](Self::call).
    ///
    /// # Cancel safety
    ///
    /// As for [`call`](Self::call).
    pub async fn request(&self, request: Request) -> Result<Option<Response>, CallError> {
        let (reply, response) = oneshot::channel();
        self.send_command(RoomCommand::Request { request: Box::new(request), reply }).await?;
        response.await.map_err(|_| RoomEnded)?
    }

    /// Injects a message, as if a client had sent it: for tools and tests. Does nothing if the client is not in the room.
    ///
    /// ```
    /// # async fn example(room: stateroom_server::RoomHandle) -> Result<(), stateroom_server::RoomEnded> {
    /// use stateroom::ClientId;
    ///
    /// room.inject_message(ClientId(1), "increment").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If the room has ended.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it completes, no message is injected.
    pub async fn inject_message(&self, client: ClientId, message: impl Into<MessagePayload>) -> Result<(), RoomEnded> {
        self.send_command(RoomCommand::InjectMessage { client, message: message.into() }).await
    }

    /// Fires the service's [`timer`](stateroom::StateroomService::timer) now, whether it is set or not: for tools and tests.
    /// It is no longer set afterwards.
    ///
    /// ```
    /// # async fn example(room: stateroom_server::RoomHandle) -> Result<(), stateroom_server::RoomEnded> {
    /// room.fire_timer().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If the room has ended.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it completes, the timer does not fire.
    pub async fn fire_timer(&self) -> Result<(), RoomEnded> {
        self.send_command(RoomCommand::FireTimer).await
    }

    /// Restarts the room with a fresh service. Its clients stay: the new service receives `init`, then `connect` for each of
    /// them, as after a [swap](crate::ServerHandle::swap). Returns at once. Does nothing if the room has ended.
    ///
    /// ```
    /// # async fn example(room: stateroom_server::RoomHandle) -> Result<(), stateroom_server::RoomEnded> {
    /// room.restart();
    /// # Ok(())
    /// # }
    /// ```
    pub fn restart(&self) {
        self.inbox.restart();
    }

    /// Ends the room: its service receives the `disconnect` of each client, and the clients are closed with this code and
    /// reason. The code is 1000, one from 3000 to 4999 that your clients know, or 1012, after which clients should
    /// reconnect. Clients that join later start a fresh room, if the [strategy](crate::RoomStrategy) allows it; this does not
    /// keep anybody out. Completes when the room has ended.
    ///
    /// What is stored of a durable room is deleted. It is left, and the log says so, if the service fails or finds no place, or if
    /// the store refuses.
    ///
    /// ```
    /// # async fn example(room: stateroom_server::RoomHandle) -> Result<(), stateroom_server::RoomEnded> {
    /// room.close(4000, "game over").await;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the room still ends.
    pub async fn close(&self, code: u16, reason: &str) {
        if !CloseReason::is_room_code(code) {
            tracing::warn!(
                room = &*self.id,
                code,
                "a room was closed with a code reserved for the server; sent as 1000"
            );
        }
        let (ended, has_ended) = oneshot::channel();
        self.inbox.stop(CloseReason::room_closed(code, reason.to_owned()), Some(ended));
        // Nothing is ever sent: the room drops the sender when it ends.
        let _ = has_ended.await;
    }

    async fn request_effect(&self, effect: Effect) -> Result<(), RoomEnded> {
        self.send_command(RoomCommand::Effect(effect)).await
    }

    async fn send_command(&self, command: RoomCommand) -> Result<(), RoomEnded> {
        self.inbox.send(command).await.map_err(|_| RoomEnded)
    }
}

impl fmt::Debug for RoomHandle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RoomHandle").field("id", &self.id).finish_non_exhaustive()
    }
}
