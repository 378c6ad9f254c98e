//! More durable rooms than there are places for services: the idlest sleep when another room wants a place.
use std::{sync::Arc, time::Duration};

use stateroom_server::{
    MemoryBudget, Server,
    store::{MemoryStore, Store},
};

use tokio::time::Instant;

use super::{notes::NotesFactory, server_with};
use crate::{
    admin::request,
    common::{TestServer, advance, within_timeout},
};

#[tokio::test(start_paused = true)]
async fn a_thousand_rooms_take_turns_in_ten_places() {
    const ROOMS: usize = 1000;
    let factory = NotesFactory::with_places(10);
    let server = server_with(&MemoryStore::default(), factory.clone());
    let mut clients = Vec::new();
    for room in 0..ROOMS {
        let mut client = server.connect(&format!("/ws/{room}")).await;
        client.expect_text("1: init, joined 1").await;
        assert!(factory.services() <= 10);
        clients.push(client);
    }
    // All at once, then one after the other.
    for (room, client) in clients.iter_mut().enumerate() {
        client.send_text(format!("first of {room}")).await;
    }
    for (room, client) in clients.iter_mut().enumerate() {
        client.expect_text(&format!("first of {room}")).await;
        assert!(factory.services() <= 10);
    }
    for (room, client) in clients.iter_mut().enumerate() {
        client.send_text("second").await;
        client.expect_text("second").await;
        let mut other = server.connect(&format!("/ws/{room}")).await;
        other.expect_text(&format!("2: init, joined 1, first of {room}, second, joined 2")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_waits_for_a_place_while_all_rooms_are_busy_and_is_refused_after_five_seconds() {
    let store = MemoryStore::default();
    let factory = NotesFactory::with_places(1);
    let server = server_with(&store, factory.clone());
    let mut ann = server.connect("/ws/a").await;
    ann.expect_text("1: init, joined 1").await;
    // On its way to the disk.
    store.hold();
    ann.send_text("one").await;
    advance(0.1).await;
    let start = Instant::now();
    let release = async {
        advance(4.0).await;
        store.resume();
    };
    let (mut bob, ()) = tokio::join!(server.connect("/ws/b"), release);
    assert!(start.elapsed() >= Duration::from_secs(4));
    ann.expect_text("one").await;
    bob.expect_text("1: init, joined 1").await;

    store.hold();
    bob.send_text("two").await;
    advance(0.1).await;
    assert_eq!(server.expect_refusal("/ws/c").await.status, 503);
}

#[tokio::test(start_paused = true)]
async fn a_room_that_finds_no_place_to_end_in_is_deleted_nonetheless() {
    let store = MemoryStore::default();
    let factory = NotesFactory::with_places(1);
    let server = server_with(&store, factory.clone());
    let mut ann = server.connect("/ws/a").await;
    ann.expect_text("1: init, joined 1").await;
    let mut bob = server.connect("/ws/b").await;
    bob.expect_text("1: init, joined 1").await;
    store.hold();
    bob.send_text("one").await;
    advance(0.1).await;
    let resume = async {
        advance(7.0).await;
        store.resume();
    };
    let ((status, body), ()) = tokio::join!(request(&server.handle, "DELETE", "/rooms/a"), resume);
    assert_eq!(status, 204, "{body}");
    assert_eq!(ann.expect_close().await.0, 1013);
    bob.expect_text("one").await;
    let left = store.list(None, 10).await.unwrap();
    assert_eq!(left.iter().map(|entry| &*entry.room).collect::<Vec<_>>(), ["b"]);
}

#[tokio::test(start_paused = true)]
async fn idle_rooms_sleep_when_memory_is_short() {
    let budget = MemoryBudget::of_reservations(16 << 20);
    let factory = NotesFactory::default();
    let server = Server::new().with_store(Arc::new(MemoryStore::default())).with_memory_budget(budget.clone());
    let server = TestServer::pipe_with_factory(server, factory.clone());
    let mut ann = server.connect("/ws/a").await;
    ann.expect_text("1: init, joined 1").await;
    budget.reserve(15 << 20);
    within_timeout("the room to sleep", async {
        while factory.services() > 0 {
            // Memory is looked at every so often.
            server.expect_refusal("/ws/b").await;
            advance(0.1).await;
        }
    })
    .await;
    budget.release(15 << 20);
    ann.send_text("awake").await;
    ann.expect_text("awake").await;
}
