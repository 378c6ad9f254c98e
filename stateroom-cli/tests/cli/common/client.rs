//! A client: messages out, messages in, and the close at the end.
use futures_util::{SinkExt, StreamExt};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, protocol::frame::coding::CloseCode},
};

use super::PATIENCE;

/// Somebody in a room.
pub(crate) struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    pub(crate) async fn connect(url: &str) -> Client {
        let (socket, _) = timeout(PATIENCE, connect_async(url)).await.expect("joining takes too long").unwrap();
        Client(socket)
    }

    pub(crate) async fn send(&mut self, message: impl Into<Message>) {
        timeout(PATIENCE, self.0.send(message.into())).await.expect("nothing is taken").unwrap();
    }

    /// The next message. Pings do not count, nor do they lengthen the wait for it.
    pub(crate) async fn next(&mut self) -> Message {
        let heartbeat = |message: &Message| matches!(message, Message::Ping(_) | Message::Pong(_));
        let message = async {
            loop {
                let message = self.0.next().await.expect("the end").unwrap();
                if !heartbeat(&message) {
                    return message;
                }
            }
        };
        timeout(PATIENCE, message).await.expect("no message")
    }

    /// The next message, which is a text.
    pub(crate) async fn text(&mut self) -> String {
        match self.next().await {
            Message::Text(text) => text.to_string(),
            other => panic!("{other:?}"),
        }
    }

    /// The next message, which is bytes.
    pub(crate) async fn bytes(&mut self) -> Vec<u8> {
        match self.next().await {
            Message::Binary(bytes) => bytes.to_vec(),
            other => panic!("{other:?}"),
        }
    }

    /// The code and the reason of the close that comes next. Answers it, so that the server need not wait for that.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        match self.next().await {
            Message::Close(Some(frame)) => {
                while let Ok(Some(Ok(_))) = timeout(PATIENCE, self.0.next()).await {}
                (CloseCode::into(frame.code), frame.reason.to_string())
            }
            other => panic!("{other:?}"),
        }
    }

    /// Leaves, in good form.
    pub(crate) async fn leave(mut self) {
        self.0.close(None).await.unwrap();
    }
}
