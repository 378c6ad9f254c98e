//! Well-behaved clients: they number their messages and check those that they receive.
use std::{
    collections::{HashMap, VecDeque},
    fmt,
    net::SocketAddr,
    process,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use tokio::{
    net::TcpStream,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

use super::{Error, Shared};

pub(super) const ROOMS: u64 = 8;
const MEMBERS: u64 = 4;
/// Maximum number of a member's own messages in flight.
const WINDOW: u64 = 32;
/// Timeout for outstanding messages.
const RECEIVE_TIMEOUT: Duration = Duration::from_secs(30);

type Socket = WebSocketStream<TcpStream>;

/// Messages sent and received, and errors.
#[derive(Debug, Default)]
pub(super) struct Tally {
    sent: u64,
    received: u64,
    expected: u64,
    errors: Vec<String>,
    /// Times until members received their own messages.
    latencies: Vec<Duration>,
}

impl Tally {
    pub(super) fn add(&mut self, other: Tally) {
        self.sent += other.sent;
        self.received += other.received;
        self.expected += other.expected;
        self.errors.extend(other.errors);
        self.latencies.extend(other.latencies);
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        match &self.errors[..] {
            [] if self.received == self.expected && self.sent > 0 => Ok(()),
            [] => Err(format!("received {} messages of {}", self.received, self.expected).into()),
            [first, ..] => Err(format!("{} errors; the first: {first}", self.errors.len()).into()),
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { sent, received, expected, errors, latencies } = self;
        write!(
            formatter,
            "sent {sent}, to {MEMBERS} members each: expected {expected} = received {received}; {} errors",
            errors.len()
        )?;
        let mut latencies = latencies.clone();
        latencies.sort_unstable();
        for (name, part) in [("p50", 0.5), ("p99", 0.99), ("max", 1.0)] {
            if let Some(time) = latencies.get(((latencies.len() as f64 - 1.0) * part) as usize) {
                write!(formatter, "; {name} {:.1} ms", time.as_secs_f64() * 1e3)?;
            }
        }
        Ok(())
    }
}

/// The number of messages sent by each member of a room.
type SentCounts = Shared<[AtomicU64; MEMBERS as usize]>;

/// Returns the name of a room of well-behaved clients, which no other process uses.
pub(super) fn room_name(room: u64) -> String {
    format!("good-{}-{room}", process::id())
}

/// Sends messages for a duration, and receives until all have arrived.
pub(super) async fn run(address: SocketAddr, time: Duration, pace: Option<Duration>) -> Result<Tally, Error> {
    let end = Instant::now() + time;
    let mut members = JoinSet::new();
    for room in 0..ROOMS {
        let sent = SentCounts::default();
        let mut sockets = Vec::new();
        // All members join before the first message.
        for _ in 0..MEMBERS {
            sockets.push(join(address, &room_name(room)).await?);
        }
        for (member, socket) in (0..MEMBERS).zip(sockets) {
            members.spawn(member_of(room, member, socket, sent.clone(), end, pace));
        }
    }
    let mut tally = Tally::default();
    while let Some(member) = members.join_next().await {
        tally.add(member?);
    }
    Ok(tally)
}

/// Joins a room, with retries under load.
async fn join(address: SocketAddr, room: &str) -> Result<Socket, Error> {
    let end = Instant::now() + RECEIVE_TIMEOUT;
    loop {
        let joined = async {
            let socket = TcpStream::connect(address).await?;
            socket.set_nodelay(true)?;
            Ok::<_, Error>(client_async(format!("ws://{address}/ws/{room}"), socket).await?.0)
        };
        match joined.await {
            Ok(socket) => return Ok(socket),
            Err(error) if Instant::now() > end => return Err(error),
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn member_of(
    room: u64,
    member: u64,
    socket: Socket,
    sent: SentCounts,
    end: Instant,
    pace: Option<Duration>,
) -> Tally {
    let (write, read) = socket.split();
    let own = Shared::new(Own::default());
    let sending = tokio::spawn(send(member, write, sent.clone(), own.clone(), end, pace));
    let (received, receive_errors) = receive(room, member, read, &sent, &own, end).await;
    let latencies = own.latencies.lock().map(|latencies| latencies.clone()).unwrap_or_default();
    let mut errors = match sending.await {
        Ok(Ok(())) => Vec::new(),
        Ok(Err(error)) => vec![format!("member {member} of {room} failed to send: {error}")],
        Err(error) => vec![error.to_string()],
    };
    errors.extend(receive_errors);
    let sent: Vec<u64> = sent.iter().map(|sent| sent.load(Ordering::SeqCst)).collect();
    let own = sent.get(member as usize).copied().unwrap_or_default();
    Tally { sent: own, received, expected: sent.iter().sum::<u64>(), errors, latencies }
}

/// A member's own messages.
#[derive(Debug, Default)]
struct Own {
    received: AtomicU64,
    /// When those in flight were sent, if they are sent at a fixed rate.
    in_flight: Mutex<VecDeque<Instant>>,
    latencies: Mutex<Vec<Duration>>,
}

/// Sends numbered messages until the end, with a limited number in flight.
async fn send(
    member: u64,
    mut write: SplitSink<Socket, Message>,
    sent: SentCounts,
    own: Shared<Own>,
    end: Instant,
    pace: Option<Duration>,
) -> Result<(), Error> {
    let Some(sent) = sent.get(member as usize) else { return Ok(()) };
    while Instant::now() < end {
        let number = sent.load(Ordering::SeqCst);
        if let Some(pace) = pace {
            sleep(pace).await;
            if let Ok(mut in_flight) = own.in_flight.lock() {
                in_flight.push_back(Instant::now());
            }
        } else if number >= own.received.load(Ordering::SeqCst) + WINDOW {
            sleep(Duration::from_millis(1)).await;
            continue;
        }
        sent.store(number + 1, Ordering::SeqCst);
        // Many lengths, in all three encodings of a frame's length.
        let filler = "x".repeat((number % 7 * number % 400) as usize);
        write.send(Message::text(format!("{member} {number} {filler}"))).await?;
    }
    // Dropping this half does not close the connection, which stays open until others have received all.
    sleep(RECEIVE_TIMEOUT / 100).await;
    Ok(())
}

/// Receives until all messages have arrived. Returns their number, and errors.
async fn receive(
    room: u64,
    member: u64,
    mut read: SplitStream<Socket>,
    sent: &SentCounts,
    own: &Own,
    end: Instant,
) -> (u64, Vec<String>) {
    let (mut next, mut received, mut errors) = (HashMap::<u64, u64>::new(), 0, Vec::new());
    let name = format!("member {member} of {room}");
    loop {
        let total: u64 = sent.iter().map(|sent| sent.load(Ordering::SeqCst)).sum();
        if received >= total && Instant::now() > end + Duration::from_millis(100) {
            return (received, errors);
        }
        let limit = if received < total { RECEIVE_TIMEOUT } else { Duration::from_millis(200) };
        let message = match timeout(limit, read.next()).await {
            Ok(Some(Ok(message))) => message,
            Err(_) if received >= total => continue,
            Err(_) => {
                errors.push(format!("{name} received {received} of {total}"));
                return (received, errors);
            }
            Ok(other) => {
                errors.push(format!("{name} lost its connection: {other:?}"));
                return (received, errors);
            }
        };
        let Message::Text(text) = message else {
            if message.is_close() {
                errors.push(format!("{name} was closed: {message:?}"));
                return (received, errors);
            }
            continue;
        };
        received += 1;
        let mut words = text.split(' ').map(str::parse::<u64>);
        let (Some(Ok(sender)), Some(Ok(number))) = (words.next(), words.next()) else {
            errors.push(format!("{name} received `{text}`"));
            continue;
        };
        let expected = next.entry(sender).or_default();
        if number != *expected {
            errors.push(format!("{name} received number {number} of {sender} instead of {expected}"));
        }
        *expected = number + 1;
        if sender == member {
            own.received.store(number + 1, Ordering::SeqCst);
            let sent_at = own.in_flight.lock().ok().and_then(|mut in_flight| in_flight.pop_front());
            if let (Some(sent_at), Ok(mut latencies)) = (sent_at, own.latencies.lock()) {
                latencies.push(sent_at.elapsed());
            }
        }
    }
}
