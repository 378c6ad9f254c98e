//! To a service and its clients, the simulated room of `stateroom::testing` is as a room of this server.
//!
//! Random clients do the same in both, and have to hear the same: they come with tokens or without, speak, leave, are closed;
//! timers fire, by themselves and by hand; the program around the rooms asks; services fail; the server stops. What the simulated
//! one leaves out is kept away: nobody reaches a limit, no room is left empty to end, none fails so often that it has to rest.
//! Details of clients and requests over HTTP are not played.
use std::{collections::BTreeMap, mem, time::Duration};

use stateroom::{
    ClientId, MessagePayload,
    testing::{Interleavings, Room, Script, Step},
};
use stateroom_server::Server;
use tokio::time::sleep;
use tokio_tungstenite::tungstenite::Message;

use crate::common::{Client, ScriptFactory, TestServer};

const ROOM: &str = "a";
/// The pause after each step. No timer is due when a step begins, so that their order is deterministic.
const PAUSE: Duration = Duration::from_millis(10);
/// Failures per minute without a backoff.
const FAULTS: usize = 2;

const TEXTS: [&str; 17] = [
    "echo",
    "all hear",
    "others hear",
    "to 1 hear",
    "to 2 hear",
    "timer 0",
    "timer 3",
    "timer 57",
    "timer 2503",
    "disconnect-timer 5",
    "close 1 3000 enough",
    "close 2 1000 ",
    "close 3 999 no code of a service",
    CALL,
    CALL_IN_VAIN,
    FIRE,
    PANIC,
];
const BYTES: &[u8] = b"\xff\x00";
// Said by a client, these stand for what only the program around the rooms can do.
const CALL: &str = "call echo so";
const CALL_IN_VAIN: &str = "call nothing";
const FIRE: &str = "fire";
const PANIC: &str = "panic received by nobody";

#[test]
fn a_simulated_room_behaves_like_one_of_a_server() {
    let rooms = Interleavings::in_rooms("a_room()", || Room::from_factory(ROOM, ScriptFactory::default()));
    let messages = TEXTS.map(MessagePayload::from).into_iter().chain([BYTES.into()]);
    let rooms = rooms.messages(messages).clients(1..=4).steps(1..=60).cases(300).allow_faults().at_the_end();
    rooms.check(|room| {
        let script = with_pauses(room.script());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        assert_eq!(runtime.block_on(Served::run(&script)), simulate(&script), "served, and simulated");
    });
}

/// The history of a room.
#[derive(Debug, Default, PartialEq)]
struct Course {
    /// The events of the service.
    events: Vec<String>,
    /// The steps up to each pause, and their results.
    parts: Vec<Part>,
    /// The last close code of each client.
    closed: BTreeMap<ClientId, (u16, String)>,
}

#[derive(Debug, Default, PartialEq)]
struct Part {
    done: Vec<Step>,
    received: BTreeMap<ClientId, Vec<MessagePayload>>,
    closed: BTreeMap<ClientId, Vec<u16>>,
}

/// The history up to the first backoff.
fn with_pauses(recorded: &Script) -> Script {
    let mut faults = 0;
    let is_fault = |step: &Step| matches!(step, Step::Send { message, .. } if message.text() == Some(PANIC));
    let steps = recorded.without_expectations().steps.into_iter().take_while(|step| {
        faults += usize::from(is_fault(step));
        faults <= FAULTS
    });
    let steps = steps.map(|step| match step {
        // A multiple of the pause, and not to be taken for one.
        Step::Advance { time } => Step::Advance { time: time.max(2 * PAUSE) },
        Step::Send { client, message } => match message.text() {
            Some(text @ (CALL | CALL_IN_VAIN)) => {
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

fn simulate(script: &Script) -> Course {
    let factory = ScriptFactory::default();
    let mut room = Room::from_factory(ROOM, factory.clone());
    script.run(&mut room).unwrap();
    let mut parts: Vec<Part> = Vec::new();
    for step in room.script().steps.clone() {
        match (step, parts.last_mut()) {
            (Step::Expect { client, messages }, Some(part)) => {
                part.received.entry(client).or_default().extend(messages)
            }
            (Step::ExpectClosed { client, code }, Some(part)) => part.closed.entry(client).or_default().push(code),
            (step, Some(part)) if !part.done.last().is_some_and(is_pause) => part.done.push(step),
            (step, _) => parts.push(Part { done: vec![step], ..Part::default() }),
        }
    }
    let clients = (1..=100).map(ClientId);
    let closed = clients.filter_map(|client| Some((client, room.closed(client)?.clone())));
    let closed = closed.map(|(client, closed)| (client, (closed.code, closed.reason))).collect();
    Course { events: factory.events(ROOM), parts, closed }
}

/// A room of a server.
struct Served {
    server: TestServer,
    clients: BTreeMap<ClientId, Client>,
    /// Clients whose tokens other clients have used since.
    replaced: Vec<(ClientId, Client)>,
    part: Part,
    course: Course,
}

impl Served {
    async fn run(script: &Script) -> Course {
        let server = TestServer::pipe(Server::new());
        // The simulated one has begun already.
        server.handle.create_room(Some(ROOM)).await.unwrap();
        let (clients, replaced) = Default::default();
        let mut served = Served { server, clients, replaced, part: Part::default(), course: Course::default() };
        for step in &script.steps {
            if let Some(done) = served.play(step).await {
                served.part.done.push(done);
            }
            if is_pause(step) {
                served.listen().await;
                let part = mem::take(&mut served.part);
                served.course.parts.push(part);
            }
        }
        Course { events: served.server.script.events(ROOM), ..served.course }
    }

    /// Runs a step, if it is possible.
    async fn play(&mut self, step: &Step) -> Option<Step> {
        let room = self.server.handle.room(ROOM).await;
        match step {
            Step::Connect { client, token, .. } => {
                if room.is_none() {
                    self.course.closed.clear();
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
    async fn listen(&mut self) {
        let replaced = mem::take(&mut self.replaced);
        for (client, connection) in replaced.into_iter().chain(mem::take(&mut self.clients)) {
            if let Some(connection) = self.hear(client, connection).await {
                self.clients.insert(client, connection);
            }
        }
    }

    /// Receives the messages of one client; `None` if it was closed.
    async fn hear(&mut self, client: ClientId, mut connection: Client) -> Option<Client> {
        while let Some(message) = connection.poll_message().await {
            let payload = match message {
                Message::Text(text) => text.as_str().into(),
                Message::Binary(bytes) => bytes.to_vec().into(),
                Message::Close(Some(frame)) => {
                    let code = frame.code.into();
                    self.part.closed.entry(client).or_default().push(code);
                    self.course.closed.insert(client, (code, frame.reason.as_str().to_owned()));
                    // The answer to it goes out.
                    connection.poll_message().await;
                    return None;
                }
                other => panic!("{other:?}"),
            };
            self.part.received.entry(client).or_default().push(payload);
        }
        Some(connection)
    }
}
