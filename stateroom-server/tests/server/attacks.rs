//! Flooding attacks under the default limits: other clients are not affected.
use std::time::Duration;

use stateroom_server::{Limits, Server};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_util::sync::CancellationToken;

use crate::common::{CONTINUATION, Client, PING, TEXT, TestServer, frame, handshake, within_timeout};

/// Asserts that a regular client and a new client receive their messages while three attackers flood the server.
///
/// Each attacker opens a connection, sends `first`, and then sends `flood` repeatedly.
async fn assert_unaffected_by(server: &TestServer, first: Vec<u8>, flood: Vec<u8>) {
    let mut client = server.join("a").await;
    let stop = CancellationToken::new();
    let mut attackers = Vec::new();
    for _ in 0..3 {
        let (address, first, flood) = (server.address(), first.clone(), flood.repeat(1 + 16_000 / flood.len()));
        let attack = async move {
            loop {
                let mut socket = TcpStream::connect(address).await.unwrap();
                // A closed attacker reconnects.
                let _ = socket.write_all(&first).await;
                let (mut read, mut write) = socket.split();
                let mut buffer = vec![0; 1 << 16];
                tokio::select! {
                    () = async { while write.write_all(&flood).await.is_ok() {} } => {}
                    () = async { while read.read(&mut buffer).await.is_ok_and(|length| length > 0) {} } => {}
                }
            }
        };
        attackers.push(tokio::spawn(stop.clone().run_until_cancelled_owned(attack)));
    }
    for number in 0..100 {
        send_and_expect(&mut client, &format!("to 1 {number}"), &number.to_string()).await;
    }
    let mut new_client = within_timeout("a new client to connect", server.connect("/ws/b")).await;
    new_client.receive_id().await;
    send_and_expect(&mut new_client, "ping", "ping").await;
    stop.cancel();
    for attacker in attackers {
        attacker.await.unwrap();
    }
}

/// Sends a message and waits for the expected reply, ignoring the joins and leaves of other clients.
async fn send_and_expect(client: &mut Client, text: &str, expected: &str) {
    client.send_text(text).await;
    loop {
        let received = client.receive_text().await;
        if received == expected {
            return;
        }
        assert!(received.starts_with("joined ") || received.starts_with("left "), "received `{received}`");
    }
}

async fn server() -> TestServer {
    TestServer::tcp(Server::new()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resists_a_ping_flood() {
    assert_unaffected_by(&server().await, handshake("/ws/a"), frame(PING, b"")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resists_a_pong_flood() {
    assert_unaffected_by(&server().await, handshake("/ws/a"), frame(0x8a, b"x")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resists_a_flood_of_empty_messages() {
    assert_unaffected_by(&server().await, handshake("/ws/a"), frame(TEXT, b"")).await;
}

/// The message is never completed: its size is limited, and so is its time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resists_a_flood_of_empty_or_tiny_fragments() {
    let first = [handshake("/ws/a"), frame(0x01, b"")].concat();
    assert_unaffected_by(&server().await, first.clone(), frame(CONTINUATION, b"")).await;
    assert_unaffected_by(&server().await, first, frame(CONTINUATION, b"x")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resists_garbage_before_and_after_the_handshake() {
    assert_unaffected_by(&server().await, handshake("/ws/a"), vec![0xff; 1000]).await;
    assert_unaffected_by(&server().await, Vec::new(), vec![0xff; 1000]).await;
}

/// The attackers disconnect right after each handshake.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resists_a_handshake_flood() {
    assert_unaffected_by(&server().await, Vec::new(), [handshake("/ws/a"), frame(0x88, b"")].concat()).await;
}

/// The request heads are never completed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resists_slow_request_heads() {
    let limits = Limits::default().with_request_head_time(Duration::from_millis(200));
    let server = TestServer::tcp(Server::new().with_limits(limits)).await;
    let mut slow = Vec::new();
    for _ in 0..200 {
        let mut socket = TcpStream::connect(server.address()).await.unwrap();
        socket.write_all(b"GET /ws/a HTTP/1.1\r\nX: ").await.unwrap();
        slow.push(socket);
    }
    let mut client = server.join("a").await;
    send_and_expect(&mut client, "ping", "ping").await;
    for mut socket in slow {
        // One more byte does not extend the deadline.
        let _ = socket.write_all(b"x").await;
        let _ = within_timeout("the connection to be dropped", socket.read_to_end(&mut Vec::new())).await;
    }
    send_and_expect(&mut client, "ping", "ping").await;
}
