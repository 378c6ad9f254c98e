//! Whatever clients do, each sees just what happens in its room between its coming and its going, in one order.
use std::collections::HashMap;

use proptest::prelude::*;
use stateroom_server::Server;
use tokio_tungstenite::tungstenite::Message;

use crate::common::{Client, TestServer};

const PLACES: usize = 5;
const ROOMS: [&str; 2] = ["a", "b"];
const TOKENS: [&str; 3] = ["", "?token=one", "?token=two"];

#[derive(Debug, Clone)]
enum Step {
    /// The client of this slot joins this room with this token, and leaves its current room before.
    Join { place: usize, room: usize, token: usize },
    /// It sends this number of messages.
    Send { place: usize, messages: u8 },
    /// It leaves with a close frame.
    Leave { place: usize },
    /// It vanishes.
    DropConnection { place: usize },
    /// It makes the service close a client.
    Close { place: usize, id: u32 },
}

fn step() -> impl Strategy<Value = Step> {
    let place = 0..PLACES;
    prop_oneof![
        4 => (place.clone(), 0..ROOMS.len(), 0..TOKENS.len())
            .prop_map(|(place, room, token)| Step::Join { place, room, token }),
        6 => (place.clone(), 1..20_u8).prop_map(|(place, messages)| Step::Send { place, messages }),
        1 => place.clone().prop_map(|place| Step::Leave { place }),
        2 => place.clone().prop_map(|place| Step::DropConnection { place }),
        1 => (place, 1..6_u32).prop_map(|(place, id)| Step::Close { place, id }),
    ]
}

/// A client in a room.
struct Visitor {
    client: Client,
    room: &'static str,
    token: usize,
    received: Vec<String>,
    sent: Vec<String>,
}

/// A client that was in a room.
struct Visit {
    id: u32,
    room: &'static str,
    received: Vec<String>,
    sent: Vec<String>,
    /// It was connected at the end and has received everything.
    stayed: bool,
}

impl Visitor {
    fn over(self, stayed: bool) -> Visit {
        Visit { id: self.client.id, room: self.room, received: self.received, sent: self.sent, stayed }
    }
}

async fn play(server: TestServer, steps: Vec<Step>) {
    let mut places: Vec<Option<Visitor>> = (0..PLACES).map(|_| None).collect();
    let mut visits: Vec<Visit> = Vec::new();
    let mut tokens: HashMap<(&str, usize), u32> = HashMap::new();
    let mut number = 0;
    for step in steps {
        match step {
            Step::Join { place, room, token } => {
                if let Some(visitor) = places[place].take() {
                    visits.push(visitor.over(false));
                }
                let room = ROOMS[room];
                let client = server.join(&format!("{room}{}", TOKENS[token])).await;
                if token > 0 {
                    let id = *tokens.entry((room, token)).or_insert(client.id);
                    assert_eq!(client.id, id, "a token brings its number back");
                }
                let received = vec![format!("joined {}", client.id)];
                places[place] = Some(Visitor { client, room, token, received, sent: Vec::new() });
            }
            Step::Send { place, messages } => {
                let Some(visitor) = &mut places[place] else { continue };
                for _ in 0..messages {
                    number += 1;
                    visitor.sent.push(number.to_string());
                    visitor.client.try_send(Message::text(format!("all {number}"))).await;
                }
            }
            Step::Leave { place } => {
                let Some(mut visitor) = places[place].take() else { continue };
                visitor.client.try_send(Message::Close(None)).await;
                listen(&mut visitor).await;
                visits.push(visitor.over(false));
            }
            Step::DropConnection { place } => {
                if let Some(visitor) = places[place].take() {
                    visits.push(visitor.over(false));
                }
            }
            Step::Close { place, id } => {
                let Some(visitor) = &mut places[place] else { continue };
                visitor.client.try_send(Message::text(format!("close {id} 3000 so"))).await;
            }
        }
    }
    // All that is under way arrives; then whoever is left hears the rest, and that it is over.
    for visitor in places.iter_mut().flatten() {
        visitor.client.try_sync().await;
    }
    let handle = server.handle.clone();
    let stop = tokio::spawn(async move { handle.shutdown().await });
    for mut visitor in places.into_iter().flatten() {
        let code = listen(&mut visitor).await;
        let stayed = code == Some(1012);
        if code == Some(4000) {
            assert!(visitor.token > 0, "only who has a token is replaced");
        }
        visits.push(visitor.over(stayed));
    }
    stop.await.unwrap();
    for room in ROOMS {
        check(&server.script.events(room), visits.iter().filter(|visit| visit.room == room));
    }
}

/// Receives messages until the connection ends. Returns the close code.
async fn listen(visitor: &mut Visitor) -> Option<u16> {
    let mut code = None;
    loop {
        match visitor.client.next_message().await {
            Some(Message::Text(text)) => visitor.received.push(text.as_str().to_owned()),
            Some(Message::Close(close)) => code = close.map(|close| close.code.into()),
            Some(_) => panic!("nobody says such a thing"),
            None => return code,
        }
    }
}

/// Compares the events of a room's service with what the clients sent and received.
fn check<'a>(events: &[String], visits: impl Iterator<Item = &'a Visit>) {
    // What everybody is told, and who is there from where to where.
    let mut told: Vec<String> = Vec::new();
    let mut here: HashMap<u32, (usize, Vec<String>)> = HashMap::new();
    let mut stays: Vec<(u32, std::ops::Range<usize>, Vec<String>)> = Vec::new();
    for (at, event) in events.iter().enumerate() {
        let (kind, rest) = event.split_once(' ').unwrap_or((event, ""));
        match kind {
            "init" => assert_eq!(at, 0, "the room begins once"),
            "drop" => assert_eq!(at, events.len() - 1, "it ends once"),
            "connect" => {
                let id = rest.parse().unwrap();
                assert!(here.insert(id, (told.len(), Vec::new())).is_none(), "{id} is there already");
                told.push(format!("joined {id}"));
            }
            "disconnect" => {
                let id = rest.parse().unwrap();
                let (from, sent) = here.remove(&id).unwrap_or_else(|| panic!("{id} leaves twice"));
                stays.push((id, from..told.len(), sent));
                told.push(format!("left {id}"));
            }
            "message" => {
                let (id, text) = rest.split_once(' ').unwrap();
                let (_, sent) = here.get_mut(&id.parse().unwrap()).unwrap_or_else(|| panic!("{id} is not there"));
                if let Some(text) = text.strip_prefix("all ") {
                    sent.push(text.to_owned());
                    told.push(text.to_owned());
                }
            }
            other => panic!("{other} happens"),
        }
    }
    assert!(here.is_empty(), "each disconnect is told");
    for visit in visits {
        // Which of the stays under its number it was, what it received first tells: that it has joined.
        let found = stays.iter().find(|(id, range, sent)| {
            let stay = &told[range.clone()];
            *id == visit.id
                && if visit.stayed {
                    visit.sent == *sent && visit.received == stay
                } else {
                    visit.sent.starts_with(sent) && stay.starts_with(&visit.received)
                }
        });
        assert!(
            found.is_some(),
            "client {} hears {:?} and says {:?}, but the room {events:?}",
            visit.id,
            visit.received,
            visit.sent
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn everybody_sees_the_same_room(steps in prop::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async { play(TestServer::pipe(Server::new()), steps).await });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, ..ProptestConfig::default() })]

    #[test]
    fn everybody_sees_the_same_room_over_sockets_and_threads(steps in prop::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async { play(TestServer::tcp(Server::new()).await, steps).await });
    }
}
