//! A server under test, over sockets or in-memory pipes.
use std::{io, net::SocketAddr, time::Duration};

use axum::Router;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use stateroom::{MessageRecipient, StateroomServiceFactory};
use stateroom_server::{Limits, Server, ServerHandle, http1_builder};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    net::TcpStream,
    task::JoinHandle,
};
use tokio_tungstenite::{
    client_async,
    tungstenite::{self, client::IntoClientRequest, http::Response},
};

use super::{Client, Io, ScriptFactory, advance, handshake, within_timeout};

pub(crate) struct TestServer {
    transport: Transport,
    pub(crate) handle: ServerHandle,
    pub(crate) script: ScriptFactory,
    running: Option<JoinHandle<io::Result<()>>>,
}

enum Transport {
    Tcp(SocketAddr),
    Pipe(Router),
}

/// Capacity of a pipe, in bytes.
const PIPE_CAPACITY: usize = 64 << 10;
/// Time for a request head on a pipe: the default of a server.
const REQUEST_HEAD_TIME: Duration = Duration::from_secs(10);

impl TestServer {
    /// Starts a server on a free TCP port, with the scripted service.
    pub(crate) async fn tcp(server: Server) -> Self {
        let script = ScriptFactory::default();
        let server = server.with_ip("127.0.0.1".to_owned()).with_port(0).bind(script.clone()).await.unwrap();
        let (transport, handle) = (Transport::Tcp(server.local_addr()), server.handle());
        TestServer { transport, handle, script, running: Some(tokio::spawn(server.run())) }
    }

    /// Starts a server on a free TCP port, with the given factory.
    pub(crate) async fn tcp_with_factory(server: Server, factory: impl StateroomServiceFactory) -> Self {
        let server = server.with_ip("127.0.0.1".to_owned()).with_port(0).bind(factory).await.unwrap();
        let (transport, handle) = (Transport::Tcp(server.local_addr()), server.handle());
        TestServer { transport, handle, script: ScriptFactory::default(), running: Some(tokio::spawn(server.run())) }
    }

    /// Returns a client-side view of a server that listens at the given address.
    pub(crate) fn at(address: SocketAddr) -> Self {
        let handle = Server::new().router(ScriptFactory::default()).1;
        TestServer { transport: Transport::Tcp(address), handle, script: ScriptFactory::default(), running: None }
    }

    /// Creates a server without a socket, with the scripted service. Its tests can pause time.
    pub(crate) fn pipe(server: Server) -> Self {
        let script = ScriptFactory::default();
        let (router, handle) = server.router(script.clone());
        TestServer { transport: Transport::Pipe(router), handle, script, running: None }
    }

    /// Creates a server without a socket, with the given factory.
    pub(crate) fn pipe_with_factory(server: Server, factory: impl StateroomServiceFactory) -> Self {
        let (router, handle) = server.router(factory);
        TestServer { transport: Transport::Pipe(router), handle, script: ScriptFactory::default(), running: None }
    }

    /// Returns the address the server listens on.
    pub(crate) fn address(&self) -> SocketAddr {
        match &self.transport {
            Transport::Tcp(address) => *address,
            Transport::Pipe(_) => panic!("an in-memory server has no address"),
        }
    }

    /// Returns the router of an in-memory server.
    pub(crate) fn router(&self) -> Router {
        match &self.transport {
            Transport::Tcp(_) => panic!("a TCP server does not expose its router"),
            Transport::Pipe(router) => router.clone(),
        }
    }

    /// Waits until the server has stopped.
    pub(crate) async fn wait_until_stopped(&mut self) {
        within_timeout("the server to stop", self.running.take().unwrap()).await.unwrap().unwrap();
    }

    /// Returns limits under which a client that does not read is soon too slow.
    pub(crate) fn small_queues() -> Limits {
        Limits::default().with_outbound_messages(4)
    }

    /// Fills the outbound queues of clients that do not read, under [`small_queues`](Self::small_queues): the next message
    /// closes them. The time must be paused.
    pub(crate) async fn overfill(&self, room: &str, recipient: impl Into<MessageRecipient>) {
        let (room, recipient) = (self.handle.room(room).await.unwrap(), recipient.into());
        let larger_than_the_pipe = "x".repeat(2 * PIPE_CAPACITY);
        for text in [larger_than_the_pipe.as_str(), "1", "2", "3", "4", "5"] {
            room.send(recipient, text).await.unwrap();
            advance(0.001).await;
        }
        advance(1.0).await;
    }

    /// Opens a connection.
    pub(crate) async fn open(&self) -> Box<dyn Io> {
        match &self.transport {
            Transport::Tcp(address) => Box::new(TcpStream::connect(address).await.unwrap()),
            Transport::Pipe(router) => Box::new(serve_pipe(router.clone(), PIPE_CAPACITY)),
        }
    }

    /// Opens a connection over a pipe of this capacity, in bytes.
    pub(crate) fn open_narrow_pipe(&self, capacity: usize) -> DuplexStream {
        let Transport::Pipe(router) = &self.transport else { panic!("not a server over pipes") };
        serve_pipe(router.clone(), capacity)
    }

    /// Joins a room and receives the client ID.
    pub(crate) async fn join(&self, room: &str) -> Client {
        let mut client = self.connect(&format!("/ws/{room}")).await;
        client.receive_id().await;
        client
    }

    /// Opens a WebSocket.
    pub(crate) async fn connect(&self, path: &str) -> Client {
        self.connect_over(self.open().await, path).await
    }

    pub(crate) async fn connect_over(&self, stream: Box<dyn Io>, path: &str) -> Client {
        let result = within_timeout("the handshake", client_async(format!("ws://test{path}"), stream)).await;
        Client::new(result.unwrap_or_else(|error| panic!("failed to open a WebSocket at {path}: {error}")).0)
    }

    /// Asserts that a handshake is refused. Returns the response.
    pub(crate) async fn expect_refusal(&self, path: &str) -> HttpResponse {
        self.expect_refusal_with(path, &[]).await
    }

    /// Asserts that a handshake with the given headers is refused. Returns the response.
    pub(crate) async fn expect_refusal_with(&self, path: &str, headers: &[(&'static str, &str)]) -> HttpResponse {
        match self.try_connect(path, headers).await {
            Ok(_) => panic!("the handshake at {path} succeeded"),
            Err(tungstenite::Error::Http(response)) => HttpResponse::from(*response),
            Err(error) => panic!("failed to receive a response at {path}: {error}"),
        }
    }

    /// Opens a WebSocket. Returns `None` if the handshake is refused.
    pub(crate) async fn try_join(&self, path: &str) -> Option<Client> {
        self.try_connect(path, &[]).await.ok().map(|(client, _)| client)
    }

    /// Opens a WebSocket with the given headers. Returns the client and the response.
    pub(crate) async fn connect_with(&self, path: &str, headers: &[(&'static str, &str)]) -> (Client, HttpResponse) {
        let result = self.try_connect(path, headers).await;
        let (client, response) = result.unwrap_or_else(|error| panic!("failed to open a WebSocket at {path}: {error}"));
        (client, HttpResponse::from(response))
    }

    async fn try_connect(
        &self,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<(Client, Response<Option<Vec<u8>>>), tungstenite::Error> {
        let mut request = format!("ws://test{path}").into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        let (socket, response) = within_timeout("the handshake", client_async(request, self.open().await)).await?;
        Ok((Client::new(socket), response))
    }

    /// Opens a stream and sends the handshake and the given frames in one write.
    pub(crate) async fn open_raw(&self, path: &str, frames: &[u8]) -> Box<dyn Io> {
        let mut stream = self.open().await;
        let mut bytes = handshake(path);
        bytes.extend(frames);
        stream.write_all(&bytes).await.unwrap();
        stream
    }

    pub(crate) async fn get(&self, path: &str) -> HttpResponse {
        self.request(&format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")).await
    }

    pub(crate) async fn post(&self, path: &str) -> HttpResponse {
        let head = "Host: test\r\nConnection: close\r\nContent-Length: 0";
        self.request(&format!("POST {path} HTTP/1.1\r\n{head}\r\n\r\n")).await
    }

    /// Sends a raw HTTP request and returns the response.
    pub(crate) async fn request(&self, request: &str) -> HttpResponse {
        self.request_bytes(request.as_bytes()).await
    }

    /// As [`request`](Self::request), for a request that is not text.
    pub(crate) async fn request_bytes(&self, request: &[u8]) -> HttpResponse {
        let mut stream = self.open().await;
        stream.write_all(request).await.unwrap();
        let mut bytes = Vec::new();
        within_timeout("a response", stream.read_to_end(&mut bytes)).await.unwrap();
        HttpResponse::parse(&bytes)
    }
}

/// An HTTP response.
#[derive(Debug)]
pub(crate) struct HttpResponse {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl HttpResponse {
    fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no response: `{text}`"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        HttpResponse { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).first().copied()
    }

    /// Returns the values of a header that may be repeated, in lower case.
    pub(crate) fn headers(&self, name: &str) -> Vec<&str> {
        self.head.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).collect()
    }
}

impl From<Response<Option<Vec<u8>>>> for HttpResponse {
    fn from(response: Response<Option<Vec<u8>>>) -> Self {
        let line =
            |(name, value): (&_, &tungstenite::http::HeaderValue)| format!("{name}: {}", value.to_str().unwrap());
        let head: Vec<String> = response.headers().iter().map(line).collect();
        let body = response.body().clone().unwrap_or_default();
        HttpResponse {
            status: response.status().as_u16(),
            head: head.join("\n"),
            body: String::from_utf8(body).unwrap(),
        }
    }
}

fn serve_pipe(router: Router, capacity: usize) -> DuplexStream {
    let (near, far) = tokio::io::duplex(capacity);
    let service = TowerToHyperService::new(router);
    tokio::spawn(http1_builder(REQUEST_HEAD_TIME).serve_connection(TokioIo::new(far), service).with_upgrades());
    near
}
