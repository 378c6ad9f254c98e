//! Clients are pinged, and a client that is silent for too long is closed.
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use stateroom_server::{Limits, Server};
use tokio::{io::AsyncWriteExt, time::Instant};
use tokio_tungstenite::tungstenite::Message;

use crate::common::{CONTINUATION, Client, TEXT, TestServer, advance, frame, within_timeout};

fn server(interval: u64, timeout: u64) -> TestServer {
    TestServer::pipe(Server::new().with_heartbeat_interval(interval).with_heartbeat_timeout(timeout))
}

/// Reads, and thus answers pings, until it is dropped.
fn stays_alive(client: Client) -> tokio::task::JoinHandle<Vec<Message>> {
    let (_write, read) = client.split();
    tokio::spawn(async move {
        let _write = _write;
        read.filter_map(async |message| message.ok()).collect().await
    })
}

#[tokio::test(start_paused = true)]
async fn pings_every_interval() {
    let server = server(30, 300);
    let mut client = server.join("a").await;
    let start = Instant::now();
    for ping in 1..=20 {
        let frame = client.next_frame().await.unwrap().unwrap();
        assert!(matches!(frame, Message::Ping(_)), "{frame:?}");
        assert_eq!(start.elapsed().as_secs(), 30 * ping);
    }
}

#[tokio::test(start_paused = true)]
async fn keeps_a_client_that_answers() {
    let server = server(30, 70);
    let client = stays_alive(server.join("a").await);
    advance(86_400.0).await;
    assert!(!client.is_finished());
    assert_eq!(server.script.events("a"), ["init", "connect 1"]);
}

#[tokio::test(start_paused = true)]
async fn closes_a_silent_client_and_delivers_its_disconnect() {
    let server = server(30, 70);
    let watcher = stays_alive(server.join("a").await);
    let mut silent = server.join("a").await;
    advance(69.0).await;
    assert_eq!(server.script.events("a").len(), 3);
    advance(2.0).await;
    assert_eq!(server.script.events("a")[3..], ["disconnect 2"]);
    assert_eq!(silent.expect_close().await.0, 4001);
    advance(10.0).await;
    watcher.abort();
}

#[tokio::test(start_paused = true)]
async fn a_client_that_only_reads_is_silent() {
    let server = server(30, 70);
    let mut talker = server.join("a").await;
    // Nobody reads on its side, but its connection takes what is written.
    let _listener = server.open_raw("/ws/a", b"").await;
    talker.expect_text("joined 2").await;
    for _ in 0..7 {
        advance(10.0).await;
        talker.send_text("all still there?").await;
    }
    advance(2.0).await;
    assert!(server.script.events("a").contains(&"disconnect 2".to_owned()), "{:?}", server.script.events("a"));
}

#[tokio::test(start_paused = true)]
async fn the_timeout_works_without_pings() {
    let server = server(0, 70);
    let mut silent = server.join("a").await;
    advance(71.0).await;
    assert_eq!(server.script.events("a").last().unwrap(), "disconnect 1");
    match silent.next_frame().await {
        Some(Ok(Message::Close(Some(close)))) => assert_eq!(u16::from(close.code), 4001),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn an_interval_of_zero_turns_pings_off() {
    let server = server(0, 0);
    let client = stays_alive(server.join("a").await);
    advance(86_400.0).await;
    server.handle.shutdown().await;
    let frames = client.await.unwrap();
    assert!(matches!(frames[..], [Message::Close(_)]), "{frames:?}");
}

#[tokio::test(start_paused = true)]
async fn any_frame_is_a_sign_of_life() {
    let limits = Limits::default().with_message_time(Duration::from_secs(3600));
    let server = TestServer::pipe(Server {
        heartbeat_interval: Duration::ZERO,
        heartbeat_timeout: Duration::from_secs(70),
        limits,
        ..Server::default()
    });
    let mut pongs = server.open_raw("/ws/pongs", b"").await;
    let mut pings = server.open_raw("/ws/pings", b"").await;
    let mut texts = server.open_raw("/ws/texts", b"").await;
    let mut parts = server.open_raw("/ws/parts", &frame(0x01, b"a message")).await;
    for _ in 0..10 {
        advance(60.0).await;
        pongs.write_all(&frame(0x8a, b"")).await.unwrap();
        pings.write_all(&frame(0x89, b"!")).await.unwrap();
        texts.write_all(&frame(TEXT, b"I am here")).await.unwrap();
        // A message in many parts is not complete yet, but its frames come.
        parts.write_all(&frame(CONTINUATION, b" in parts")).await.unwrap();
    }
    advance(60.0).await;
    for room in ["pongs", "pings", "texts", "parts"] {
        assert!(!server.script.events(room).contains(&"disconnect 1".to_owned()), "{room}");
    }
    advance(11.0).await;
    for room in ["pongs", "pings", "texts", "parts"] {
        assert_eq!(server.script.events(room).last().unwrap(), "disconnect 1", "{room}");
    }
}

#[tokio::test]
async fn closes_a_silent_client_over_tcp() {
    let (interval, timeout) = (Duration::from_millis(20), Duration::from_millis(200));
    let server = Server { heartbeat_interval: interval, heartbeat_timeout: timeout, ..Server::default() };
    let server = TestServer::tcp(server).await;
    let mut silent = server.connect("/ws/a").await;
    server.script.wait_for_event("a", "disconnect 1", 1).await;
    let (messages, (code, _)) = silent.receive_until_close().await;
    assert_eq!((messages, code), (vec![Message::text("joined 1")], 4001));
}

/// The server does not read from clients of a busy room, which must not count as silence: neither when the inbox is full,
/// nor when the client's unhandled messages have reached their bound.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keeps_clients_that_wait_for_a_busy_room() {
    let few = Limits::default().with_inbox_events(10);
    let little = Limits::default().with_outbound_messages(16);
    for limits in [few, little] {
        let (interval, timeout) = (Duration::from_millis(20), Duration::from_millis(500));
        let server = Server { heartbeat_interval: interval, heartbeat_timeout: timeout, limits, ..Server::default() };
        let server = TestServer::tcp(server).await;
        let mut client = server.join("a").await;
        client.send_text("block").await;
        for number in 0..100 {
            client.send_text(number.to_string()).await;
        }
        server.script.wait_for_event("a", "message 1 block", 1).await;
        let (mut write, mut read) = client.split();
        let reading = tokio::spawn(async move {
            for number in 0..100 {
                assert_eq!(
                    loop {
                        let received = read.next().await.unwrap().unwrap();
                        if !received.is_ping() {
                            break received;
                        }
                    },
                    Message::text(number.to_string())
                );
            }
        });
        // Twice as long as the client may be silent: two who came later, and are, have been given up.
        for id in 1..=2 {
            let _silent = server.open_raw("/ws/b", b"").await;
            server.script.wait_for_event("b", &format!("disconnect {id}"), 1).await;
        }
        server.script.unblock();
        within_timeout("all echoes", reading).await.unwrap();
        write.send(Message::text("close 1 3000")).await.unwrap();
        server.script.wait_for_event("a", "disconnect 1", 1).await;
    }
}
