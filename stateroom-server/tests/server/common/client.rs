//! A WebSocket client with assertions on the messages it receives.
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
    /// The client ID; 0 until [`Client::receive_id`].
    pub(crate) id: u32,
    socket: Socket,
    /// Messages received while waiting for a pong.
    buffered: VecDeque<Message>,
}

impl Client {
    pub(crate) fn new(socket: Socket) -> Self {
        Client { id: 0, socket, buffered: VecDeque::new() }
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
        // A closed connection is detected by the next receive.
        drop(within_timeout("the server to read", self.socket.send(message)).await);
    }

    /// Returns the next frame of any kind, or `None` at the end of the connection.
    pub(crate) async fn next_frame(&mut self) -> Option<Result<Message, tungstenite::Error>> {
        self.socket.next().await
    }

    /// Returns the next message, skipping pings and pongs.
    pub(crate) async fn receive_message(&mut self) -> Message {
        self.next_message().await.unwrap_or_else(|| panic!("the connection of client {} ended", self.id))
    }

    /// Returns the next message, or `None` when the connection ends.
    pub(crate) async fn next_message(&mut self) -> Option<Message> {
        if let Some(message) = self.buffered.pop_front() {
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

    /// Returns the next message if one is available without waiting.
    pub(crate) async fn poll_message(&mut self) -> Option<Message> {
        loop {
            match tokio::time::timeout(std::time::Duration::ZERO, self.next_frame()).await {
                Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => {}
                Ok(Some(Ok(message))) => return Some(message),
                Ok(Some(Err(_)) | None) | Err(_) => return None,
            }
        }
    }

    /// Returns the next message, which must be a text message.
    pub(crate) async fn receive_text(&mut self) -> String {
        match self.receive_message().await {
            Message::Text(text) => text.as_str().to_owned(),
            Message::Close(close) => panic!("client {} was closed: {close:?}", self.id),
            message => panic!("expected a text message, received {} bytes", message.len()),
        }
    }

    /// Asserts that the next message is the given text.
    #[track_caller]
    pub(crate) fn expect_text(&mut self, text: &str) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            let received = within_timeout(format!("`{text}` at {caller}"), self.receive_text()).await;
            assert_eq!(received, text, "client {} at {caller}", self.id);
        }
    }

    /// Receives the `joined` message and stores the client ID from it.
    pub(crate) async fn receive_id(&mut self) {
        let text = self.receive_text().await;
        self.id = text
            .strip_prefix("joined ")
            .unwrap_or_else(|| panic!("expected `joined ID`, received `{text}`"))
            .parse()
            .unwrap();
    }

    /// Asserts that the next frame is a close frame. Returns its code and reason.
    pub(crate) async fn expect_close(&mut self) -> (u16, String) {
        let (messages, close) = self.receive_until_close().await;
        assert_eq!(messages, [] as [Message; 0], "client {} received messages before the close frame", self.id);
        close
    }

    /// Receives messages until the close frame and replies to it. Returns the messages, and the code and reason of the
    /// close frame.
    pub(crate) async fn receive_until_close(&mut self) -> (Vec<Message>, (u16, String)) {
        let mut messages = Vec::new();
        loop {
            match self.receive_message().await {
                Message::Close(Some(CloseFrame { code, reason })) => {
                    within_timeout("the connection to end", async {
                        while let Some(Ok(_)) = self.next_frame().await {}
                    })
                    .await;
                    return (messages, (code.into(), reason.as_str().to_owned()));
                }
                Message::Close(None) => panic!("close frame without a code"),
                message => messages.push(message),
            }
        }
    }

    /// Waits until the server has passed all messages of this client to the room: pongs are sent in order.
    pub(crate) async fn sync(&mut self) {
        assert!(self.try_sync().await, "the connection of client {} ended", self.id);
    }

    /// Like [`Client::sync`], but also returns when the connection ends. Returns whether it is still open.
    pub(crate) async fn try_sync(&mut self) -> bool {
        self.try_send(Message::Ping("sync".into())).await;
        loop {
            match within_timeout("a pong", self.next_frame()).await {
                Some(Ok(Message::Pong(_))) => return true,
                Some(Ok(Message::Ping(_))) => {}
                Some(Ok(message)) => self.buffered.push_back(message),
                Some(Err(_)) | None => return false,
            }
        }
    }

    /// Sends a close frame and waits for the reply. Returns the messages received before it.
    pub(crate) async fn leave(mut self) -> Vec<Message> {
        self.send(Message::Close(None)).await;
        let mut rest: Vec<Message> = self.buffered.drain(..).collect();
        loop {
            match within_timeout("the connection to end", self.next_frame()).await {
                Some(Ok(Message::Close(_))) | None => return rest,
                Some(Ok(message)) => rest.push(message),
                Some(Err(error)) => panic!("failed to leave: {error}"),
            }
        }
    }

    /// Drops the connection without a close frame.
    pub(crate) fn drop_connection(self) {}

    /// Splits the client into halves that send and receive concurrently.
    pub(crate) fn split(self) -> (SplitSink<Socket, Message>, SplitStream<Socket>) {
        assert!(self.buffered.is_empty());
        self.socket.split()
    }
}
