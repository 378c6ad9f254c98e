//! A client that says things, and expects to hear things in order.
use std::collections::VecDeque;

use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{self, Message, protocol::CloseFrame},
};

use super::{Io, patiently};

type Socket = WebSocketStream<Box<dyn Io>>;

pub(crate) struct Client {
    /// The number that the room gave it; 0 as long as it has not heard it.
    pub(crate) id: u32,
    socket: Socket,
    /// Read, but not yet asked for.
    heard: VecDeque<Message>,
}

impl Client {
    pub(crate) fn new(socket: Socket) -> Self {
        Client { id: 0, socket, heard: VecDeque::new() }
    }

    pub(crate) async fn say(&mut self, text: impl Into<String>) {
        self.send(Message::text(text.into())).await;
    }

    pub(crate) async fn send(&mut self, message: Message) {
        patiently("the server to read", self.socket.send(message)).await.unwrap();
    }

    /// Says something together with what it says next.
    pub(crate) async fn feed(&mut self, message: Message) {
        self.socket.feed(message).await.unwrap();
    }

    /// Says something, if the connection still is.
    pub(crate) async fn try_send(&mut self, message: Message) {
        // That it is closed already, the client finds when it listens.
        drop(patiently("the server to read", self.socket.send(message)).await);
    }

    /// The next frame of any kind, or the end.
    pub(crate) async fn frame(&mut self) -> Option<Result<Message, tungstenite::Error>> {
        self.socket.next().await
    }

    /// The next message: not what the protocol itself says.
    pub(crate) async fn message(&mut self) -> Message {
        self.message_or_end().await.unwrap_or_else(|| panic!("the connection of client {} ends", self.id))
    }

    /// The next message, or `None` when the connection ends by whatever way.
    pub(crate) async fn message_or_end(&mut self) -> Option<Message> {
        if let Some(message) = self.heard.pop_front() {
            return Some(message);
        }
        loop {
            match patiently("a message", self.frame()).await {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(message)) => return Some(message),
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// The next message, if there is one without waiting.
    pub(crate) async fn message_or_end_soon(&mut self) -> Option<Message> {
        loop {
            match tokio::time::timeout(std::time::Duration::ZERO, self.frame()).await {
                Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => {}
                Ok(Some(Ok(message))) => return Some(message),
                Ok(Some(Err(_)) | None) | Err(_) => return None,
            }
        }
    }

    /// The next message, which has to be a text.
    pub(crate) async fn text(&mut self) -> String {
        match self.message().await {
            Message::Text(text) => text.as_str().to_owned(),
            Message::Close(close) => panic!("client {} is closed: {close:?}", self.id),
            message => panic!("no text, but {} bytes", message.len()),
        }
    }

    /// Hears just this next.
    #[track_caller]
    pub(crate) fn hears(&mut self, text: &str) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            let heard = patiently(format!("`{text}` at {caller}"), self.text()).await;
            assert_eq!(heard, text, "what client {} hears at {caller}", self.id);
        }
    }

    /// Hears that it has joined, and so its number.
    pub(crate) async fn hears_its_number(&mut self) {
        let text = self.text().await;
        self.id = text.strip_prefix("joined ").unwrap_or_else(|| panic!("heard `{text}` first")).parse().unwrap();
    }

    /// Hears nothing next but that it is closed; with which code and reason.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        let (messages, close) = self.until_closed().await;
        assert_eq!(messages, [] as [Message; 0], "client {} hears more before it is closed", self.id);
        close
    }

    /// What it hears until it is closed, and with which code and reason. The closing is then answered.
    pub(crate) async fn until_closed(&mut self) -> (Vec<Message>, (u16, String)) {
        let mut messages = Vec::new();
        loop {
            match self.message().await {
                Message::Close(Some(CloseFrame { code, reason })) => {
                    patiently("the end", async { while let Some(Ok(_)) = self.frame().await {} }).await;
                    return (messages, (code.into(), reason.as_str().to_owned()));
                }
                Message::Close(None) => panic!("closed without a code"),
                message => messages.push(message),
            }
        }
    }

    /// Waits until the server has passed on to the room all that this client has said: it answers in order.
    pub(crate) async fn is_understood(&mut self) {
        assert!(self.is_understood_or_over().await, "the connection of client {} ends", self.id);
    }

    /// The same, or until the connection has ended; whether it has not.
    pub(crate) async fn is_understood_or_over(&mut self) -> bool {
        self.try_send(Message::Ping("?".into())).await;
        loop {
            match patiently("a pong", self.frame()).await {
                Some(Ok(Message::Pong(_))) => return true,
                Some(Ok(Message::Ping(_))) => {}
                Some(Ok(message)) => self.heard.push_back(message),
                Some(Err(_)) | None => return false,
            }
        }
    }

    /// Leaves as one should. What it has yet to hear comes back.
    pub(crate) async fn leave(mut self) -> Vec<Message> {
        self.send(Message::Close(None)).await;
        let mut rest: Vec<Message> = self.heard.drain(..).collect();
        loop {
            match patiently("the end", self.frame()).await {
                Some(Ok(Message::Close(_))) | None => return rest,
                Some(Ok(message)) => rest.push(message),
                Some(Err(error)) => panic!("leaving fails: {error}"),
            }
        }
    }

    /// Is gone without a word.
    pub(crate) fn vanish(self) {}

    /// The two halves, to say and hear at the same time.
    pub(crate) fn split(self) -> (SplitSink<Socket, Message>, SplitStream<Socket>) {
        assert!(self.heard.is_empty());
        self.socket.split()
    }
}
