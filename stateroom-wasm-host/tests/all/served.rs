//! Guests behind a real server and real sockets, as anybody serves them: `Server` with a [`WasmHostFactory`]. What ended
//! rooms or the whole host in 0.4.4 does not here.
use std::{fmt::Display, future::Future, net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt, stream::SplitStream};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use stateroom_server::{Limits, Server};
use stateroom_wasm_host::WasmHostConfig;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message},
};

use crate::common::{HOSTILE, Log, config, factory};

const ROOM: &str = include_str!("../guests/room.wat");

type Client = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A server of rooms that do as they are told.
async fn serve(config: &WasmHostConfig, limits: Limits) -> SocketAddr {
    serve_guest(ROOM, config, limits).await
}

async fn serve_guest(guest: &str, config: &WasmHostConfig, limits: Limits) -> SocketAddr {
    let server = Server { ip: "127.0.0.1".into(), port: 0, limits, ..Server::default() };
    let server = server.bind(factory(guest, config)).await.unwrap();
    let address = server.local_addr();
    tokio::spawn(server.run());
    address
}

async fn join(address: SocketAddr, room: &str) -> Client {
    let join = connect_async(format!("ws://{address}/ws/{room}"));
    patiently("joining", join).await.unwrap().0
}

async fn patiently<T>(what: impl Display, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(Duration::from_secs(20), future).await {
        Ok(value) => value,
        Err(_) => panic!("{what} takes too long"),
    }
}

async fn say(client: &mut Client, text: &str) {
    client.send(Message::text(text)).await.unwrap();
}

async fn hears(client: &mut Client, message: impl Into<Message>) {
    let message = message.into();
    assert_eq!(patiently(format!("{message:?}"), client.next()).await.unwrap().unwrap(), message);
}

/// The code with which the connection is closed, after messages of whatever kind.
async fn code(client: &mut Client) -> u16 {
    loop {
        if let Message::Close(Some(frame)) = patiently("a close", client.next()).await.unwrap().unwrap() {
            return frame.code.into();
        }
    }
}

#[tokio::test]
async fn a_guest_that_fails_ends_its_room_alone() {
    let budget = config().with_cpu_budget(Duration::from_millis(50));
    let address = serve(&budget, Limits::default()).await;
    let mut neighbour = join(address, "next-door").await;
    for (room, what) in ["t trap", "p bad pointer", "g garbage", "s spin", "m memory"].into_iter().enumerate() {
        let room = room.to_string();
        let (mut one, mut two) = (join(address, &room).await, join(address, &room).await);
        say(&mut one, "b before").await;
        say(&mut one, what).await;
        for client in [&mut one, &mut two] {
            hears(client, "b before").await;
            assert_eq!(code(client).await, 1011, "{what}");
        }
        let mut fresh = join(address, &room).await;
        say(&mut fresh, "hello").await;
        hears(&mut fresh, "hello").await;
        say(&mut neighbour, "hello").await;
        hears(&mut neighbour, "hello").await;
    }
}

/// Whoever reads the log, a person or a program, finds all that is known in one line.
#[tokio::test]
async fn a_fault_is_one_line_of_the_log_and_is_counted() {
    let (log, metrics) = (Log::default(), DebuggingRecorder::new());
    let _logs = log.begin();
    let _counts = metrics::set_default_local_recorder(&metrics);
    let address = serve_guest(HOSTILE, &config(), Limits::default()).await;
    for room in ["a", "b"] {
        let mut client = join(address, room).await;
        say(&mut client, "p").await;
        assert_eq!(code(&mut client).await, 1011);
    }
    let text = log.text();
    let faults: Vec<&str> = text.lines().filter(|line| line.contains("ERROR")).collect();
    let [fault, _] = faults[..] else { panic!("{text}") };
    for part in [
        "a room's service failed: panicked at lib.rs:1:1: the bottom",
        r#" room="a" event="message" reason="trap" backtrace="0: "#,
        "recv\"",
    ] {
        assert!(fault.contains(part), "{part} is not in {fault}");
    }
    let counted: Vec<_> = metrics.snapshotter().snapshot().into_vec();
    let counted = counted.iter().map(|(key, _, _, value)| (key.key().to_string(), value));
    let counted: Vec<_> = counted.filter(|(key, _)| key.contains("faults")).collect();
    let key = "Key(stateroom_faults_total, [reason = trap])";
    assert!(matches!(&counted[..], [(counter, DebugValue::Counter(2))] if counter == key), "{counted:?}");
}

#[tokio::test]
async fn a_lost_connection_is_a_disconnect_and_broadcasts_go_on() {
    let address = serve(&config(), Limits::default()).await;
    let (mut one, two) = (join(address, "a").await, join(address, "a").await);
    drop(two);
    hears(&mut one, Message::binary(&b"-"[..])).await;
    say(&mut one, "b still here").await;
    hears(&mut one, "b still here").await;
}

#[tokio::test]
async fn twenty_thousand_outstanding_echoes_all_come_back() {
    let address = serve(&config(), Limits::default()).await;
    let (mut write, mut read) = join(address, "a").await.split();
    let saying = tokio::spawn(async move {
        for number in 0..20_000 {
            write.send(Message::text(format!("echo {number}"))).await.unwrap();
        }
        write
    });
    let _write = patiently("saying it all", saying).await.unwrap();
    for number in 0..20_000 {
        assert_eq!(next(&mut read).await, Message::text(format!("echo {number}")));
    }
}

async fn next(read: &mut SplitStream<Client>) -> Message {
    patiently("a message", read.next()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_client_that_never_reads_is_closed_and_nobody_else_misses_anything() {
    let address = serve(&config(), Limits::default().with_outbound_bytes(64 << 10)).await;
    let (mut one, stalled) = (join(address, "a").await, join(address, "a").await);
    let message = Message::text("b".repeat(64 << 10));
    // Until its leaving is told: the system takes some megabytes for it first.
    for _ in 0..1000 {
        one.send(message.clone()).await.unwrap();
        let heard = patiently("a message", one.next()).await.unwrap().unwrap();
        if heard == Message::binary(&b"-"[..]) {
            assert_eq!(patiently("a message", one.next()).await.unwrap().unwrap(), message);
            drop(stalled);
            return;
        }
        assert_eq!(heard, message);
    }
    panic!("it is never closed");
}

/// The space is the engine's, so that all servers of one configuration share it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_pool_refuses_one_more_room_and_nothing_else_suffers() {
    let config = config().with_instances(3);
    let (here, there) = (serve(&config, Limits::default()).await, serve(&config, Limits::default()).await);
    let (mut one, mut two, mut three) = (join(here, "a").await, join(there, "a").await, join(here, "b").await);
    for client in [&mut one, &mut two, &mut three] {
        say(client, "hello").await;
        hears(client, "hello").await;
    }
    for address in [here, there] {
        let refused = patiently("a refusal", connect_async(format!("ws://{address}/ws/c"))).await.unwrap_err();
        let Error::Http(answer) = refused else { panic!("{refused}") };
        assert_eq!(answer.status(), 503);
        assert!(answer.headers().contains_key("retry-after"));
        assert_eq!(answer.body().as_deref(), Some(&b"the server has no capacity for another room; try again later\n"[..]));
    }
    let mut guest = join(here, "b").await;
    for client in [&mut guest, &mut one, &mut two, &mut three] {
        say(client, "hello again").await;
        hears(client, "hello again").await;
    }
    // One room ends, and its place is there for any other.
    say(&mut three, "t trap").await;
    assert_eq!(code(&mut three).await, 1011);
    let mut four = join(there, "c").await;
    say(&mut four, "hello").await;
    hears(&mut four, "hello").await;
}

/// With one thread for all rooms, a neighbour could not say a word if the one that spins kept it.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_room_that_spins_does_not_hold_the_thread() {
    let address = serve(&config(), Limits::default()).await;
    let mut spinner = join(address, "spins").await;
    say(&mut spinner, "s").await;
    for round in 0..100 {
        let mut neighbour = join(address, &format!("room-{}", round % 10)).await;
        say(&mut neighbour, "hello").await;
        hears(&mut neighbour, "hello").await;
    }
    let still_spins = tokio::time::timeout(Duration::ZERO, spinner.next()).await.is_err();
    assert!(still_spins, "its budget is far from used up");
}
