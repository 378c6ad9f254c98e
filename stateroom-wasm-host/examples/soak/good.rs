//! Clients that behave: they number what they say, and check all that they hear.
use std::{
    collections::HashMap,
    fmt,
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
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

const ROOMS: u64 = 8;
const MEMBERS: u64 = 4;
/// How many messages of its own a member may not have heard yet.
const WINDOW: u64 = 32;
/// How long all may take to arrive in the end.
const PATIENCE: Duration = Duration::from_secs(30);

type Socket = WebSocketStream<TcpStream>;

/// What was said and heard.
#[derive(Debug, Default)]
pub(super) struct Tally {
    said: u64,
    heard: u64,
    wanted: u64,
    wrong: Vec<String>,
}

impl Tally {
    pub(super) fn add(&mut self, other: Tally) {
        self.said += other.said;
        self.heard += other.heard;
        self.wanted += other.wanted;
        self.wrong.extend(other.wrong);
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        match &self.wrong[..] {
            [] if self.heard == self.wanted && self.said > 0 => Ok(()),
            [] => Err(format!("{} messages were heard, of {}", self.heard, self.wanted).into()),
            [first, ..] => Err(format!("{} of them are wrong; the first: {first}", self.wrong.len()).into()),
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { said, heard, wanted, wrong } = self;
        write!(
            formatter,
            "said {said}, to {MEMBERS} each: sent {wanted} = received {heard}; {} lost, twice or in another order",
            wrong.len()
        )
    }
}

/// How much each member of a room has said.
type Said = Shared<[AtomicU64; MEMBERS as usize]>;

/// Has all of them talk for so long, and listen until they have heard everything.
pub(super) async fn talk(address: SocketAddr, time: Duration) -> Result<Tally, Error> {
    let end = Instant::now() + time;
    let mut members = JoinSet::new();
    for room in 0..ROOMS {
        let said = Said::default();
        let mut sockets = Vec::new();
        // All are in before the first of them speaks.
        for _ in 0..MEMBERS {
            sockets.push(join(address, &format!("good-{room}")).await?);
        }
        for (member, socket) in (0..MEMBERS).zip(sockets) {
            members.spawn(member_of(room, member, socket, said.clone(), end));
        }
    }
    let mut tally = Tally::default();
    while let Some(member) = members.join_next().await {
        tally.add(member?);
    }
    Ok(tally)
}

/// Joins a room, in spite of the crowd.
async fn join(address: SocketAddr, room: &str) -> Result<Socket, Error> {
    let end = Instant::now() + PATIENCE;
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

async fn member_of(room: u64, member: u64, socket: Socket, said: Said, end: Instant) -> Tally {
    let (write, read) = socket.split();
    let own = Shared::new(AtomicU64::new(0));
    let speaking = tokio::spawn(speak(member, write, said.clone(), own.clone(), end));
    let listened = listen(room, member, read, &said, &own, end).await;
    let (wanted, mut wrong) = match speaking.await {
        Ok(Ok(())) => (0, Vec::new()),
        Ok(Err(error)) => (0, vec![format!("member {member} of {room} cannot speak: {error}")]),
        Err(error) => (0, vec![error.to_string()]),
    };
    let (heard, more) = listened;
    wrong.extend(more);
    let said: Vec<u64> = said.iter().map(|said| said.load(Ordering::SeqCst)).collect();
    let own = said.get(member as usize).copied().unwrap_or_default();
    Tally { said: own, heard, wanted: wanted + said.iter().sum::<u64>(), wrong }
}

/// Says numbers, until the end, and never many more than it has heard back.
async fn speak(
    member: u64,
    mut write: SplitSink<Socket, Message>,
    said: Said,
    heard: Shared<AtomicU64>,
    end: Instant,
) -> Result<(), Error> {
    let Some(said) = said.get(member as usize) else { return Ok(()) };
    while Instant::now() < end {
        let number = said.load(Ordering::SeqCst);
        if number >= heard.load(Ordering::SeqCst) + WINDOW {
            sleep(Duration::from_millis(1)).await;
            continue;
        }
        said.store(number + 1, Ordering::SeqCst);
        // Of many lengths, with all three ways of saying one.
        let filler = "x".repeat((number % 7 * number % 400) as usize);
        write.send(Message::text(format!("{member} {number} {filler}"))).await?;
    }
    // It stays until others have heard all: dropping this half closes nothing.
    sleep(PATIENCE / 100).await;
    Ok(())
}

/// Listens until all that anybody has said is heard. Gives how much that was, and what was wrong with it.
async fn listen(
    room: u64,
    member: u64,
    mut read: SplitStream<Socket>,
    said: &Said,
    own: &AtomicU64,
    end: Instant,
) -> (u64, Vec<String>) {
    let (mut next, mut heard, mut wrong) = (HashMap::<u64, u64>::new(), 0, Vec::new());
    let who = format!("member {member} of {room}");
    loop {
        let total: u64 = said.iter().map(|said| said.load(Ordering::SeqCst)).sum();
        if heard >= total && Instant::now() > end + Duration::from_millis(100) {
            return (heard, wrong);
        }
        let patience = if heard < total { PATIENCE } else { Duration::from_millis(200) };
        let message = match timeout(patience, read.next()).await {
            Ok(Some(Ok(message))) => message,
            Err(_) if heard >= total => continue,
            Err(_) => {
                wrong.push(format!("{who} has heard {heard} of {total}"));
                return (heard, wrong);
            }
            Ok(other) => {
                wrong.push(format!("{who} is cut off: {other:?}"));
                return (heard, wrong);
            }
        };
        let Message::Text(text) = message else {
            if message.is_close() {
                wrong.push(format!("{who} is closed: {message:?}"));
                return (heard, wrong);
            }
            continue;
        };
        heard += 1;
        let mut words = text.split(' ').map(str::parse::<u64>);
        let (Some(Ok(speaker)), Some(Ok(number))) = (words.next(), words.next()) else {
            wrong.push(format!("{who} hears `{text}`"));
            continue;
        };
        let expected = next.entry(speaker).or_default();
        if number != *expected {
            wrong.push(format!("{who} hears number {number} of {speaker} where {expected} is due"));
        }
        *expected = number + 1;
        if speaker == member {
            own.store(number + 1, Ordering::SeqCst);
        }
    }
}
