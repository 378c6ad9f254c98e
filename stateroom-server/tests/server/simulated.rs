//! The simulated room of `stateroom::testing` behaves like a room of the server.
//!
//! A property test runs the same random script in both and compares the histories. Clients join with and without
//! tokens, send messages, leave and are closed. Timers fire when due or through the handle. The host calls services,
//! services fail and end their rooms, and the server stops. The scripts avoid what the simulation does not model: limits, the end of empty
//! rooms, and backoffs. Client details and HTTP requests are not covered.
use std::{collections::BTreeMap, mem, sync::Arc, time::Duration};

use stateroom::{
    ClientId, MessagePayload,
    testing::{Interleavings, Room, Script, Step},
};
use stateroom_server::{Server, store::MemoryStore};
use tokio::time::sleep;
use tokio_tungstenite::tungstenite::Message;

use crate::common::{Client, ScriptFactory, TestServer};

const ROOM: &str = "a";
/// Pause after each step. No timer is due at the start of a step, which keeps the order of events deterministic.
const PAUSE: Duration = Duration::from_millis(10);
const HOUR: Duration = Duration::from_secs(3600);
/// Number of failures per minute that cause no backoff.
const MAX_FAULTS: usize = 2;

const TEXTS: [&str; 18] = [
    "echo",
    "all hello",
    "others hello",
    "to 1 hello",
    "to 2 hello",
    "timer 0",
    "timer 3",
    "timer 57",
    "timer 2503",
    "disconnect-timer 5",
    "close 1 3000 enough",
    "close 2 1000 ",
    "close 3 999 invalid code",
    "end-room it is over",
    CALL,
    CALL_WITHOUT_RESPONSE,
    FIRE,
    PANIC,
];
const BYTES: &[u8] = b"\xff\x00";
// Client messages that are replaced by operations of the host.
const CALL: &str = "call echo so";
const CALL_WITHOUT_RESPONSE: &str = "call nothing";
const FIRE: &str = "fire";
const PANIC: &str = "panic undelivered";

#[test]
fn a_simulated_room_behaves_like_a_server_room() {
    check(Server::new, |_| true, Some);
}

/// Except for faults, which are undone, and the shutdown, of which it does not hear.
#[test]
fn a_simulated_room_behaves_like_a_durable_room() {
    let server = || Server::new().with_store(Arc::new(MemoryStore::default())).with_sleep_after(HOUR);
    check(server, |text| text != PANIC, |step| (step != Step::Shutdown).then_some(step));
}

/// Without timers: those in the store follow the system's clock.
#[test]
fn a_simulated_room_behaves_like_a_room_that_sleeps_whenever_it_can() {
    let server = || Server::new().with_store(Arc::new(MemoryStore::default())).with_sleep_after(PAUSE / 2);
    let sends = |text: &str| text != PANIC && !text.contains("timer");
    check(server, sends, |step| (step != Step::Shutdown).then_some(step));
}

/// Except for faults, which are undone, and the shutdown, for which it does not wake.
#[test]
fn a_simulated_room_behaves_like_a_room_that_sleeps_in_memory() {
    let server = || Server::new().with_sleep_in_memory(true).with_sleep_after(PAUSE / 2);
    check(server, |text| text != PANIC, |step| (step != Step::Shutdown).then_some(step));
}

/// Compares a server with the simulation, by random scripts with these messages, and of the steps that `select` returns.
fn check(server: fn() -> Server, sends: fn(&str) -> bool, select: impl Fn(Step) -> Option<Step>) {
    let rooms = Interleavings::in_rooms("a_room()", || Room::from_factory(ROOM, ScriptFactory::default()));
    let texts = TEXTS.into_iter().filter(|text| sends(text));
    let messages = texts.map(MessagePayload::from).chain([BYTES.into()]);
    let rooms = rooms.messages(messages).clients(1..=4).steps(1..=60).cases(300).allow_faults().at_the_end();
    rooms.check(|room| {
        let script: Script = with_pauses(room.script()).steps.into_iter().filter_map(&select).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let mut history = runtime.block_on(ServerRoom::run(server(), &script));
        let mut simulated = simulate(&script);
        if server().store.is_some() || server().sleep_in_memory {
            // The services of a room that sleeps come and go.
            for history in [&mut history, &mut simulated] {
                history.events.retain(|event| event != "drop");
            }
        }
        assert_eq!(history, simulated, "history of the server (left) and of the simulation (right)");
    });
}

/// The history of a room.
#[derive(Debug, Default, PartialEq)]
struct History {
    /// The events of the service.
    events: Vec<String>,
    /// The segments between pauses.
    segments: Vec<Segment>,
    /// The last close code of each client.
    closed: BTreeMap<ClientId, (u16, String)>,
}

/// The steps up to a pause, and their effects.
#[derive(Debug, Default, PartialEq)]
struct Segment {
    steps: Vec<Step>,
    received: BTreeMap<ClientId, Vec<MessagePayload>>,
    closed: BTreeMap<ClientId, Vec<u16>>,
}

/// Returns the script up to the first backoff, with a pause after each step and a shutdown at the end.
fn with_pauses(recorded: &Script) -> Script {
    let mut faults = 0;
    let is_fault = |step: &Step| matches!(step, Step::Send { message, .. } if message.text() == Some(PANIC));
    let steps = recorded.without_expectations().steps.into_iter().take_while(|step| {
        faults += usize::from(is_fault(step));
        faults <= MAX_FAULTS
    });
    let steps = steps.map(|step| match step {
        // A multiple of the pause that is distinguishable from it.
        Step::Advance { time } => Step::Advance { time: time.max(2 * PAUSE) },
        Step::Send { client, message } => match message.text() {
            Some(text @ (CALL | CALL_WITHOUT_RESPONSE)) => {
                Step::Call { message: text.trim_start_matches("call ").into(), answer: None }
            }
            Some(FIRE) => Step::FireTimer,
            _ => Step::Send { client, message },
        },
        step => step,
    });
    steps.chain([Step::Shutdown]).flat_map(|step| [step, Step::Advance { time: PAUSE }]).collect()
}

fn is_pause(step: &Step) -> bool {
    matches!(step, Step::Advance { time } if *time == PAUSE)
}

fn simulate(script: &Script) -> History {
    let factory = ScriptFactory::default();
    let mut room = Room::from_factory(ROOM, factory.clone());
    script.run(&mut room).unwrap();
    let mut segments: Vec<Segment> = Vec::new();
    for step in room.script().steps.clone() {
        match (step, segments.last_mut()) {
            (Step::Expect { client, messages }, Some(segment)) => {
                segment.received.entry(client).or_default().extend(messages)
            }
            (Step::ExpectClosed { client, code }, Some(segment)) => {
                segment.closed.entry(client).or_default().push(code)
            }
            (step, Some(segment)) if !segment.steps.last().is_some_and(is_pause) => segment.steps.push(step),
            (step, _) => segments.push(Segment { steps: vec![step], ..Segment::default() }),
        }
    }
    let clients = (1..=100).map(ClientId);
    let closed = clients.filter_map(|client| Some((client, room.closed(client)?.clone())));
    let closed = closed.map(|(client, closed)| (client, (closed.code, closed.reason))).collect();
    History { events: factory.events(ROOM), segments, closed }
}

/// A room of a real server.
struct ServerRoom {
    server: TestServer,
    clients: BTreeMap<ClientId, Client>,
    /// Connections that were replaced by a later one with the same token.
    replaced: Vec<(ClientId, Client)>,
    segment: Segment,
    history: History,
}

impl ServerRoom {
    async fn run(server: Server, script: &Script) -> History {
        let server = TestServer::pipe(server);
        // A simulated room has already started.
        server.handle.create_room(Some(ROOM)).await.unwrap();
        let (clients, replaced) = Default::default();
        let mut room =
            ServerRoom { server, clients, replaced, segment: Segment::default(), history: History::default() };
        for step in &script.steps {
            if let Some(done) = room.run_step(step).await {
                room.segment.steps.push(done);
            }
            if is_pause(step) {
                room.receive_from_all().await;
                let segment = mem::take(&mut room.segment);
                room.history.segments.push(segment);
            }
        }
        History { events: room.server.script.events(ROOM), ..room.history }
    }

    /// Runs a step. Returns `None` if it is not possible in the current state.
    async fn run_step(&mut self, step: &Step) -> Option<Step> {
        let room = self.server.handle.room(ROOM).await;
        match step {
            Step::Connect { client, token, .. } => {
                if room.is_none() {
                    self.history.closed.clear();
                }
                let query = token.as_ref().map(|token| format!("?token={}", token.replace(' ', "%20")));
                let joined = self.server.connect(&format!("/ws/{ROOM}{}", query.unwrap_or_default())).await;
                self.replaced.extend(self.clients.insert(*client, joined).map(|replaced| (*client, replaced)));
            }
            Step::Send { client, message } => {
                let message = match message {
                    MessagePayload::Text(text) => Message::text(text.as_str()),
                    MessagePayload::Bytes(bytes) => Message::binary(bytes.clone()),
                };
                self.clients.get_mut(client)?.send(message).await;
            }
            Step::Disconnect { client } => {
                let rest = self.clients.remove(client)?.leave().await;
                assert!(rest.is_empty(), "{rest:?}");
            }
            Step::Advance { time } => sleep(*time).await,
            Step::FireTimer => room?.fire_timer().await.ok()?,
            Step::Call { message, .. } => {
                let answer = room?.call(message.clone()).await.ok()?;
                return Some(Step::Call { message: message.clone(), answer });
            }
            Step::Shutdown => {
                room?;
                let handle = self.server.handle.clone();
                tokio::spawn(async move { handle.shutdown().await });
            }
            other => panic!("{other:?}"),
        }
        Some(step.clone())
    }

    /// Receives the messages of all clients.
    async fn receive_from_all(&mut self) {
        let replaced = mem::take(&mut self.replaced);
        for (client, connection) in replaced.into_iter().chain(mem::take(&mut self.clients)) {
            if let Some(connection) = self.receive_from(client, connection).await {
                self.clients.insert(client, connection);
            }
        }
    }

    /// Receives the messages of one client. Returns `None` if it was closed.
    async fn receive_from(&mut self, client: ClientId, mut connection: Client) -> Option<Client> {
        while let Some(message) = connection.poll_message().await {
            let payload = match message {
                Message::Text(text) => text.as_str().into(),
                Message::Binary(bytes) => bytes.to_vec().into(),
                Message::Close(Some(frame)) => {
                    let code = frame.code.into();
                    self.segment.closed.entry(client).or_default().push(code);
                    self.history.closed.insert(client, (code, frame.reason.as_str().to_owned()));
                    // Sends the reply to the close frame.
                    connection.poll_message().await;
                    return None;
                }
                other => panic!("{other:?}"),
            };
            self.segment.received.entry(client).or_default().push(payload);
        }
        Some(connection)
    }
}
