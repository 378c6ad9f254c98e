//! Heartbeat: the server pings clients and closes unresponsive ones.
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use stateroom_server::{Limits, Server};
use tokio::{io::AsyncWriteExt, time::Instant};
use tokio_tungstenite::tungstenite::Message;

use crate::common::{CONTINUATION, Client, TEXT, TestServer, advance, frame, within_timeout};

fn server(interval: u64, timeout: u64) -> TestServer {
    TestServer::pipe(Server::new().with_heartbeat_interval(interval).with_heartbeat_timeout(timeout))
}

/// Reads in a task, and thereby replies to pings, until the connection ends. Returns the received frames.
fn keep_alive(client: Client) -> tokio::task::JoinHandle<Vec<Message>> {
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
async fn keeps_a_client_that_replies_to_pings() {
    let server = server(30, 70);
    let client = keep_alive(server.join("a").await);
    advance(86_400.0).await;
    assert!(!client.is_finished());
    assert_eq!(server.script.events("a"), ["init", "connect 1"]);
}

#[tokio::test(start_paused = true)]
async fn closes_an_unresponsive_client_and_delivers_its_disconnect() {
    let server = server(30, 70);
    let observer = keep_alive(server.join("a").await);
    let mut unresponsive = server.join("a").await;
    advance(69.0).await;
    assert_eq!(server.script.events("a").len(), 3);
    advance(2.0).await;
    assert_eq!(server.script.events("a")[3..], ["disconnect 2"]);
    assert_eq!(unresponsive.expect_close().await.0, 4001);
    advance(10.0).await;
    observer.abort();
}

#[tokio::test(start_paused = true)]
async fn closes_a_client_that_only_buffers_messages() {
    let server = server(30, 70);
    let mut sender = server.join("a").await;
    // The client never reads, but its connection buffers what the server writes.
    let _unresponsive = server.open_raw("/ws/a", b"").await;
    sender.expect_text("joined 2").await;
    for _ in 0..7 {
        advance(10.0).await;
        sender.send_text("all hello").await;
    }
    advance(2.0).await;
    assert!(server.script.events("a").contains(&"disconnect 2".to_owned()), "{:?}", server.script.events("a"));
}

#[tokio::test(start_paused = true)]
async fn applies_the_timeout_when_pings_are_disabled() {
    let server = server(0, 70);
    let mut unresponsive = server.join("a").await;
    advance(71.0).await;
    assert_eq!(server.script.events("a").last().unwrap(), "disconnect 1");
    match unresponsive.next_frame().await {
        Some(Ok(Message::Close(Some(close)))) => assert_eq!(u16::from(close.code), 4001),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn sends_no_pings_with_a_zero_interval() {
    let server = server(0, 0);
    let client = keep_alive(server.join("a").await);
    advance(86_400.0).await;
    server.handle.shutdown().await;
    let frames = client.await.unwrap();
    assert!(matches!(frames[..], [Message::Close(_)]), "{frames:?}");
}

#[tokio::test(start_paused = true)]
async fn any_received_frame_resets_the_timeout() {
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
    let mut fragments = server.open_raw("/ws/fragments", &frame(0x01, b"a message")).await;
    for _ in 0..10 {
        advance(60.0).await;
        pongs.write_all(&frame(0x8a, b"")).await.unwrap();
        pings.write_all(&frame(0x89, b"!")).await.unwrap();
        texts.write_all(&frame(TEXT, b"hello")).await.unwrap();
        // The fragmented message is incomplete, but its frames arrive.
        fragments.write_all(&frame(CONTINUATION, b" in fragments")).await.unwrap();
    }
    advance(60.0).await;
    for room in ["pongs", "pings", "texts", "fragments"] {
        assert!(!server.script.events(room).contains(&"disconnect 1".to_owned()), "{room}");
    }
    advance(11.0).await;
    for room in ["pongs", "pings", "texts", "fragments"] {
        assert_eq!(server.script.events(room).last().unwrap(), "disconnect 1", "{room}");
    }
}

#[tokio::test]
async fn closes_an_unresponsive_client_over_tcp() {
    let (interval, timeout) = (Duration::from_millis(20), Duration::from_millis(200));
    let server = Server { heartbeat_interval: interval, heartbeat_timeout: timeout, ..Server::default() };
    let server = TestServer::tcp(server).await;
    let mut unresponsive = server.connect("/ws/a").await;
    server.script.wait_for_event("a", "disconnect 1", 1).await;
    let (messages, (code, _)) = unresponsive.receive_until_close().await;
    assert_eq!((messages, code), (vec![Message::text("joined 1")], 4001));
}

/// While a room is busy, the server stops reading from its clients, which must not trigger their timeout: neither when
/// the inbox is full, nor when the unhandled messages of a client have reached their limit.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keeps_clients_of_a_busy_room() {
    let few_events = Limits::default().with_inbox_events(10);
    let few_messages = Limits::default().with_outbound_messages(16);
    for limits in [few_events, few_messages] {
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
        // Twice the timeout: two later, unresponsive clients are closed one after the other.
        for id in 1..=2 {
            let _unresponsive = server.open_raw("/ws/b", b"").await;
            server.script.wait_for_event("b", &format!("disconnect {id}"), 1).await;
        }
        server.script.unblock();
        within_timeout("all echoes", reading).await.unwrap();
        write.send(Message::text("close 1 3000")).await.unwrap();
        server.script.wait_for_event("a", "disconnect 1", 1).await;
    }
}
