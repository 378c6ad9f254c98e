//! Floods of all kinds under the default limits: other clients are not affected.
use std::time::Duration;

use stateroom_server::{Limits, Server};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_util::sync::CancellationToken;

use crate::common::{CONTINUATION, Client, PING, TEXT, TestServer, frame, handshake, within_timeout};

/// Makes attackers send these bytes repeatedly, each over a connection to the room of a regular client. That client
/// sends a hundred messages and receives each of them; so does a new client.
async fn nobody_notices(server: &TestServer, first: Vec<u8>, flood: Vec<u8>) {
    let mut client = server.join("a").await;
    let stop = CancellationToken::new();
    let mut attackers = Vec::new();
    for _ in 0..3 {
        let (address, first, flood) = (server.address(), first.clone(), flood.repeat(1 + 16_000 / flood.len()));
        let attack = async move {
            loop {
                let mut socket = TcpStream::connect(address).await.unwrap();
                // One that is closed comes again.
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
        says_and_hears(&mut client, &format!("to 1 {number}"), &number.to_string()).await;
    }
    let mut new_client = within_timeout("a new_client", server.connect("/ws/b")).await;
    new_client.receive_id().await;
    says_and_hears(&mut new_client, "well?", "well?").await;
    stop.cancel();
    for attacker in attackers {
        attacker.await.unwrap();
    }
}

/// Sends a message and receives it, among clients that join and leave.
async fn says_and_hears(client: &mut Client, says: &str, hears: &str) {
    client.send_text(says).await;
    loop {
        let received = client.receive_text().await;
        if received == hears {
            return;
        }
        assert!(received.starts_with("joined ") || received.starts_with("left "), "received `{received}`");
    }
}

async fn server() -> TestServer {
    TestServer::tcp(Server::new()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_pings() {
    nobody_notices(&server().await, handshake("/ws/a"), frame(PING, b"")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_pongs() {
    nobody_notices(&server().await, handshake("/ws/a"), frame(0x8a, b"x")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_empty_messages() {
    nobody_notices(&server().await, handshake("/ws/a"), frame(TEXT, b"")).await;
}

/// The message is never complete: it is bounded by its size and then by its time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_empty_and_of_tiny_fragments() {
    let first = [handshake("/ws/a"), frame(0x01, b"")].concat();
    nobody_notices(&server().await, first.clone(), frame(CONTINUATION, b"")).await;
    nobody_notices(&server().await, first, frame(CONTINUATION, b"x")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_garbage_before_and_after_the_handshake() {
    nobody_notices(&server().await, handshake("/ws/a"), vec![0xff; 1000]).await;
    nobody_notices(&server().await, Vec::new(), vec![0xff; 1000]).await;
}

/// Each handshake is answered, and its client disconnects at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_handshakes() {
    nobody_notices(&server().await, Vec::new(), [handshake("/ws/a"), frame(0x88, b"")].concat()).await;
}

/// Request heads that never end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_requests() {
    let limits = Limits::default().with_request_head_time(Duration::from_millis(200));
    let server = TestServer::tcp(Server::new().with_limits(limits)).await;
    let mut slow = Vec::new();
    for _ in 0..200 {
        let mut socket = TcpStream::connect(server.address()).await.unwrap();
        socket.write_all(b"GET /ws/a HTTP/1.1\r\nX: ").await.unwrap();
        slow.push(socket);
    }
    let mut client = server.join("a").await;
    says_and_hears(&mut client, "well?", "well?").await;
    for mut socket in slow {
        // One more byte does not put it off.
        let _ = socket.write_all(b"x").await;
        let _ = within_timeout("it to be dropped", socket.read_to_end(&mut Vec::new())).await;
    }
    says_and_hears(&mut client, "well?", "well?").await;
}
