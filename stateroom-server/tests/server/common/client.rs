//! A client that sends messages and expects messages in order.
use std::collections::VecDeque;

use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{self, Message, protocol::CloseFrame},
};

use super::{Io, within_timeout};

type Socket = WebSocketStream<Box<dyn Io>>;

pub(crate) struct Client {
    /// Its ID; 0 until it is received.
    pub(crate) id: u32,
    socket: Socket,
    /// Messages read while waiting for others.
    received: VecDeque<Message>,
}

impl Client {
    pub(crate) fn new(socket: Socket) -> Self {
        Client { id: 0, socket, received: VecDeque::new() }
    }

    pub(crate) async fn send_text(&mut self, text: impl Into<String>) {
        self.send(Message::text(text.into())).await;
    }

    pub(crate) async fn send(&mut self, message: Message) {
        within_timeout("the server to read", self.socket.send(message)).await.unwrap();
    }

    /// Buffers a message, to be sent with the next one.
    pub(crate) async fn feed(&mut self, message: Message) {
        self.socket.feed(message).await.unwrap();
    }

    /// Sends a message, if the connection is still open.
    pub(crate) async fn try_send(&mut self, message: Message) {
        // That it is closed already, the client finds when it listens.
        drop(within_timeout("the server to read", self.socket.send(message)).await);
    }

    /// Returns the next frame of any kind, or the end.
    pub(crate) async fn next_frame(&mut self) -> Option<Result<Message, tungstenite::Error>> {
        self.socket.next().await
    }

    /// Returns the next message, without pings and pongs.
    pub(crate) async fn receive_message(&mut self) -> Message {
        self.next_message().await.unwrap_or_else(|| panic!("the connection of client {} ends", self.id))
    }

    /// Returns the next message, or `None` when the connection ends.
    pub(crate) async fn next_message(&mut self) -> Option<Message> {
        if let Some(message) = self.received.pop_front() {
            return Some(message);
        }
        loop {
            match within_timeout("a message", self.next_frame()).await {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(message)) => return Some(message),
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// Returns the next message, if there is one without waiting.
    pub(crate) async fn poll_message(&mut self) -> Option<Message> {
        loop {
            match tokio::time::timeout(std::time::Duration::ZERO, self.next_frame()).await {
                Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => {}
                Ok(Some(Ok(message))) => return Some(message),
                Ok(Some(Err(_)) | None) | Err(_) => return None,
            }
        }
    }

    /// Returns the next message, which has to be a text.
    pub(crate) async fn receive_text(&mut self) -> String {
        match self.receive_message().await {
            Message::Text(text) => text.as_str().to_owned(),
            Message::Close(close) => panic!("client {} is closed: {close:?}", self.id),
            message => panic!("no text, but {} bytes", message.len()),
        }
    }

    /// Asserts that the next message is this text.
    #[track_caller]
    pub(crate) fn expect_text(&mut self, text: &str) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            let received = within_timeout(format!("`{text}` at {caller}"), self.receive_text()).await;
            assert_eq!(received, text, "what client {} hears at {caller}", self.id);
        }
    }

    /// Receives its ID.
    pub(crate) async fn receive_id(&mut self) {
        let text = self.receive_text().await;
        self.id = text.strip_prefix("joined ").unwrap_or_else(|| panic!("received `{text}` first")).parse().unwrap();
    }

    /// Asserts that the next frame is a close frame. Returns its code and reason.
    pub(crate) async fn expect_close(&mut self) -> (u16, String) {
        let (messages, close) = self.receive_until_close().await;
        assert_eq!(messages, [] as [Message; 0], "client {} hears more before it is closed", self.id);
        close
    }

    /// Returns the messages until the close frame, and its code and reason. The close is then answered.
    pub(crate) async fn receive_until_close(&mut self) -> (Vec<Message>, (u16, String)) {
        let mut messages = Vec::new();
        loop {
            match self.receive_message().await {
                Message::Close(Some(CloseFrame { code, reason })) => {
                    within_timeout("the end", async { while let Some(Ok(_)) = self.next_frame().await {} }).await;
                    return (messages, (code.into(), reason.as_str().to_owned()));
                }
                Message::Close(None) => panic!("closed without a code"),
                message => messages.push(message),
            }
        }
    }

    /// Waits until the server has passed all messages of this client to the room: it answers in order.
    pub(crate) async fn sync(&mut self) {
        assert!(self.try_sync().await, "the connection of client {} ends", self.id);
    }

    /// The same, or until the connection ends. Returns whether it is open.
    pub(crate) async fn try_sync(&mut self) -> bool {
        self.try_send(Message::Ping("?".into())).await;
        loop {
            match within_timeout("a pong", self.next_frame()).await {
                Some(Ok(Message::Pong(_))) => return true,
                Some(Ok(Message::Ping(_))) => {}
                Some(Ok(message)) => self.received.push_back(message),
                Some(Err(_)) | None => return false,
            }
        }
    }

    /// Leaves with a close frame. Returns the messages before the reply.
    pub(crate) async fn leave(mut self) -> Vec<Message> {
        self.send(Message::Close(None)).await;
        let mut rest: Vec<Message> = self.received.drain(..).collect();
        loop {
            match within_timeout("the end", self.next_frame()).await {
                Some(Ok(Message::Close(_))) | None => return rest,
                Some(Ok(message)) => rest.push(message),
                Some(Err(error)) => panic!("leaving fails: {error}"),
            }
        }
    }

    /// Drops the connection without a close frame.
    pub(crate) fn drop_connection(self) {}

    /// Returns the two halves, to send and receive at the same time.
    pub(crate) fn split(self) -> (SplitSink<Socket, Message>, SplitStream<Socket>) {
        assert!(self.received.is_empty());
        self.socket.split()
    }
}
