//! One client among thousands: a socket, a task that reads it, and when it has said what is not yet answered.
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

use super::frame::{CLOSE, Frames, PING, PONG, frame};

/// How long anything is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// One address has ports for so many connections, and some to spare.
const CONNECTIONS_PER_ADDRESS: u32 = 15_000;

thread_local! {
    /// One buffer for all clients.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; 64 << 10]);
}

/// What the clients of one measurement have heard.
#[derive(Default)]
pub(crate) struct Heard {
    /// How long answers took.
    answers: RefCell<Vec<Duration>>,
    /// When clients were closed, and by which codes; none for those that just ended.
    closes: RefCell<Vec<(Instant, Option<u16>)>>,
    changed: Notify,
}

impl Heard {
    /// Waits for so many answers since the last time, and takes them. Nobody may be closed meanwhile.
    pub(crate) async fn answers(&self, count: usize) -> io::Result<Vec<Duration>> {
        self.until("answers", || self.answers.borrow().len() >= count || !self.closes.borrow().is_empty()).await?;
        match self.closes.borrow().first() {
            None => Ok(self.answers.take()),
            Some((_, code)) => Err(io::Error::other(format!("a client is closed, with the code {code:?}"))),
        }
    }

    /// How many answers have come since the last time; they are taken.
    pub(crate) fn answers_so_far(&self) -> usize {
        self.answers.take().len()
    }

    /// Waits until so many clients are closed.
    pub(crate) async fn closes(&self, count: usize) -> io::Result<Vec<(Instant, Option<u16>)>> {
        self.until("closes", || self.closes.borrow().len() >= count).await?;
        Ok(self.closes.take())
    }

    async fn until(&self, what: &str, done: impl Fn() -> bool) -> io::Result<()> {
        let wait = async {
            while !done() {
                self.changed.notified().await;
            }
        };
        timeout(PATIENCE, wait).await.map_err(|_| {
            let (answers, closes) = (self.answers.borrow().len(), self.closes.borrow().len());
            io::Error::other(format!("waited in vain for {what}: {answers} answers have come, and {closes} closes"))
        })
    }
}

/// A client of a room.
pub(crate) struct Client {
    connection: Rc<Connection>,
    listening: JoinHandle<()>,
}

struct Connection {
    stream: TcpStream,
    heard: Rc<Heard>,
    /// Since when it waits for answers, oldest first.
    waiting: RefCell<VecDeque<Instant>>,
    /// What it says when it is answered, for ever.
    talk: Cell<Option<&'static [u8]>>,
    closed: Cell<bool>,
}

impl Client {
    /// Joins a room.
    pub(crate) async fn join(server: SocketAddr, room: &str, heard: &Rc<Heard>) -> io::Result<Self> {
        let mut stream = connect(server).await?;
        let request = format!(
            "GET /ws/{room} HTTP/1.1\r\nHost: {server}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let ahead = timeout(PATIENCE, read_answer(&stream)).await??;
        let connection = Rc::new(Connection {
            stream,
            heard: heard.clone(),
            waiting: RefCell::default(),
            talk: Cell::new(None),
            closed: Cell::new(false),
        });
        let listening = spawn_local(listen(connection.clone(), ahead));
        Ok(Client { connection, listening })
    }

    /// Says something that is answered.
    pub(crate) fn ask(&self, message: &[u8]) -> io::Result<()> {
        self.expect(Instant::now());
        self.say(message)
    }

    /// Says something.
    pub(crate) fn say(&self, message: &[u8]) -> io::Result<()> {
        self.connection.write(message)
    }

    /// Will get an answer, to what was said then.
    pub(crate) fn expect(&self, said: Instant) {
        self.connection.waiting.borrow_mut().push_back(said);
    }

    /// Says this whenever it is answered, from the next time on.
    pub(crate) fn talk(&self, message: &'static [u8]) {
        self.connection.talk.set(Some(message));
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Connection {
    /// Writes what is small enough that the socket always has space for it.
    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        match self.stream.try_write(bytes)? {
            written if written == bytes.len() => Ok(()),
            _ => Err(io::Error::other("the server does not read")),
        }
    }

    fn hear(&self, kind: u8, content: &[u8], now: Instant) {
        match kind {
            PING => drop(self.write(&frame(PONG, content))),
            CLOSE => self.close(now, content.first_chunk().map(|code| u16::from_be_bytes(*code))),
            _ => {
                let Some(said) = self.waiting.borrow_mut().pop_front() else { return };
                self.heard.answers.borrow_mut().push(now - said);
                self.heard.changed.notify_one();
                if let Some(message) = self.talk.get() {
                    self.waiting.borrow_mut().push_back(now);
                    drop(self.write(message));
                }
            }
        }
    }

    fn close(&self, now: Instant, code: Option<u16>) {
        if self.closed.replace(true) {
            return;
        }
        self.heard.closes.borrow_mut().push((now, code));
        self.heard.changed.notify_one();
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

/// Reads the answer to the handshake, which has to be good. The result is what came with it.
async fn read_answer(stream: &TcpStream) -> io::Result<Vec<u8>> {
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

/// Hears what there is to hear, to the connection's end.
async fn listen(connection: Rc<Connection>, ahead: Vec<u8>) {
    let mut frames = Frames::default();
    frames.read(&ahead, |kind, content| connection.hear(kind, content, Instant::now()));
    drop(ahead);
    loop {
        if connection.stream.readable().await.is_err() {
            break;
        }
        let read = BUFFER.with_borrow_mut(|buffer| {
            let length = connection.stream.try_read(buffer)?;
            let now = Instant::now();
            frames.read(buffer.get(..length).unwrap_or_default(), |kind, content| connection.hear(kind, content, now));
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
