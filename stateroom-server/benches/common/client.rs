//! A lightweight client: a socket, a task that reads it, and the send times of unanswered messages.
use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    io,
    net::{Ipv4Addr, SocketAddr},
    rc::Rc,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use tokio::{
    io::AsyncWriteExt,
    net::{TcpSocket, TcpStream},
    sync::Notify,
    task::{JoinHandle, spawn_local},
    time::timeout,
};

use super::frame::{CLOSE, FrameReader, PING, PONG, frame};

/// Maximum time to wait for any condition.
const WAIT_TIMEOUT: Duration = Duration::from_secs(60);
/// Number of connections per source address, below its number of ephemeral ports.
const CONNECTIONS_PER_ADDRESS: u32 = 15_000;

thread_local! {
    /// The read buffer, shared by all clients.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; 64 << 10]);
}

/// Responses and closes received by the clients of one measurement.
#[derive(Default)]
pub(crate) struct Responses {
    /// Latencies of the responses.
    latencies: RefCell<Vec<Duration>>,
    /// Times and codes of the closes; no code for connections that ended without a close frame.
    closes: RefCell<Vec<(Instant, Option<u16>)>>,
    changed: Notify,
}

impl Responses {
    /// Waits for `count` responses and takes their latencies.
    ///
    /// # Errors
    ///
    /// If a client is closed, or the responses do not arrive in time.
    pub(crate) async fn wait_for_latencies(&self, count: usize) -> io::Result<Vec<Duration>> {
        self.wait_until("responses", || self.latencies.borrow().len() >= count || !self.closes.borrow().is_empty())
            .await?;
        match self.closes.borrow().first() {
            None => Ok(self.latencies.take()),
            Some((_, code)) => Err(io::Error::other(format!("a client was closed with code {code:?}"))),
        }
    }

    /// Discards the latencies received so far and returns their number.
    pub(crate) fn take_count(&self) -> usize {
        self.latencies.take().len()
    }

    /// Waits until `count` clients are closed and takes their closes.
    pub(crate) async fn wait_for_closes(&self, count: usize) -> io::Result<Vec<(Instant, Option<u16>)>> {
        self.wait_until("closes", || self.closes.borrow().len() >= count).await?;
        Ok(self.closes.take())
    }

    async fn wait_until(&self, what: &str, done: impl Fn() -> bool) -> io::Result<()> {
        let wait = async {
            while !done() {
                self.changed.notified().await;
            }
        };
        timeout(WAIT_TIMEOUT, wait).await.map_err(|_| {
            let (responses, closes) = (self.latencies.borrow().len(), self.closes.borrow().len());
            io::Error::other(format!(
                "timed out waiting for {what}: received {responses} responses and {closes} closes"
            ))
        })
    }
}

/// A client of a room.
pub(crate) struct Client {
    connection: Rc<Connection>,
    reader: JoinHandle<()>,
}

struct Connection {
    stream: TcpStream,
    responses: Rc<Responses>,
    /// Send times of the unanswered messages, oldest first.
    pending: RefCell<VecDeque<Instant>>,
    /// Message to send on every response.
    on_response: Cell<Option<&'static [u8]>>,
    closed: Cell<bool>,
}

impl Client {
    /// Joins a room.
    pub(crate) async fn join(server: SocketAddr, room: &str, responses: &Rc<Responses>) -> io::Result<Self> {
        let mut stream = connect(server).await?;
        let request = format!(
            "GET /ws/{room} HTTP/1.1\r\nHost: {server}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let buffered = timeout(WAIT_TIMEOUT, read_handshake_response(&stream)).await??;
        let connection = Rc::new(Connection {
            stream,
            responses: responses.clone(),
            pending: RefCell::default(),
            on_response: Cell::new(None),
            closed: Cell::new(false),
        });
        let reader = spawn_local(read_frames(connection.clone(), buffered));
        Ok(Client { connection, reader })
    }

    /// Sends a message and records the latency of its response.
    pub(crate) fn request(&self, message: &[u8]) -> io::Result<()> {
        self.expect_response(Instant::now());
        self.send(message)
    }

    /// Sends a message.
    pub(crate) fn send(&self, message: &[u8]) -> io::Result<()> {
        self.connection.write(message)
    }

    /// Expects a response whose latency is measured from `sent`.
    pub(crate) fn expect_response(&self, sent: Instant) {
        self.connection.pending.borrow_mut().push_back(sent);
    }

    /// Sends `message` on every further response.
    pub(crate) fn send_on_response(&self, message: &'static [u8]) {
        self.connection.on_response.set(Some(message));
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Connection {
    /// Writes a frame that always fits into the socket buffer.
    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        match self.stream.try_write(bytes)? {
            written if written == bytes.len() => Ok(()),
            _ => Err(io::Error::other("the socket buffer is full: the server does not read")),
        }
    }

    fn handle_frame(&self, opcode: u8, payload: &[u8], now: Instant) {
        match opcode {
            PING => drop(self.write(&frame(PONG, payload))),
            CLOSE => self.close(now, payload.first_chunk().map(|code| u16::from_be_bytes(*code))),
            _ => {
                let Some(sent) = self.pending.borrow_mut().pop_front() else { return };
                self.responses.latencies.borrow_mut().push(now - sent);
                self.responses.changed.notify_one();
                if let Some(message) = self.on_response.get() {
                    self.pending.borrow_mut().push_back(now);
                    drop(self.write(message));
                }
            }
        }
    }

    fn close(&self, now: Instant, code: Option<u16>) {
        if self.closed.replace(true) {
            return;
        }
        self.responses.closes.borrow_mut().push((now, code));
        self.responses.changed.notify_one();
    }
}

async fn connect(server: SocketAddr) -> io::Result<TcpStream> {
    static OPENED: AtomicU32 = AtomicU32::new(0);
    let number = OPENED.fetch_add(1, Ordering::Relaxed) / CONNECTIONS_PER_ADDRESS;
    let from = Ipv4Addr::from_bits(Ipv4Addr::LOCALHOST.to_bits() + 1 + number);
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((from, 0)))?;
    let stream = socket.connect(server).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Reads the response to the handshake, which must be a 101. Returns the bytes received after it.
async fn read_handshake_response(stream: &TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    loop {
        stream.readable().await?;
        match stream.try_read_buf(&mut head) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        }
        if let Some(end) = head.windows(4).position(|end| end == b"\r\n\r\n") {
            if !head.starts_with(b"HTTP/1.1 101 ") {
                return Err(io::Error::other(String::from_utf8_lossy(&head).into_owned()));
            }
            return Ok(head.split_off(end + 4));
        }
    }
}

/// Handles received frames until the connection ends.
async fn read_frames(connection: Rc<Connection>, buffered: Vec<u8>) {
    let mut frames = FrameReader::default();
    frames.read(&buffered, |opcode, payload| connection.handle_frame(opcode, payload, Instant::now()));
    drop(buffered);
    loop {
        if connection.stream.readable().await.is_err() {
            break;
        }
        let read = BUFFER.with_borrow_mut(|buffer| {
            let length = connection.stream.try_read(buffer)?;
            let now = Instant::now();
            frames.read(buffer.get(..length).unwrap_or_default(), |opcode, payload| {
                connection.handle_frame(opcode, payload, now)
            });
            io::Result::Ok(length)
        });
        match read {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Ok(1..) => {}
            Ok(0) | Err(_) => break,
        }
    }
    connection.close(Instant::now(), None);
}
