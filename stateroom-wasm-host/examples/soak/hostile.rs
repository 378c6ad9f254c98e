//! Hostile clients, each of which repeats one kind of action.
use std::{
    fmt,
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use super::{
    Error, Shared,
    attacks::{self, ATTACKS, Attack},
    client::{connect_over, fails, handshake, join},
    well_behaved::{ROOMS, room_name},
};

/// Maximum time of an action. Rooms that compute take turns, of which a server of two processors has one at a time.
const ACTION_TIMEOUT: Duration = Duration::from_secs(10);

/// The actions, the number of clients for each, and the name in the report. The attacks on the process follow.
const ACTIONS: [(Action, usize, &str); 10] = [
    (Action::Vanish, 8, "vanished"),
    (Action::Stall, 4, "stalled"),
    (Action::Flood, 2, "flooded"),
    (Action::Trap, 2, "trapped"),
    (Action::Spin, 1, "spun"),
    (Action::Garbage, 4, "sent garbage"),
    (Action::PartialFrames, 4, "sent partial frames"),
    (Action::Pings, 2, "pinged"),
    (Action::Http, 4, "sent HTTP requests"),
    (Action::Visit, 4, "visited"),
];

#[derive(Debug, Clone, Copy)]
enum Action {
    Vanish,
    Stall,
    Flood,
    Trap,
    Spin,
    Garbage,
    PartialFrames,
    Pings,
    Http,
    Visit,
    Attack(Attack),
}

impl Action {
    fn is(self, name: &str) -> bool {
        match self {
            Action::Attack(attack) => format!("{attack:?}") == name,
            action => format!("{action:?}") == name,
        }
    }
}

/// The hostile clients.
pub(super) struct HostileClients {
    tasks: JoinSet<()>,
    actions: Shared<ActionCounts>,
}

/// The number of completed actions of each kind.
#[derive(Debug, Default)]
pub(super) struct ActionCounts([AtomicU64; ACTIONS.len() + ATTACKS.len()]);

/// Returns all actions, the number of clients for each, and the name in the report.
fn all_actions() -> impl Iterator<Item = (Action, usize, &'static str)> {
    let attacks = ATTACKS.into_iter().map(|(attack, clients, name)| (Action::Attack(attack), clients, name));
    ACTIONS.into_iter().chain(attacks)
}

impl fmt::Display for ActionCounts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (count, (.., name))) in self.0.iter().zip(all_actions()).enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(formatter, "{comma}{} {name}", count.load(Ordering::Relaxed))?;
        }
        Ok(())
    }
}

impl ActionCounts {
    /// Checks that each kind of client has completed an action.
    pub(super) fn check(&self) -> Result<(), Error> {
        let idle = self.0.iter().zip(all_actions()).find(|(count, _)| count.load(Ordering::Relaxed) == 0);
        match idle {
            Some((_, (action, ..))) => Err(format!("no client completed {action:?}").into()),
            None => Ok(()),
        }
    }
}

impl HostileClients {
    /// Starts all clients, or those of the chosen actions: names separated by commas, or `-` and those of the actions to omit.
    pub(super) fn start(address: SocketAddr, stop: &CancellationToken, chosen: Option<String>) -> Self {
        let (mut tasks, actions) = (JoinSet::new(), Shared::new(ActionCounts::default()));
        for (index, (action, clients, _)) in all_actions().enumerate() {
            let is_in = |names: &str| names.split(',').any(|name| action.is(name));
            let is_chosen = chosen.as_ref().is_none_or(|chosen| match chosen.strip_prefix('-') {
                Some(omitted) => !is_in(omitted),
                None => is_in(chosen),
            });
            let clients = if is_chosen { clients } else { 0 };
            for _ in 0..clients {
                let (stop, actions) = (stop.clone(), actions.clone());
                tasks.spawn(async move {
                    let repeat = async {
                        loop {
                            // The server may close the connection, which is not an error here. A server that is busy may
                            // slow an action down, which has done its harm nevertheless.
                            let done = timeout(ACTION_TIMEOUT, act(action, address)).await;
                            if let (Ok(Ok(())) | Err(_), Some(count)) = (done, actions.0.get(index)) {
                                count.fetch_add(1, Ordering::Relaxed);
                            }
                            sleep(Duration::from_millis(5)).await;
                        }
                    };
                    stop.run_until_cancelled(repeat).await;
                });
            }
        }
        HostileClients { tasks, actions }
    }

    /// Waits until all clients have ended.
    pub(super) async fn join(mut self) -> Result<Shared<ActionCounts>, Error> {
        while let Some(task) = self.tasks.join_next().await {
            task?;
        }
        Ok(self.actions)
    }
}

async fn act(action: Action, address: SocketAddr) -> Result<(), Error> {
    let good = room_name(rand::random_range(0..ROOMS));
    match action {
        Action::Vanish => drop(join(address, &good).await?),
        Action::Stall => {
            let socket = TcpSocket::new_v4()?;
            socket.set_recv_buffer_size(4096)?;
            let stalled = connect_over(socket.connect(address).await?, address, &good).await?;
            sleep(Duration::from_secs(1)).await;
            drop(stalled);
        }
        Action::Flood => {
            let (mut write, mut read) = join(address, "flood").await?.split();
            let flood = "x".repeat(2000);
            for _ in 0..2000 {
                write.feed(Message::text(flood.as_str())).await?;
            }
            drop(timeout(Duration::from_millis(50), read.next()).await);
        }
        Action::Trap => fails(address, "trap", "!").await?,
        Action::Spin => fails(address, "spin", "@").await?,
        Action::Garbage => {
            let mut garbage: Vec<u8> = (0..rand::random_range(1..5000)).map(|_| rand::random()).collect();
            // Random bytes may be a valid message; in a well-behaved room, the first byte makes them invalid.
            let room = if rand::random() { "garbage" } else { &good };
            if room == good {
                garbage.insert(0, 0xff);
            }
            let mut socket = handshake(address, room).await?;
            socket.write_all(&garbage).await?;
            socket.write_all(&[0xff; 64]).await?;
            // The server closes the connection.
            drop(timeout(Duration::from_secs(2), socket.read_to_end(&mut Vec::new())).await?);
        }
        Action::PartialFrames => {
            let mut socket = handshake(address, &good).await?;
            // The first frame of a fragmented text, and a ping between the empty continuation frames.
            socket.write_all(&[0x01, 0x81, 0, 0, 0, 0, b'x']).await?;
            for _ in 0..20 {
                socket.write_all(&[0x89, 0x80, 0, 0, 0, 0, 0x00, 0x80, 0, 0, 0, 0]).await?;
                sleep(Duration::from_millis(10)).await;
            }
            let mut head = TcpStream::connect(address).await?;
            head.write_all(b"GET /ws/a HTTP/1.1\r\nHost: x\r\nX-Slow: ").await?;
            sleep(Duration::from_millis(200)).await;
        }
        Action::Pings => {
            let mut socket = handshake(address, &good).await?;
            let pings = [0x89, 0x80, 0, 0, 0, 0].repeat(1000);
            for _ in 0..10 {
                socket.write_all(&pings).await?;
            }
            drop(timeout(Duration::from_millis(50), socket.read(&mut [0; 1 << 16])).await);
        }
        Action::Http => {
            for path in ["/status", "/http/http/x", "/new_room", "/ws/..%2f..", "/%ff", "/ws/a?token=1&token=2"] {
                let mut socket = TcpStream::connect(address).await?;
                let method = if path == "/new_room" { "POST" } else { "GET" };
                let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
                socket.write_all(request.as_bytes()).await?;
                socket.read_to_end(&mut Vec::new()).await?;
            }
        }
        Action::Visit => {
            let mut visitor = join(address, &good).await?;
            for _ in 0..20 {
                visitor.next().await.ok_or("the connection was cut")??;
            }
            visitor.close(None).await?;
        }
        Action::Attack(attack) => attacks::attack(attack, address).await?,
    }
    Ok(())
}
