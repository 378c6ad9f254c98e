//! Rooms are isolated from each other, and deliver events and messages in order.
use stateroom_server::Server;
use tokio_tungstenite::tungstenite::Message;

use crate::common::{Client, TEXT, TestServer, frame};

#[tokio::test]
async fn a_message_reaches_its_own_room_only() {
    let server = TestServer::tcp(Server::new()).await;
    let (mut a1, mut b) = (server.join("a").await, server.join("b").await);
    let mut a2 = server.join("a").await;
    assert_eq!((a1.id, a2.id, b.id), (1, 2, 1), "each room counts its own clients");
    a1.hears("joined 2").await;
    a1.say("all hello").await;
    a1.hears("hello").await;
    a2.hears("hello").await;
    b.say("all of b").await;
    b.hears("of b").await;
    assert!(a2.leave().await.is_empty(), "nothing comes over from b");
}

#[tokio::test]
async fn sends_to_each_kind_of_recipient() {
    let server = TestServer::tcp(Server::new()).await;
    let mut one = server.join("a").await;
    let mut two = server.join("a").await;
    let mut three = server.join("a").await;
    one.say("others not me").await;
    one.say("to 3 only you").await;
    one.say("all of us").await;
    for text in ["joined 2", "joined 3", "of us"] {
        one.hears(text).await;
    }
    for text in ["joined 3", "not me", "of us"] {
        two.hears(text).await;
    }
    for text in ["not me", "only you", "of us"] {
        three.hears(text).await;
    }
}

#[tokio::test]
async fn text_stays_text_and_bytes_stay_bytes() {
    let server = TestServer::tcp(Server::new()).await;
    let mut client = server.join("a").await;
    for message in [Message::text(""), Message::binary(""), Message::text("grüße"), Message::binary(vec![0, 255])] {
        client.send(message.clone()).await;
        assert_eq!(client.message().await, message);
    }
}

#[tokio::test]
async fn the_default_room_is_1() {
    let server = TestServer::tcp(Server::new()).await;
    let mut unnamed = server.connect("/ws").await;
    unnamed.hears("joined 1").await;
    let mut named = server.join("1").await;
    unnamed.hears("joined 2").await;
    named.say("room").await;
    named.hears("1").await;
}

#[tokio::test]
async fn a_room_id_is_percent_decoded() {
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
        client.say("room").await;
        client.hears(id).await;
    }
    let mut slash = server.join("a%2Fb").await;
    assert_eq!(slash.id, 3, "however it is written, it is the same room");
    slash.say("room").await;
    slash.hears("a/b").await;
}

#[tokio::test]
async fn delivers_init_connect_messages_and_disconnect_in_order() {
    let server = TestServer::tcp(Server::new()).await;
    // All of it in one packet: the handshake, a message, the close.
    let frames = [frame(TEXT, b"early"), frame(TEXT, b"late"), frame(crate::common::CLOSE, b"")].concat();
    let _stream = server.raw("/ws/a", &frames).await;
    server.script.happened("a", "disconnect 1", 1).await;
    assert_eq!(server.script.events("a"), ["init", "connect 1", "message 1 early", "message 1 late", "disconnect 1"]);
}

#[tokio::test]
async fn delivers_one_disconnect_for_each_connection() {
    let server = TestServer::tcp(Server::new()).await;
    let mut watcher = server.join("a").await;
    server.join("a").await.leave().await;
    server.join("a").await.vanish();
    for text in ["joined 2", "left 2", "joined 3", "left 3"] {
        watcher.hears(text).await;
    }
    watcher.say("all done").await;
    watcher.hears("done").await;
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
    one.hears("joined 2").await;
    one.say("close 2 4321 bye").await;
    one.hears("left 2").await;
    assert_eq!(two.closed().await, (4321, "bye".to_owned()), "no `left 2` before it");
}

#[tokio::test]
async fn drops_messages_to_clients_that_left() {
    let server = TestServer::tcp(Server::new()).await;
    let mut one = server.join("a").await;
    server.join("a").await.leave().await;
    one.hears("joined 2").await;
    one.hears("left 2").await;
    for text in ["to 2 are you there", "to 99 who are you", "others nobody", "still here"] {
        one.say(text).await;
    }
    one.hears("still here").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_clients_receive_the_same_order() {
    const EACH: usize = 300;
    let server = TestServer::tcp(Server::new()).await;
    let mut clients: Vec<Client> = Vec::new();
    for id in 1..=4 {
        let client = server.join("a").await;
        for earlier in &mut clients {
            earlier.hears(&format!("joined {id}")).await;
        }
        clients.push(client);
    }
    let talks = clients.into_iter().map(async |mut client| {
        for number in 0..EACH {
            client.say(format!("all {} {number}", client.id)).await;
        }
        let mut heard = Vec::new();
        for _ in 0..4 * EACH {
            heard.push(client.text().await);
        }
        (client, heard)
    });
    let talked = futures_util::future::join_all(talks).await;
    let heard: Vec<_> = talked.iter().map(|(_, heard)| heard).collect();
    for id in 1..=4 {
        let of_one: Vec<_> = heard[0].iter().filter(|text| text.starts_with(&format!("{id} "))).collect();
        let said: Vec<_> = (0..EACH).map(|number| format!("{id} {number}")).collect();
        assert!(of_one.into_iter().eq(&said), "what client {id} said is in its order");
    }
    assert!(heard.iter().all(|other| *other == heard[0]), "all hear one order");
}

/// A client is in the room before it receives the 101.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_joined_client_misses_nothing() {
    let server = TestServer::tcp(Server::new()).await;
    for room in 0..200 {
        let path = format!("/ws/{room}");
        let mut one = server.connect(&path).await;
        let mut two = server.connect(&path).await;
        one.say("all hello").await;
        while two.text().await != "hello" {}
    }
}
