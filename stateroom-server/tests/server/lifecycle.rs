//! Model test: the members of rooms, their client IDs, and the events of services after random operations.
//! Time is paused so that the delays of policies are exact.
use std::{collections::BTreeMap, time::Duration};

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use stateroom_server::{OnSwap, Server, ShutdownPolicy};
use tokio::runtime::{Builder, Runtime};

use crate::common::{Client, TestServer};

const ROOMS: [&str; 2] = ["a", "b"];
const TOKENS: [&str; 3] = ["", "one", "two"];
/// Seconds until an empty room ends.
const EMPTY_ROOM_DELAY: u64 = 5;
/// Number of failures that cause no backoff.
const MAX_FAILURES: u32 = 2;

#[derive(Debug, Clone)]
enum Step {
    Join { room: usize, token: usize },
    Send { client: usize },
    Leave { client: usize },
    DropConnection { client: usize },
    Panic { client: usize },
    CloseClient { client: usize },
    CloseRoom { room: usize },
    Swap,
    Wait { seconds: u64 },
}

/// The expected state of the server.
#[derive(Debug, Clone)]
struct Model {
    policy: ShutdownPolicy,
    now: u64,
    rooms: BTreeMap<usize, ModelRoom>,
    /// The room and ID of each client, in join order; `None` after it left.
    clients: Vec<Option<(usize, u32)>>,
    failures: [u32; ROOMS.len()],
    /// Expected events of the services, by room.
    events: [Vec<String>; ROOMS.len()],
}

#[derive(Debug, Clone, Default)]
struct ModelRoom {
    last_id: u32,
    tokens: BTreeMap<usize, u32>,
    /// Time at which the room became empty.
    empty_since: Option<u64>,
}

impl Model {
    fn members(&self, room: usize) -> Vec<(usize, u32)> {
        let connected = self.clients.iter().enumerate().filter_map(|(index, client)| Some((index, (*client)?)));
        connected.filter(|(_, (of, _))| *of == room).map(|(index, (_, id))| (index, id)).collect()
    }

    fn record(&mut self, room: usize, event: impl Into<String>) {
        self.events[room].push(event.into());
    }

    fn end(&mut self, room: usize) {
        self.rooms.remove(&room);
        self.record(room, "drop");
        for (index, _) in self.members(room) {
            self.clients[index] = None;
        }
    }

    fn leave(&mut self, client: usize) {
        let Some((room, id)) = self.clients[client].take() else { return };
        if !self.members(room).is_empty() {
            return self.record(room, format!("disconnect {id}"));
        }
        match self.policy {
            ShutdownPolicy::Immediate => self.end(room),
            _ => {
                self.record(room, format!("disconnect {id}"));
                let now = self.now;
                self.rooms.entry(room).or_default().empty_since = Some(now);
            }
        }
    }
}

impl ReferenceStateMachine for Model {
    type State = Model;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Model> {
        let after = ShutdownPolicy::After(Duration::from_secs(EMPTY_ROOM_DELAY));
        prop::sample::select(vec![ShutdownPolicy::Never, ShutdownPolicy::Immediate, after])
            .prop_map(|policy| Model {
                policy,
                now: 0,
                rooms: BTreeMap::new(),
                clients: Vec::new(),
                failures: Default::default(),
                events: Default::default(),
            })
            .boxed()
    }

    fn transitions(model: &Model) -> BoxedStrategy<Step> {
        let join = (0..ROOMS.len(), 0..TOKENS.len()).prop_map(|(room, token)| Step::Join { room, token });
        let connected: Vec<usize> = (0..model.clients.len()).filter(|index| model.clients[*index].is_some()).collect();
        let rooms: Vec<usize> = model.rooms.keys().copied().collect();
        let wait = (1..8_u64).prop_map(|seconds| Step::Wait { seconds });
        if connected.is_empty() {
            return prop_oneof![4 => join, 1 => wait, 1 => Just(Step::Swap)].boxed();
        }
        let client = prop::sample::select(connected);
        prop_oneof![
            5 => join,
            4 => client.clone().prop_map(|client| Step::Send { client }),
            2 => client.clone().prop_map(|client| Step::Leave { client }),
            2 => client.clone().prop_map(|client| Step::DropConnection { client }),
            1 => client.clone().prop_map(|client| Step::Panic { client }),
            1 => client.prop_map(|client| Step::CloseClient { client }),
            1 => prop::sample::select(rooms).prop_map(|room| Step::CloseRoom { room }),
            1 => Just(Step::Swap),
            2 => wait,
        ]
        .boxed()
    }

    fn preconditions(model: &Model, step: &Step) -> bool {
        let is_connected = |client: &usize| model.clients.get(*client).is_some_and(Option::is_some);
        match step {
            Step::Send { client }
            | Step::Leave { client }
            | Step::DropConnection { client }
            | Step::CloseClient { client } => is_connected(client),
            Step::Panic { client } => {
                is_connected(client)
                    && model.clients[*client].is_some_and(|(room, _)| model.failures[room] < MAX_FAILURES)
            }
            Step::CloseRoom { room } => model.rooms.contains_key(room),
            Step::Join { .. } | Step::Swap | Step::Wait { .. } => true,
        }
    }

    fn apply(mut model: Model, step: &Step) -> Model {
        match *step {
            Step::Join { room, token } => {
                if !model.rooms.contains_key(&room) {
                    model.record(room, "init");
                }
                let state = model.rooms.entry(room).or_default();
                state.empty_since = None;
                let known = state.tokens.get(&token).copied().filter(|_| token > 0);
                let id = known.unwrap_or_else(|| {
                    state.last_id += 1;
                    state.last_id
                });
                if token > 0 {
                    state.tokens.insert(token, id);
                }
                if let Some((index, _)) = model.members(room).into_iter().find(|(_, member)| *member == id) {
                    model.clients[index] = None;
                    model.record(room, format!("disconnect {id}"));
                }
                model.record(room, format!("connect {id}"));
                model.clients.push(Some((room, id)));
            }
            Step::Send { client } => {
                let (room, id) = model.clients[client].unwrap();
                model.record(room, format!("message {id} hello"));
            }
            Step::Leave { client } | Step::DropConnection { client } => model.leave(client),
            Step::CloseClient { client } => {
                let (room, id) = model.clients[client].unwrap();
                model.record(room, format!("message {id} close {id} 3000 go"));
                model.leave(client);
            }
            Step::Panic { client } => {
                let (room, id) = model.clients[client].unwrap();
                model.failures[room] += 1;
                model.record(room, format!("message {id} panic x"));
                model.end(room);
            }
            Step::CloseRoom { room } => {
                for (_, id) in model.members(room) {
                    model.record(room, format!("disconnect {id}"));
                }
                model.end(room);
            }
            Step::Swap => {
                for room in model.rooms.keys().copied().collect::<Vec<_>>() {
                    model.record(room, "drop");
                    model.record(room, "init");
                    for (_, id) in model.members(room) {
                        model.record(room, format!("connect {id}"));
                    }
                }
            }
            Step::Wait { seconds } => {
                model.now += seconds;
                let is_expired =
                    |room: &ModelRoom| room.empty_since.is_some_and(|empty| model.now >= empty + EMPTY_ROOM_DELAY);
                let expired: Vec<usize> =
                    model.rooms.iter().filter(|(_, room)| is_expired(room)).map(|(room, _)| *room).collect();
                if matches!(model.policy, ShutdownPolicy::After(_)) {
                    expired.into_iter().for_each(|room| model.end(room));
                }
            }
        }
        model
    }
}

/// The server under test and its clients.
struct Actual {
    runtime: Runtime,
    server: TestServer,
    clients: Vec<Option<Client>>,
}

impl StateMachineTest for Actual {
    type SystemUnderTest = Actual;
    type Reference = Model;

    fn init_test(model: &Model) -> Actual {
        let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let server = runtime.block_on(async { TestServer::pipe(Server::new().with_shutdown_policy(model.policy)) });
        Actual { runtime, server, clients: Vec::new() }
    }

    fn apply(mut actual: Actual, model: &Model, step: Step) -> Actual {
        let Actual { runtime, server, clients } = &mut actual;
        runtime.block_on(async {
            match step {
                Step::Join { room, token } => {
                    let token = if token > 0 { format!("?token={}", TOKENS[token]) } else { String::new() };
                    let client = server.join(&format!("{}{token}", ROOMS[room])).await;
                    let (_, id) = model.clients.last().unwrap().unwrap();
                    assert_eq!(client.id, id, "client ID");
                    clients.push(Some(client));
                }
                Step::Send { client } => clients[client].as_mut().unwrap().send_text("hello").await,
                Step::Leave { client } => drop(clients[client].take().unwrap().leave().await),
                Step::DropConnection { client } => clients[client].take().unwrap().drop_connection(),
                Step::Panic { client } => clients[client].as_mut().unwrap().send_text("panic x").await,
                Step::CloseClient { client } => {
                    let client = clients[client].as_mut().unwrap();
                    client.send_text(format!("close {} 3000 go", client.id)).await;
                }
                Step::CloseRoom { room } => server.handle.room(ROOMS[room]).await.unwrap().close(1000, "over").await,
                Step::Swap => server.handle.swap(server.script.clone(), OnSwap::Restart),
                Step::Wait { seconds } => tokio::time::sleep(Duration::from_secs(seconds)).await,
            }
            assert_events(server, model).await;
            // Removed clients were closed; the others stay connected.
            for (client, should_be) in clients.iter_mut().zip(&model.clients) {
                if should_be.is_none()
                    && let Some(mut client) = client.take()
                {
                    let (_, (code, _)) = client.receive_until_close().await;
                    assert!([1000, 1011, 3000, 4000].contains(&code), "closed with {code}");
                }
            }
        });
        actual
    }

    fn check_invariants(actual: &Actual, model: &Model) {
        let mut rooms: Vec<(String, usize)> =
            actual.server.handle.local_rooms().into_iter().map(|room| (room.id, room.connections)).collect();
        rooms.sort();
        let expected: Vec<(String, usize)> =
            model.rooms.keys().map(|room| (ROOMS[*room].to_owned(), model.members(*room).len())).collect();
        assert_eq!(rooms, expected, "rooms and their numbers of connections");
    }
}

/// Waits until services have received the expected events, and asserts that they received no others.
async fn assert_events(server: &TestServer, model: &Model) {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
    for (room, expected) in ROOMS.iter().zip(&model.events) {
        assert_eq!(&server.script.events(room), expected, "events of room {room}");
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rooms_behave_like_the_model(sequential 1..40 => Actual);
}
