//! A WebSocket client.
use futures_util::{SinkExt, StreamExt};
use std::sync::Arc;

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs, pki_types::CertificateDer},
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{self, Message, protocol::frame::coding::CloseCode},
};

use super::TIMEOUT;

/// A client in a room.
pub(crate) struct Client(WebSocketStream<Box<dyn Io>>);

/// The stream of a connection.
trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

impl Client {
    pub(crate) async fn connect(url: &str) -> Client {
        Client::try_connect(url).await.unwrap()
    }

    /// Connects to a server that may be gone.
    pub(crate) async fn try_connect(url: &str) -> Result<Client, tungstenite::Error> {
        let address = url.strip_prefix("ws://").unwrap().split('/').next().unwrap();
        let stream: Box<dyn Io> = Box::new(TcpStream::connect(address).await?);
        let (socket, _) = timeout(TIMEOUT, client_async(url, stream)).await.expect("joining takes too long")?;
        Ok(Client(socket))
    }

    /// Connects over TLS to a server with this certificate.
    pub(crate) async fn connect_tls(url: &str, certificate: &CertificateDer<'static>) -> Client {
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let port = url.rsplit(':').next().unwrap().split('/').next().unwrap().parse().unwrap();
        let socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let stream =
            TlsConnector::from(Arc::new(config)).connect("localhost".try_into().unwrap(), socket).await.unwrap();
        let stream: Box<dyn Io> = Box::new(stream);
        let (socket, _) = timeout(TIMEOUT, client_async(url, stream)).await.expect("joining takes too long").unwrap();
        Client(socket)
    }

    pub(crate) async fn send(&mut self, message: impl Into<Message>) {
        timeout(TIMEOUT, self.0.send(message.into())).await.expect("nothing is taken").unwrap();
    }

    /// Sends messages in one write.
    pub(crate) async fn send_together(&mut self, messages: impl IntoIterator<Item = Message>) {
        for message in messages {
            self.0.feed(message).await.unwrap();
        }
        timeout(TIMEOUT, self.0.flush()).await.expect("nothing is taken").unwrap();
    }

    /// Returns the next message. Pings are skipped and do not extend the timeout.
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
        timeout(TIMEOUT, message).await.expect("no message")
    }

    /// Returns the next message, which must be text.
    pub(crate) async fn text(&mut self) -> String {
        match self.next().await {
            Message::Text(text) => text.to_string(),
            other => panic!("{other:?}"),
        }
    }

    /// Returns the next message, which must be binary.
    pub(crate) async fn bytes(&mut self) -> Vec<u8> {
        match self.next().await {
            Message::Binary(bytes) => bytes.to_vec(),
            other => panic!("{other:?}"),
        }
    }

    /// Returns the code and reason of the close frame that follows, and answers it.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        match self.next().await {
            Message::Close(Some(frame)) => {
                while let Ok(Some(Ok(_))) = timeout(TIMEOUT, self.0.next()).await {}
                (CloseCode::into(frame.code), frame.reason.to_string())
            }
            other => panic!("{other:?}"),
        }
    }

    /// Sends a text and returns the next one, or nothing if the connection ends first.
    pub(crate) async fn exchange(&mut self, text: String) -> Option<String> {
        self.try_send(text).await?;
        self.try_text().await
    }

    /// Sends a message, unless the connection has ended.
    pub(crate) async fn try_send(&mut self, message: impl Into<Message>) -> Option<()> {
        timeout(TIMEOUT, self.0.send(message.into())).await.expect("nothing is taken").ok()
    }

    /// Returns the next message, which must be text, or nothing if the connection ends first.
    pub(crate) async fn try_text(&mut self) -> Option<String> {
        match timeout(TIMEOUT, self.0.next()).await.expect("no message") {
            Some(Ok(Message::Text(text))) => Some(text.to_string()),
            Some(Ok(Message::Close(_)) | Err(_)) | None => None,
            Some(Ok(other)) => panic!("{other:?}"),
        }
    }

    /// Leaves with a close frame.
    pub(crate) async fn leave(mut self) {
        self.0.close(None).await.unwrap();
    }
}
