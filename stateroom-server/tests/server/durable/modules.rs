//! Durable rooms of modules that are not served any more: each room stays on the module that it began with.
use std::sync::Arc;

use stateroom_server::{OnSwap, store::MemoryStore};
use tokio::task::JoinSet;

use super::{notes::NotesFactory, server_with, settle};
use crate::{
    common::{TestServer, advance},
    metrics::RecordedMetrics,
};

fn serve(store: &MemoryStore, module: &str) -> TestServer {
    server_with(store, NotesFactory::of_module(module))
}

#[tokio::test(start_paused = true)]
async fn a_room_stays_on_the_module_that_it_began_with() {
    let store = MemoryStore::default();
    serve(&store, "v1").connect("/ws/a").await.expect_text("v1 1: init, joined 1").await;

    let server = serve(&store, "v2");
    let mut bob = server.connect("/ws/a").await;
    bob.expect_text("v1 2: init, joined 1, left 1, joined 2").await;
    bob.send_text("hello").await;
    bob.expect_text("hello").await;
    server.connect("/ws/b").await.expect_text("v2 1: init, joined 1").await;
    drop(server);

    // The old module handles again what it wrote while the new one was served.
    let server = serve(&store, "v2");
    let mut cid = server.connect("/ws/a").await;
    cid.expect_text("v1 3: init, joined 1, left 1, joined 2, hello, left 2, joined 3").await;
    // Now with a snapshot.
    server.handle.shutdown().await;
    let server = serve(&store, "v3");
    let expected = "v1 4: init, joined 1, left 1, joined 2, hello, left 2, joined 3, left 3, joined 4";
    server.connect("/ws/a").await.expect_text(expected).await;
    server.connect("/ws/b").await.expect_text("v2 2: init, joined 1, left 1, joined 2").await;
    server.connect("/ws/c").await.expect_text("v3 1: init, joined 1").await;
    drop(server);

    // Back to the first: rooms of later ones stay on theirs, too.
    let server = serve(&store, "v1");
    server.connect("/ws/c").await.expect_text("v3 2: init, joined 1, left 1, joined 2").await;
}

#[tokio::test(start_paused = true)]
async fn after_a_swap_rooms_go_on_and_new_ones_begin_with_the_new_module() {
    let mut metrics = RecordedMetrics::start();
    let (store, next) = (MemoryStore::default(), NotesFactory::of_module("v2"));
    let server = serve(&store, "v1");
    let mut asleep = server.connect("/ws/asleep").await;
    asleep.expect_text("v1 1: init, joined 1").await;
    advance(21.0).await;
    let mut awake = server.connect("/ws/awake").await;
    awake.expect_text("v1 1: init, joined 1").await;
    server.connect("/ws/gone").await.leave().await;
    settle().await;

    server.handle.swap(next.clone(), OnSwap::Restart);
    let mut other = server.connect("/ws/awake").await;
    other.expect_text("v1 2: init, joined 1, joined 2").await;
    assert_eq!(next.loads(), 0, "it never stopped");
    server.connect("/ws/new").await.expect_text("v2 1: init, joined 1").await;
    let mut other = server.connect("/ws/asleep").await;
    other.expect_text("v1 2: init, joined 1, joined 2").await;
    server.connect("/ws/gone").await.expect_text("v1 2: init, joined 1, left 1, joined 2").await;
    assert_eq!(next.loads(), 1, "both rooms of the store");
    // It woke on the old module, sleeps, and wakes on it again.
    advance(21.0).await;
    awake.send_text("hello").await;
    awake.expect_text("hello").await;
    asleep.send_text("hello").await;
    asleep.expect_text("hello").await;
    assert_eq!(next.loads(), 1);
    assert_eq!(metrics.snapshot().get("old_modules"), Some(&1.0));
}

#[tokio::test(start_paused = true)]
async fn an_event_that_fails_is_undone_on_the_old_module() {
    let (store, next) = (MemoryStore::default(), NotesFactory::of_module("v2"));
    serve(&store, "v1").connect("/ws/a").await.expect_text("v1 1: init, joined 1").await;
    let server = server_with(&store, next.clone());
    let mut bob = server.connect("/ws/a").await;
    bob.expect_text("v1 2: init, joined 1, left 1, joined 2").await;
    let mut ann = server.connect("/ws/a?fail").await;
    assert_eq!(ann.expect_close().await.0, 1011);
    bob.send_text("hello").await;
    bob.expect_text("hello").await;
    server.connect("/ws/a").await.expect_text("v1 4: init, joined 1, left 1, joined 2, hello, joined 4").await;
    assert_eq!(next.loads(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_room_that_ended_begins_anew_with_the_module_that_is_served() {
    let store = MemoryStore::default();
    let server = serve(&store, "v1");
    let mut ann = server.connect("/ws/a").await;
    ann.expect_text("v1 1: init, joined 1").await;
    ann.send_text("end").await;
    ann.expect_text("end").await;
    assert_eq!(ann.expect_close().await.0, 1000);
    serve(&store, "v2").connect("/ws/a").await.expect_text("v2 1: init, joined 1").await;
}

#[tokio::test(start_paused = true)]
async fn a_module_is_stored_once_and_before_its_first_room() {
    let store = MemoryStore::default();
    let server = serve(&store, "v1");
    store.hold();
    let mut ann = server.connect("/ws/a").await;
    let mut bob = server.connect("/ws/b").await;
    settle().await;
    assert_eq!(store.held(), 1, "both rooms wait for the module");
    let killed = store.kill(1);
    assert_eq!((ann.expect_close().await.0, bob.expect_close().await.0), (1011, 1011));

    let server = serve(&killed, "v1");
    killed.hold();
    let mut ann = server.connect("/ws/a").await;
    settle().await;
    killed.release(1);
    settle().await;
    let mut bob = server.connect("/ws/b").await;
    settle().await;
    assert_eq!(killed.held(), 2, "the records that begin the rooms, without another look at the module");
    killed.resume();
    ann.expect_text("v1 1: init, joined 1").await;
    bob.expect_text("v1 1: init, joined 1").await;
}

#[tokio::test(start_paused = true)]
async fn a_room_whose_module_cannot_be_had_waits_for_it() {
    let (store, lost) = (MemoryStore::default(), NotesFactory::of_module("lost").lost());
    serve(&store, "bad").connect("/ws/bad").await.expect_text("bad 1: init, joined 1").await;
    server_with(&store, lost.clone()).connect("/ws/lost").await.expect_text("lost 1: init, joined 1").await;

    let server = serve(&store, "v2");
    for room in ["/ws/bad", "/ws/lost"] {
        let mut client = server.connect(room).await;
        let (code, reason) = client.expect_close().await;
        assert_eq!((code, &*reason), (1011, "the room's service failed (storage)"));
    }
    server.connect("/ws/c").await.expect_text("v2 1: init, joined 1").await;
    assert!(server.handle.local_rooms().iter().all(|room| room.broken.is_none()));
    drop(server);

    server_with(&store, lost).connect("/ws/lost").await.expect_text("lost 2: init, joined 1, left 1, joined 2").await;
    serve(&store, "bad").connect("/ws/bad").await.expect_text("bad 2: init, joined 1, left 1, joined 2").await;
}

#[tokio::test(start_paused = true)]
async fn rooms_that_wake_together_wait_for_one_load() {
    const ROOMS: u32 = 50;
    let (store, next) = (MemoryStore::default(), NotesFactory::of_module("v2"));
    let server = serve(&store, "v1");
    for room in 0..ROOMS {
        server.connect(&format!("/ws/{room}")).await.expect_text("v1 1: init, joined 1").await;
    }
    drop(server);
    let server = Arc::new(server_with(&store, next.clone()));
    let mut clients = JoinSet::new();
    for room in 0..ROOMS {
        let server = server.clone();
        clients.spawn(async move {
            server.connect(&format!("/ws/{room}")).await.expect_text("v1 2: init, joined 1, left 1, joined 2").await;
        });
    }
    clients.join_all().await;
    assert_eq!(next.loads(), 1);
}

#[tokio::test(start_paused = true)]
async fn rooms_of_all_modules_take_turns_in_the_same_places() {
    let (store, next) = (MemoryStore::default(), NotesFactory::with_places(1));
    serve(&store, "v1").connect("/ws/old").await.expect_text("v1 1: init, joined 1").await;
    let server = server_with(&store, next.clone());
    let mut old = server.connect("/ws/old").await;
    old.expect_text("v1 2: init, joined 1, left 1, joined 2").await;
    let mut new = server.connect("/ws/new").await;
    new.expect_text("1: init, joined 1").await;
    for _ in 0..2 {
        for client in [&mut old, &mut new] {
            client.send_text("hello").await;
            client.expect_text("hello").await;
            assert_eq!(next.services(), 1);
        }
    }
    assert_eq!(next.loads(), 1);
}
