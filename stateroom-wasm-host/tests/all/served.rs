//! Guests behind a server with real sockets: a `Server` with a [`WasmHostFactory`](stateroom_wasm_host::WasmHostFactory).
//! Several of these cases ended rooms or the whole host in 0.4.4.
use std::{
    fmt::Display,
    future::Future,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{SinkExt, StreamExt, stream::SplitStream};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use stateroom::{
    MessageRecipient,
    messages::{Effect, EffectKind, EventKind},
};
use stateroom_server::{
    Limits, Server,
    store::{MemoryStore, Store},
};
use stateroom_wasm_host::WasmHostConfig;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message},
};

use crate::{
    abi::{answer, encoded, greeted},
    common::{HOSTILE, Log, config, factory},
};

const ROOM: &str = include_str!("../guests/room.wat");

pub(crate) type Client = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Starts a server of rooms that follow commands.
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

pub(crate) async fn join(address: SocketAddr, room: &str) -> Client {
    let join = connect_async(format!("ws://{address}/ws/{room}"));
    within_timeout("joining", join).await.unwrap().0
}

pub(crate) async fn within_timeout<T>(what: impl Display, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(Duration::from_secs(20), future).await {
        Ok(value) => value,
        Err(_) => panic!("{what} takes too long"),
    }
}

async fn send(client: &mut Client, text: &str) {
    client.send(Message::text(text)).await.unwrap();
}

async fn expect(client: &mut Client, message: impl Into<Message>) {
    let message = message.into();
    assert_eq!(within_timeout(format!("{message:?}"), client.next()).await.unwrap().unwrap(), message);
}

/// Reads until the connection is closed. Returns the close code.
async fn code(client: &mut Client) -> u16 {
    loop {
        if let Message::Close(Some(frame)) = within_timeout("a close", client.next()).await.unwrap().unwrap() {
            return frame.code.into();
        }
    }
}

/// Clients that make rooms fail cannot fill the log.
#[tokio::test]
async fn the_log_of_faults_is_limited() {
    let log = Log::default();
    let _guard = log.begin();
    let address = serve(&config(), Limits::default()).await;
    let started = Instant::now();
    for room in 0.. {
        assert!(started.elapsed() < Duration::from_secs(20), "all faults were logged");
        let mut client = join(address, &room.to_string()).await;
        send(&mut client, "t trap").await;
        assert_eq!(code(&mut client).await, 1011);
        if log.text().contains(" more rooms failed, without a line of their own") {
            let lines = log.text().matches("the service of a room failed").count();
            assert!(lines <= 11 || lines < room / 2, "{lines} lines of {room} faults");
            return;
        }
    }
}

#[tokio::test]
async fn a_failing_guest_ends_only_its_room() {
    let budget = config().with_cpu_budget(Duration::from_millis(50));
    let address = serve(&budget, Limits::default()).await;
    let mut neighbor = join(address, "next-door").await;
    for (room, what) in ["t trap", "p bad pointer", "g garbage", "s spin", "m memory"].into_iter().enumerate() {
        let room = room.to_string();
        let (mut one, mut two) = (join(address, &room).await, join(address, &room).await);
        send(&mut one, "b before").await;
        send(&mut one, what).await;
        for client in [&mut one, &mut two] {
            expect(client, "b before").await;
            assert_eq!(code(client).await, 1011, "{what}");
        }
        let mut fresh = join(address, &room).await;
        send(&mut fresh, "hello").await;
        expect(&mut fresh, "hello").await;
        send(&mut neighbor, "hello").await;
        expect(&mut neighbor, "hello").await;
    }
}

/// Everything known about a fault is in one line.
#[tokio::test]
async fn a_fault_is_logged_in_one_line_and_counted() {
    let (log, metrics) = (Log::default(), DebuggingRecorder::new());
    let _logs = log.begin();
    let _counts = metrics::set_default_local_recorder(&metrics);
    let address = serve_guest(HOSTILE, &config(), Limits::default()).await;
    for room in ["a", "b"] {
        let mut client = join(address, room).await;
        send(&mut client, "p").await;
        assert_eq!(code(&mut client).await, 1011);
    }
    let text = log.text();
    let faults: Vec<&str> = text.lines().filter(|line| line.contains("ERROR")).collect();
    let [fault, _] = faults[..] else { panic!("{text}") };
    for part in [
        "failed: panicked at lib.rs:1:1: the bottom",
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
async fn a_lost_connection_is_a_disconnect() {
    let address = serve(&config(), Limits::default()).await;
    let (mut one, two) = (join(address, "a").await, join(address, "a").await);
    drop(two);
    expect(&mut one, Message::binary(&b"-"[..])).await;
    send(&mut one, "b hello").await;
    expect(&mut one, "b hello").await;
}

#[tokio::test]
async fn returns_20_000_pipelined_echoes() {
    let address = serve(&config(), Limits::default()).await;
    let (mut write, mut read) = join(address, "a").await.split();
    let sending = tokio::spawn(async move {
        for number in 0..20_000 {
            write.send(Message::text(format!("echo {number}"))).await.unwrap();
        }
        write
    });
    let _write = within_timeout("sending", sending).await.unwrap();
    for number in 0..20_000 {
        assert_eq!(next(&mut read).await, Message::text(format!("echo {number}")));
    }
}

async fn next(read: &mut SplitStream<Client>) -> Message {
    within_timeout("a message", read.next()).await.unwrap().unwrap()
}

#[tokio::test]
async fn closes_a_client_that_never_reads_without_affecting_others() {
    let address = serve(&config(), Limits::default().with_outbound_bytes(64 << 10)).await;
    let (mut one, stalled) = (join(address, "a").await, join(address, "a").await);
    let message = Message::text("b".repeat(64 << 10));
    // Until its disconnect is broadcast: the system buffers some megabytes first.
    for _ in 0..1000 {
        one.send(message.clone()).await.unwrap();
        let received = within_timeout("a message", one.next()).await.unwrap().unwrap();
        if received == Message::binary(&b"-"[..]) {
            assert_eq!(within_timeout("a message", one.next()).await.unwrap().unwrap(), message);
            drop(stalled);
            return;
        }
        assert_eq!(received, message);
    }
    panic!("the stalled client is never closed");
}

/// All servers of one configuration share the engine and its space.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_pool_rejects_further_rooms_only() {
    let config = config().with_instances(3);
    let (here, there) = (serve(&config, Limits::default()).await, serve(&config, Limits::default()).await);
    let (mut one, mut two, mut three) = (join(here, "a").await, join(there, "a").await, join(here, "b").await);
    for client in [&mut one, &mut two, &mut three] {
        send(client, "hello").await;
        expect(client, "hello").await;
    }
    for address in [here, there] {
        let refused = within_timeout("a refusal", connect_async(format!("ws://{address}/ws/c"))).await.unwrap_err();
        let Error::Http(answer) = refused else { panic!("{refused}") };
        assert_eq!(answer.status(), 503);
        assert!(answer.headers().contains_key("retry-after"));
    }
    let mut guest = join(here, "b").await;
    for client in [&mut guest, &mut one, &mut two, &mut three] {
        send(client, "hello again").await;
        expect(client, "hello again").await;
    }
    // A room ends, and its space is free for any other.
    send(&mut three, "t trap").await;
    assert_eq!(code(&mut three).await, 1011);
    let mut four = join(there, "c").await;
    send(&mut four, "hello").await;
    expect(&mut four, "hello").await;
}

/// All rooms share one thread: if the spinning room kept it, no other room would answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_spinning_room_does_not_block_the_thread() {
    let address = serve(&config(), Limits::default()).await;
    let mut spinner = join(address, "spins").await;
    send(&mut spinner, "s").await;
    for round in 0..100 {
        let mut neighbor = join(address, &format!("room-{}", round % 10)).await;
        send(&mut neighbor, "hello").await;
        expect(&mut neighbor, "hello").await;
    }
    let spins = tokio::time::timeout(Duration::ZERO, spinner.next()).await.is_err();
    assert!(spins, "the spinning room must outlast the test");
}

/// A guest ends its room, whether the room is stored or not.
#[tokio::test]
async fn a_guest_ends_its_room() {
    let guest = greeted(&answer(EventKind::NUMBERS, EffectKind::NUMBERS));
    for is_durable in [false, true] {
        let store = MemoryStore::new();
        let mut server = Server { ip: "127.0.0.1".into(), port: 0, ..Server::default() };
        if is_durable {
            server = server.with_store(Arc::new(store.clone()));
        }
        let server = server.bind(factory(&guest, &config().with_durable(is_durable))).await.unwrap();
        let address = server.local_addr();
        tokio::spawn(server.run());
        let farewell = Effect::Message { recipient: MessageRecipient::Broadcast, message: "farewell".into() };
        for _ in 0..2 {
            let mut client = join(address, "a").await;
            client.send(Message::binary(encoded(&farewell))).await.unwrap();
            expect(&mut client, "farewell").await;
            assert_eq!(store.list(None, 10).await.unwrap().len(), usize::from(is_durable));
            client.send(Message::binary(encoded(&Effect::EndRoom))).await.unwrap();
            assert_eq!(code(&mut client).await, 1000);
            assert_eq!(store.list(None, 10).await.unwrap(), []);
        }
    }
}
