//! Dropped connections: a connection that ends without a close frame is a disconnect, and its room keeps running.
use std::sync::Arc;

use stateroom_server::{Limits, Server};
use tokio::{io::AsyncWriteExt, net::TcpStream};
use tokio_tungstenite::tungstenite::Message;

use crate::common::{TEXT, TestServer, frame, handshake};

#[tokio::test]
async fn delivers_a_disconnect_for_a_dropped_connection() {
    for server in [TestServer::tcp(Server::new()).await, TestServer::pipe(Server::new())] {
        let mut one = server.join("a").await;
        let mut two = server.join("a").await;
        one.expect_text("joined 2").await;
        two.send_text("all last message").await;
        one.expect_text("last message").await;
        two.drop_connection();
        one.expect_text("left 2").await;
        for number in 0..10 {
            one.send_text(format!("all {number}")).await;
            one.expect_text(&number.to_string()).await;
        }
        let mut three = server.join("a").await;
        assert_eq!(three.id, 3);
        three.send_text("all unaffected").await;
        one.expect_text("joined 3").await;
        one.expect_text("unaffected").await;
    }
}

#[tokio::test]
async fn a_broadcast_after_a_dropped_connection_succeeds() {
    let server = TestServer::tcp(Server::new()).await;
    let mut one = server.join("a").await;
    for round in 0..50 {
        let two = server.join("a").await;
        let id = two.id;
        one.expect_text(&format!("joined {id}")).await;
        two.drop_connection();
        one.send_text(format!("all {round}")).await;
        let mut received = [one.receive_text().await, one.receive_text().await];
        received.sort();
        assert_eq!(received, [round.to_string(), format!("left {id}")]);
    }
}

#[tokio::test]
async fn delivers_a_disconnect_for_a_reset_connection() {
    let server = TestServer::tcp(Server::new()).await;
    let mut one = server.join("a").await;
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream.set_zero_linger().unwrap();
    stream.write_all(&handshake("/ws/a")).await.unwrap();
    one.expect_text("joined 2").await;
    drop(stream);
    one.expect_text("left 2").await;
    one.send_text("all unaffected").await;
    one.expect_text("unaffected").await;
}

#[tokio::test]
async fn ignores_an_incomplete_frame() {
    let server = TestServer::tcp(Server::new()).await;
    let mut one = server.join("a").await;
    let complete = frame(TEXT, b"all of it");
    for cut in 1..complete.len() {
        let stream = server.open_raw("/ws/a", &complete[..cut]).await;
        one.expect_text(&format!("joined {}", cut + 1)).await;
        drop(stream);
        one.expect_text(&format!("left {}", cut + 1)).await;
    }
}

#[tokio::test]
async fn a_connection_dropped_during_the_handshake_joins_no_room() {
    let server = TestServer::tcp(Server::new()).await;
    let request = handshake("/ws/a");
    for cut in [0, 1, request.len() / 2, request.len() - 1] {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        stream.write_all(&request[..cut]).await.unwrap();
    }
    assert_eq!(server.join("a").await.id, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_clients_join_and_leave_at_once() {
    const CLIENTS: usize = 300;
    let server = TestServer::tcp(Server::new()).await;
    let mut observer = server.join("a").await;
    let sessions = (0..CLIENTS).map(async |number| {
        let mut client = server.join("a").await;
        client.send_text("all hello").await;
        match number % 3 {
            0 => client.drop_connection(),
            1 => drop(client.leave().await),
            _ => client.send(Message::Close(None)).await,
        }
    });
    futures_util::future::join_all(sessions).await;
    let (mut joined, mut left) = (0, 0);
    while left < CLIENTS {
        match observer.receive_text().await {
            text if text.starts_with("joined ") => joined += 1,
            text if text.starts_with("left ") => left += 1,
            text => assert_eq!(text, "hello"),
        }
    }
    assert_eq!(joined, CLIENTS);
    observer.send_text("done").await;
    loop {
        let received = observer.receive_text().await;
        if received == "done" {
            break;
        }
        assert_eq!(received, "hello");
    }
    let rooms = server.handle.rooms().await;
    assert_eq!((rooms.len(), rooms[0].connections), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_connections_are_dropped_at_once() {
    let server = TestServer::tcp(Server::new()).await;
    let mut clients = Vec::new();
    for _ in 0..200 {
        clients.push(server.connect("/ws/a").await);
    }
    server.script.wait_for_event("a", "connect 200", 1).await;
    drop(clients);
    for id in 1..=200 {
        server.script.wait_for_event("a", &format!("disconnect {id}"), 1).await;
    }
    let mut next = server.join("a").await;
    assert_eq!(next.id, 201);
    next.send_text("all unaffected").await;
    next.expect_text("unaffected").await;
}

/// The inbox always accepts a leave; a join waits for space.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_clients_join_and_leave_a_full_room() {
    const CLIENTS: usize = 100;
    let limits = Limits::default().with_inbox_events(10);
    let server = Arc::new(TestServer::tcp(Server::new().with_limits(limits)).await);
    let mut one = server.join("a").await;
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(server.join("a").await);
        one.expect_text(&format!("joined {}", clients.len() + 1)).await;
    }
    one.send_text("block").await;
    server.script.wait_for_event("a", "message 1 block", 1).await;
    for number in 0..100 {
        one.send_text(number.to_string()).await;
    }
    one.sync().await;
    for (number, mut client) in clients.into_iter().enumerate() {
        if number % 2 == 0 { client.drop_connection() } else { client.send(Message::Close(None)).await }
    }
    let late_client = tokio::spawn({
        let server = server.clone();
        async move { server.join("a").await }
    });
    server.script.unblock();
    for id in 2..CLIENTS + 2 {
        server.script.wait_for_event("a", &format!("disconnect {id}"), 1).await;
    }
    let late_client = late_client.await.unwrap();
    assert_eq!(late_client.id as usize, CLIENTS + 2);
    let events = server.script.events("a");
    assert_eq!(events.iter().filter(|event| event.starts_with("connect ")).count(), CLIENTS + 2);
    assert_eq!(events.iter().filter(|event| event.starts_with("disconnect ")).count(), CLIENTS);
    for number in 0..100 {
        one.expect_text(&number.to_string()).await;
    }
}
