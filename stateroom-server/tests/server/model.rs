//! Property test: each client receives exactly the events of its room between its join and its leave, in the order
//! of the room.
use std::collections::HashMap;

use proptest::prelude::*;
use stateroom_server::Server;
use tokio_tungstenite::tungstenite::Message;

use crate::common::{Client, TestServer};

const SLOTS: usize = 5;
const ROOMS: [&str; 2] = ["a", "b"];
const TOKENS: [&str; 3] = ["", "?token=one", "?token=two"];

#[derive(Debug, Clone)]
enum Step {
    /// The client of the slot leaves its current room and joins another with a token.
    Join { slot: usize, room: usize, token: usize },
    /// The client sends a number of messages.
    Send { slot: usize, messages: u8 },
    /// The client sends a close frame.
    Leave { slot: usize },
    /// The client drops the connection without a close frame.
    DropConnection { slot: usize },
    /// The client makes the service close a client.
    Close { slot: usize, id: u32 },
}

fn step() -> impl Strategy<Value = Step> {
    let slot = 0..SLOTS;
    prop_oneof![
        4 => (slot.clone(), 0..ROOMS.len(), 0..TOKENS.len())
            .prop_map(|(slot, room, token)| Step::Join { slot, room, token }),
        6 => (slot.clone(), 1..20_u8).prop_map(|(slot, messages)| Step::Send { slot, messages }),
        1 => slot.clone().prop_map(|slot| Step::Leave { slot }),
        2 => slot.clone().prop_map(|slot| Step::DropConnection { slot }),
        1 => (slot, 1..6_u32).prop_map(|(slot, id)| Step::Close { slot, id }),
    ]
}

/// A client in a room.
struct ConnectedClient {
    connection: Client,
    room: &'static str,
    token: usize,
    received: Vec<String>,
    sent: Vec<String>,
}

/// A finished connection.
struct FinishedConnection {
    id: u32,
    room: &'static str,
    received: Vec<String>,
    sent: Vec<String>,
    /// Connected until the shutdown, with all messages received.
    stayed: bool,
}

impl ConnectedClient {
    fn finish(self, stayed: bool) -> FinishedConnection {
        FinishedConnection { id: self.connection.id, room: self.room, received: self.received, sent: self.sent, stayed }
    }
}

async fn run_steps(server: TestServer, steps: Vec<Step>) {
    let mut slots: Vec<Option<ConnectedClient>> = (0..SLOTS).map(|_| None).collect();
    let mut finished: Vec<FinishedConnection> = Vec::new();
    let mut tokens: HashMap<(&str, usize), u32> = HashMap::new();
    let mut number = 0;
    for step in steps {
        match step {
            Step::Join { slot, room, token } => {
                if let Some(client) = slots[slot].take() {
                    finished.push(client.finish(false));
                }
                let room = ROOMS[room];
                let client = server.join(&format!("{room}{}", TOKENS[token])).await;
                if token > 0 {
                    let id = *tokens.entry((room, token)).or_insert(client.id);
                    assert_eq!(client.id, id, "a token keeps its client ID");
                }
                let received = vec![format!("joined {}", client.id)];
                slots[slot] = Some(ConnectedClient { connection: client, room, token, received, sent: Vec::new() });
            }
            Step::Send { slot, messages } => {
                let Some(client) = &mut slots[slot] else { continue };
                for _ in 0..messages {
                    number += 1;
                    client.sent.push(number.to_string());
                    client.connection.try_send(Message::text(format!("all {number}"))).await;
                }
            }
            Step::Leave { slot } => {
                let Some(mut client) = slots[slot].take() else { continue };
                client.connection.try_send(Message::Close(None)).await;
                receive_all(&mut client).await;
                finished.push(client.finish(false));
            }
            Step::DropConnection { slot } => {
                if let Some(client) = slots[slot].take() {
                    finished.push(client.finish(false));
                }
            }
            Step::Close { slot, id } => {
                let Some(client) = &mut slots[slot] else { continue };
                client.connection.try_send(Message::text(format!("close {id} 3000 closed"))).await;
            }
        }
    }
    // All messages in flight arrive; the remaining clients then receive the rest and their close frame.
    for client in slots.iter_mut().flatten() {
        client.connection.try_sync().await;
    }
    let handle = server.handle.clone();
    let stop = tokio::spawn(async move { handle.shutdown().await });
    for mut client in slots.into_iter().flatten() {
        let code = receive_all(&mut client).await;
        let stayed = code == Some(1012);
        if code == Some(4000) {
            assert!(client.token > 0, "only a client with a token is replaced");
        }
        finished.push(client.finish(stayed));
    }
    stop.await.unwrap();
    for room in ROOMS {
        check(&server.script.events(room), finished.iter().filter(|connection| connection.room == room));
    }
}

/// Receives messages until the connection ends. Returns the close code.
async fn receive_all(client: &mut ConnectedClient) -> Option<u16> {
    let mut code = None;
    loop {
        match client.connection.next_message().await {
            Some(Message::Text(text)) => client.received.push(text.as_str().to_owned()),
            Some(Message::Close(close)) => code = close.map(|close| close.code.into()),
            Some(_) => panic!("unexpected message"),
            None => return code,
        }
    }
}

/// Compares the events of a room's service with what the clients sent and received.
fn check<'a>(events: &[String], finished: impl Iterator<Item = &'a FinishedConnection>) {
    // All broadcasts, and the range of broadcasts that each connection covers.
    let mut broadcasts: Vec<String> = Vec::new();
    let mut connected: HashMap<u32, (usize, Vec<String>)> = HashMap::new();
    let mut connections: Vec<(u32, std::ops::Range<usize>, Vec<String>)> = Vec::new();
    for (at, event) in events.iter().enumerate() {
        let (kind, rest) = event.split_once(' ').unwrap_or((event, ""));
        match kind {
            "init" => assert_eq!(at, 0, "the room starts once"),
            "drop" => assert_eq!(at, events.len() - 1, "the room ends once"),
            "connect" => {
                let id = rest.parse().unwrap();
                assert!(connected.insert(id, (broadcasts.len(), Vec::new())).is_none(), "{id} is connected twice");
                broadcasts.push(format!("joined {id}"));
            }
            "disconnect" => {
                let id = rest.parse().unwrap();
                let (from, sent) = connected.remove(&id).unwrap_or_else(|| panic!("{id} disconnects twice"));
                connections.push((id, from..broadcasts.len(), sent));
                broadcasts.push(format!("left {id}"));
            }
            "message" => {
                let (id, text) = rest.split_once(' ').unwrap();
                let (_, sent) =
                    connected.get_mut(&id.parse().unwrap()).unwrap_or_else(|| panic!("{id} is not connected"));
                if let Some(text) = text.strip_prefix("all ") {
                    sent.push(text.to_owned());
                    broadcasts.push(text.to_owned());
                }
            }
            other => panic!("unexpected event `{other}`"),
        }
    }
    assert!(connected.is_empty(), "each connection is followed by a disconnect");
    for connection in finished {
        // An ID can have several connections; the received messages identify the matching one.
        let found = connections.iter().find(|(id, range, sent)| {
            let expected = &broadcasts[range.clone()];
            *id == connection.id
                && if connection.stayed {
                    connection.sent == *sent && connection.received == expected
                } else {
                    connection.sent.starts_with(sent) && expected.starts_with(&connection.received)
                }
        });
        assert!(
            found.is_some(),
            "client {} received {:?} and sent {:?}, but the events of the room are {events:?}",
            connection.id,
            connection.received,
            connection.sent
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn clients_receive_the_events_of_their_room(steps in prop::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async { run_steps(TestServer::pipe(Server::new()), steps).await });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, ..ProptestConfig::default() })]

    #[test]
    fn clients_receive_the_events_of_their_room_over_tcp(steps in prop::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async { run_steps(TestServer::tcp(Server::new()).await, steps).await });
    }
}
