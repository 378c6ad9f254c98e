//! Durable rooms whose server is killed at the worst moments: under load, while rooms go to sleep, while it stops, while it starts.
//!
//! *Invariant:* all checks are from the outside. The only sleeps are the pace of clients, and the moment of a kill.
use std::{
    collections::{HashMap, HashSet},
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde::Deserialize;
use tokio::{
    sync::{Mutex, watch},
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use crate::{
    common::{Client, Serving, TIMEOUT, built, stateroom},
    e2e_admin::admin,
    e2e_durable::rounds,
};

/// When the server is killed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Moment {
    /// While all clients send.
    Load,
    /// While rooms go to sleep and wake.
    Sleep,
    /// After a SIGTERM.
    Stop,
    /// At any moment of several starts.
    Start,
}

const MOMENTS: [Moment; 4] = [Moment::Sleep, Moment::Stop, Moment::Start, Moment::Load];

/// Time without an event after which rooms sleep.
pub(crate) const SLEEP_AFTER: Duration = Duration::from_millis(20);

fn command(module: &Path, data: &Path) -> Command {
    let mut command = stateroom();
    command.arg("serve").arg(module).args(["--ip", "127.0.0.1", "--port", "0", "--admin", "127.0.0.1:0"]);
    command.args(["--drain-time", "100ms", "--sleep-after", "20ms", "--data"]).arg(data);
    // Rooms also sleep because others want their places.
    command.args(["--instances", if fastrand::bool() { "2" } else { "16" }]);
    command
}

/// Returns a server, and the address of its admin API.
pub(crate) async fn serve(module: &Path, data: &Path) -> (Serving, SocketAddr) {
    Serving::run_with(command(module, data), admin).await
}

/// Starts a server, and kills it within this time.
pub(crate) async fn kill_while_it_starts(module: &Path, data: &Path, time: Duration) {
    let mut command = tokio::process::Command::from(command(module, data));
    let mut server = command.stderr(Stdio::null()).spawn().unwrap();
    sleep(up_to(time)).await;
    server.kill().await.unwrap();
}

/// Returns a random time up to this one.
pub(crate) fn up_to(time: Duration) -> Duration {
    time.mul_f64(fastrand::f64())
}

/// Maximum number of messages that a chat room keeps.
const HISTORY: usize = 100;

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Said {
    id: u32,
    text: String,
}

#[derive(Debug, Deserialize)]
struct Person {
    id: u32,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum FromChat {
    Welcome { you: u32, messages: Vec<Said> },
    People { people: Vec<Person> },
    Said { message: Said },
}

/// The messages of a chat room that clients have seen.
#[derive(Default)]
struct Seen {
    said: Vec<Said>,
    texts: HashSet<String>,
    /// The ID of each client, by its token.
    ids: HashMap<String, u32>,
}

impl Seen {
    /// Adds the message at this place of the room's messages.
    fn see(&mut self, place: usize, message: Said) {
        match self.said.get(place) {
            Some(known) => assert_eq!(*known, message, "clients see different messages"),
            None => {
                assert_eq!(place, self.said.len());
                assert!(self.texts.insert(message.text.clone()), "{message:?} is there twice");
                self.said.push(message);
            }
        }
    }

    /// Adds what a client is told when it joins, after others had seen `before` messages. Returns the place of the next message.
    fn join(&mut self, token: &str, id: u32, messages: Vec<Said>, before: usize) -> usize {
        let is_new = !self.ids.contains_key(token);
        assert!(!is_new || self.ids.values().all(|other| *other != id), "the ID {id} is given twice");
        assert_eq!(*self.ids.entry(token.to_owned()).or_insert(id), id, "{token} has another ID");
        let start = match messages.first() {
            Some(first) if messages.len() == HISTORY => self.said.iter().rposition(|said| said == first).unwrap(),
            _ => 0,
        };
        let end = start + messages.len();
        assert!(end >= before, "seen and missing: {:?}", self.said.get(end..));
        messages.into_iter().enumerate().for_each(|(index, message)| self.see(start + index, message));
        end
    }
}

/// A client in a chat room.
struct Visitor {
    client: Client,
    id: u32,
    seen: Arc<Mutex<Seen>>,
    /// The place of the next message.
    next: usize,
}

impl Visitor {
    /// Joins, or returns nothing if the server is gone.
    async fn join(url: &str, seen: &Arc<Mutex<Seen>>, token: &str) -> Option<Visitor> {
        let before = seen.lock().await.said.len();
        let mut client = Client::try_connect(&format!("{url}?token={token}")).await.ok()?;
        let FromChat::Welcome { you: id, messages } = read(&mut client).await? else { panic!("no welcome") };
        let next = seen.lock().await.join(token, id, messages, before);
        Some(Visitor { client, id, seen: seen.clone(), next })
    }

    /// Says something that nobody has said before, and waits until everyone is told. Returns nothing if the server is gone.
    async fn say(&mut self) -> Option<()> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        // Some are long, so that snapshots replace the journals of the rooms.
        let text = format!("{:0width$}", NUMBER.fetch_add(1, Ordering::Relaxed), width = fastrand::usize(0..2000));
        self.client.try_send(format!(r#"{{"type":"say","text":"{text}"}}"#)).await?;
        loop {
            let FromChat::Said { message } = read(&mut self.client).await? else { continue };
            let is_own = message.text == text;
            assert!(!is_own || message.id == self.id, "{message:?} is of {}", self.id);
            self.seen.lock().await.see(self.next, message);
            self.next += 1;
            if is_own {
                return Some(());
            }
        }
    }
}

/// Returns the next message of a chat room, unless the connection has ended.
async fn read(client: &mut Client) -> Option<FromChat> {
    Some(serde_json::from_str(&client.try_text().await?).unwrap())
}

/// Talks, leaves and comes back until the server is gone.
async fn talk(url: String, seen: Arc<Mutex<Seen>>, token: String, pace: Duration, progress: watch::Sender<usize>) {
    loop {
        sleep(up_to(pace)).await;
        let Some(mut visitor) = Visitor::join(&url, &seen, &token).await else { return };
        for _ in 0..fastrand::usize(1..30) {
            sleep(up_to(pace)).await;
            if visitor.say().await.is_none() {
                return;
            }
            progress.send_modify(|said| *said += 1);
        }
    }
}

const ROOMS: usize = 3;

/// Checks that nothing that was seen is missing in a room, and that nobody of before is still in it.
async fn check(server: &Serving, room: &str, seen: &Arc<Mutex<Seen>>) {
    let url = format!("ws://{}/ws/{room}", server.address);
    let mut checker = Visitor::join(&url, seen, "checker").await.expect("it ends");
    let people = read(&mut checker.client).await;
    let Some(FromChat::People { people }) = people else { panic!("{people:?}") };
    assert_eq!(people.iter().map(|person| person.id).collect::<Vec<_>>(), [checker.id]);
}

#[tokio::test]
async fn a_chat_continues_whenever_its_server_is_killed() {
    let data = tempfile::tempdir().unwrap();
    let rooms: [(String, Arc<Mutex<Seen>>); ROOMS] =
        std::array::from_fn(|room| (format!("room-{room}"), Arc::default()));
    let mut start_time = Duration::from_millis(100);
    for round in 0..rounds().max(2 * MOMENTS.len()) {
        let moment = MOMENTS[round % MOMENTS.len()];
        if moment == Moment::Start {
            for _ in 0..3 {
                kill_while_it_starts(&built("chat"), data.path(), start_time * 2).await;
            }
        }
        let started = Instant::now();
        let (server, admin) = serve(&built("chat"), data.path()).await;
        start_time = started.elapsed();
        // Some rooms are woken by several clients at once.
        for (room, seen) in rooms.iter().skip(fastrand::usize(0..=ROOMS)) {
            check(&server, room, seen).await;
        }
        let (progress, mut said) = watch::channel(0);
        let mut clients = JoinSet::new();
        let pace = if moment == Moment::Sleep { SLEEP_AFTER * 4 } else { Duration::ZERO };
        for (number, (room, seen)) in rooms.iter().enumerate() {
            let url = format!("ws://{}/ws/{room}", server.address);
            // The first room is often empty.
            for client in 0..=number {
                clients.spawn(talk(url.clone(), seen.clone(), format!("client-{client}"), pace, progress.clone()));
            }
        }
        let enough = match moment {
            Moment::Start => 0,
            Moment::Sleep => fastrand::usize(10..60),
            Moment::Load | Moment::Stop => fastrand::usize(10..1500),
        };
        timeout(TIMEOUT, said.wait_for(|said| *said >= enough)).await.expect("too little is said").unwrap();
        assert!(clients.try_join_next().is_none(), "a client was closed");
        match moment {
            Moment::Load => {}
            Moment::Sleep => {
                while !server.get_at(admin, "/metrics").await.contains("stateroom_wakes_total{cause=\"message\"}") {}
            }
            Moment::Stop => {
                server.signal("TERM");
                sleep(up_to(Duration::from_millis(200))).await;
            }
            Moment::Start => sleep(up_to(Duration::from_millis(50))).await,
        }
        server.signal("KILL");
        server.end().await;
        while let Some(client) = timeout(TIMEOUT, clients.join_next()).await.expect("clients do not end") {
            client.unwrap();
        }
    }
    let (server, _) = serve(&built("chat"), data.path()).await;
    for (room, seen) in &rooms {
        check(&server, room, seen).await;
    }
}
