//! Rooms: isolation from each other, and the order of events and messages.
use stateroom_server::Server;
use tokio_tungstenite::tungstenite::Message;

use crate::common::{Client, TEXT, TestServer, frame};

#[tokio::test]
async fn a_message_reaches_its_own_room_only() {
    let server = TestServer::tcp(Server::new()).await;
    let (mut a1, mut b) = (server.join("a").await, server.join("b").await);
    let mut a2 = server.join("a").await;
    assert_eq!((a1.id, a2.id, b.id), (1, 2, 1), "each room assigns its own client IDs");
    a1.expect_text("joined 2").await;
    a1.send_text("all hello").await;
    a1.expect_text("hello").await;
    a2.expect_text("hello").await;
    b.send_text("all of b").await;
    b.expect_text("of b").await;
    assert!(a2.leave().await.is_empty(), "room a receives no messages of room b");
}

#[tokio::test]
async fn sends_to_each_kind_of_recipient() {
    let server = TestServer::tcp(Server::new()).await;
    let mut one = server.join("a").await;
    let mut two = server.join("a").await;
    let mut three = server.join("a").await;
    one.send_text("others not me").await;
    one.send_text("to 3 only you").await;
    one.send_text("all of us").await;
    for text in ["joined 2", "joined 3", "of us"] {
        one.expect_text(text).await;
    }
    for text in ["joined 3", "not me", "of us"] {
        two.expect_text(text).await;
    }
    for text in ["not me", "only you", "of us"] {
        three.expect_text(text).await;
    }
}

#[tokio::test]
async fn preserves_text_and_binary_messages() {
    let server = TestServer::tcp(Server::new()).await;
    let mut client = server.join("a").await;
    for message in [Message::text(""), Message::binary(""), Message::text("grüße"), Message::binary(vec![0, 255])] {
        client.send(message.clone()).await;
        assert_eq!(client.receive_message().await, message);
    }
}

#[tokio::test]
async fn uses_room_1_by_default() {
    let server = TestServer::tcp(Server::new()).await;
    let mut unnamed = server.connect("/ws").await;
    unnamed.expect_text("joined 1").await;
    let mut named = server.join("1").await;
    unnamed.expect_text("joined 2").await;
    named.send_text("room").await;
    named.expect_text("1").await;
}

#[tokio::test]
async fn percent_decodes_room_ids() {
    let server = TestServer::tcp(Server::new()).await;
    for (path, id) in [
        ("plain", "plain"),
        ("a%2Fb", "a/b"),
        ("a%2fb", "a/b"),
        ("%E2%9C%93%20room", "✓ room"),
        ("a+b", "a+b"),
        ("%2E%2E%2Fetc", "../etc"),
        ("%00", "\0"),
        ("100%25", "100%"),
    ] {
        let mut client = server.join(path).await;
        client.send_text("room").await;
        client.expect_text(id).await;
    }
    let mut slash = server.join("a%2Fb").await;
    assert_eq!(slash.id, 3, "all encodings of an ID refer to the same room");
    slash.send_text("room").await;
    slash.expect_text("a/b").await;
}

#[tokio::test]
async fn delivers_init_connect_messages_and_disconnect_in_order() {
    let server = TestServer::tcp(Server::new()).await;
    // One packet contains the handshake, two messages and the close frame.
    let frames = [frame(TEXT, b"early"), frame(TEXT, b"late"), frame(crate::common::CLOSE, b"")].concat();
    let _stream = server.open_raw("/ws/a", &frames).await;
    server.script.wait_for_event("a", "disconnect 1", 1).await;
    assert_eq!(server.script.events("a"), ["init", "connect 1", "message 1 early", "message 1 late", "disconnect 1"]);
}

#[tokio::test]
async fn delivers_one_disconnect_for_each_connection() {
    let server = TestServer::tcp(Server::new()).await;
    let mut observer = server.join("a").await;
    server.join("a").await.leave().await;
    server.join("a").await.drop_connection();
    for text in ["joined 2", "left 2", "joined 3", "left 3"] {
        observer.expect_text(text).await;
    }
    observer.send_text("all done").await;
    observer.expect_text("done").await;
}

#[tokio::test]
async fn ids_are_sequential_and_never_reused() {
    let server = TestServer::tcp(Server::new()).await;
    for id in 1..=20 {
        let client = server.join("a").await;
        assert_eq!(client.id, id);
        client.leave().await;
    }
}

#[tokio::test]
async fn a_leaving_client_receives_no_broadcast_of_its_disconnect() {
    let server = TestServer::tcp(Server::new()).await;
    let mut one = server.join("a").await;
    let mut two = server.join("a").await;
    one.expect_text("joined 2").await;
    one.send_text("close 2 4321 bye").await;
    one.expect_text("left 2").await;
    assert_eq!(two.expect_close().await, (4321, "bye".to_owned()), "no `left 2` before it");
}

#[tokio::test]
async fn drops_messages_to_clients_that_left() {
    let server = TestServer::tcp(Server::new()).await;
    let mut one = server.join("a").await;
    server.join("a").await.leave().await;
    one.expect_text("joined 2").await;
    one.expect_text("left 2").await;
    for text in ["to 2 absent", "to 99 absent", "others absent", "still connected"] {
        one.send_text(text).await;
    }
    one.expect_text("still connected").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_clients_receive_the_same_order() {
    const EACH: usize = 300;
    let server = TestServer::tcp(Server::new()).await;
    let mut clients: Vec<Client> = Vec::new();
    for id in 1..=4 {
        let client = server.join("a").await;
        for earlier in &mut clients {
            earlier.expect_text(&format!("joined {id}")).await;
        }
        clients.push(client);
    }
    let conversations = clients.into_iter().map(async |mut client| {
        for number in 0..EACH {
            client.send_text(format!("all {} {number}", client.id)).await;
        }
        let mut received = Vec::new();
        for _ in 0..4 * EACH {
            received.push(client.receive_text().await);
        }
        (client, received)
    });
    let clients = futures_util::future::join_all(conversations).await;
    let received: Vec<_> = clients.iter().map(|(_, received)| received).collect();
    for id in 1..=4 {
        let received_of_one: Vec<_> = received[0].iter().filter(|text| text.starts_with(&format!("{id} "))).collect();
        let sent: Vec<_> = (0..EACH).map(|number| format!("{id} {number}")).collect();
        assert!(received_of_one.into_iter().eq(&sent), "messages of client {id} are in order");
    }
    assert!(received.iter().all(|other| *other == received[0]), "all clients receive the same order");
}

/// A client is a member of the room before it receives the 101 response.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_joined_client_receives_every_later_message() {
    let server = TestServer::tcp(Server::new()).await;
    for room in 0..200 {
        let path = format!("/ws/{room}");
        let mut one = server.connect(&path).await;
        let mut two = server.connect(&path).await;
        one.send_text("all hello").await;
        while two.receive_text().await != "hello" {}
    }
}
