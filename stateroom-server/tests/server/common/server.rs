//! A server under test, over sockets or in-memory pipes.
use std::{io, net::SocketAddr};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use stateroom::StateroomServiceFactory;
use stateroom_server::{Server, ServerHandle};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
};
use tokio_tungstenite::{
    client_async,
    tungstenite::{self, client::IntoClientRequest, http::Response},
};

use super::{Client, Io, ScriptFactory, handshake, within_timeout};

pub(crate) struct TestServer {
    way: Way,
    pub(crate) handle: ServerHandle,
    pub(crate) script: ScriptFactory,
    running: Option<JoinHandle<io::Result<()>>>,
}

enum Way {
    Tcp(SocketAddr),
    Pipe(Router),
}

/// Capacity of a pipe, in bytes.
const PIPE: usize = 64 << 10;

impl TestServer {
    /// Returns a server on its own port.
    pub(crate) async fn tcp(server: Server) -> Self {
        let script = ScriptFactory::default();
        let server = server.with_ip("127.0.0.1".to_owned()).with_port(0).bind(script.clone()).await.unwrap();
        let (way, handle) = (Way::Tcp(server.local_addr()), server.handle());
        TestServer { way, handle, script, running: Some(tokio::spawn(server.run())) }
    }

    /// The same, with another factory.
    pub(crate) async fn tcp_with_factory(server: Server, factory: impl StateroomServiceFactory) -> Self {
        let server = server.with_ip("127.0.0.1".to_owned()).with_port(0).bind(factory).await.unwrap();
        let (way, handle) = (Way::Tcp(server.local_addr()), server.handle());
        TestServer { way, handle, script: ScriptFactory::default(), running: Some(tokio::spawn(server.run())) }
    }

    /// Returns a client's view of a server that listens at this address.
    pub(crate) fn at(address: SocketAddr) -> Self {
        let handle = Server::new().router(ScriptFactory::default()).1;
        TestServer { way: Way::Tcp(address), handle, script: ScriptFactory::default(), running: None }
    }

    /// Returns a server without a socket: time can be paused.
    pub(crate) fn pipe(server: Server) -> Self {
        let script = ScriptFactory::default();
        let (router, handle) = server.router(script.clone());
        TestServer { way: Way::Pipe(router), handle, script, running: None }
    }

    /// The same, with another factory.
    pub(crate) fn pipe_with_factory(server: Server, factory: impl StateroomServiceFactory) -> Self {
        let (router, handle) = server.router(factory);
        TestServer { way: Way::Pipe(router), handle, script: ScriptFactory::default(), running: None }
    }

    /// Returns its address.
    pub(crate) fn address(&self) -> SocketAddr {
        match &self.way {
            Way::Tcp(address) => *address,
            Way::Pipe(_) => panic!("it does not listen"),
        }
    }

    /// Returns its routes.
    pub(crate) fn router(&self) -> Router {
        match &self.way {
            Way::Tcp(_) => panic!("they are not to be had"),
            Way::Pipe(router) => router.clone(),
        }
    }

    /// Waits until it has ended.
    pub(crate) async fn wait_until_stopped(&mut self) {
        within_timeout("the server to end", self.running.take().unwrap()).await.unwrap().unwrap();
    }

    /// Opens a connection.
    pub(crate) async fn open(&self) -> Box<dyn Io> {
        match &self.way {
            Way::Tcp(address) => Box::new(TcpStream::connect(address).await.unwrap()),
            Way::Pipe(router) => {
                let (near, far) = tokio::io::duplex(PIPE);
                let service = TowerToHyperService::new(router.clone());
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(far), service).with_upgrades());
                Box::new(near)
            }
        }
    }

    /// Joins a room and receives the ID.
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
        Client::new(result.unwrap_or_else(|error| panic!("no WebSocket at {path}: {error}")).0)
    }

    /// Asserts that a handshake is refused. Returns the answer.
    pub(crate) async fn expect_refusal(&self, path: &str) -> HttpResponse {
        self.expect_refusal_with(path, &[]).await
    }

    /// The same, with these headers.
    pub(crate) async fn expect_refusal_with(&self, path: &str, headers: &[(&'static str, &str)]) -> HttpResponse {
        match self.try_connect(path, headers).await {
            Ok(_) => panic!("a WebSocket at {path}"),
            Err(tungstenite::Error::Http(response)) => HttpResponse::from(*response),
            Err(error) => panic!("no response at {path}: {error}"),
        }
    }

    /// Opens a WebSocket, unless it is refused.
    pub(crate) async fn try_join(&self, path: &str) -> Option<Client> {
        self.try_connect(path, &[]).await.ok().map(|(client, _)| client)
    }

    /// Opens a WebSocket with these headers. Returns the answer, too.
    pub(crate) async fn connect_with(&self, path: &str, headers: &[(&'static str, &str)]) -> (Client, HttpResponse) {
        let result = self.try_connect(path, headers).await;
        let (client, response) = result.unwrap_or_else(|error| panic!("no WebSocket at {path}: {error}"));
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

    /// Opens a stream that sends these frames together with its handshake.
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

    /// Returns the answer to this request.
    pub(crate) async fn request(&self, request: &str) -> HttpResponse {
        let mut stream = self.open().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        within_timeout("an answer", stream.read_to_end(&mut bytes)).await.unwrap();
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
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
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
