//! Rooms without a store that sleep in memory.
use std::{sync::Arc, time::Duration};

use stateroom::{DefaultStateroomFactory, StateroomService};
use stateroom_server::{Limits, OnSwap, Server, ShutdownPolicy, store::MemoryStore};

use super::notes::NotesFactory;
use crate::common::{TestServer, advance, within_timeout};

const FIVE_MINUTES: Duration = Duration::from_secs(300);

fn server(factory: &NotesFactory) -> TestServer {
    server_with(factory, Limits::default())
}

fn server_with(factory: &NotesFactory, limits: Limits) -> TestServer {
    let server = Server::new().with_sleep_in_memory(true).with_shutdown_policy(ShutdownPolicy::After(FIVE_MINUTES));
    let server = server.with_sleep_after(Duration::from_secs(20)).with_limits(limits);
    TestServer::pipe_with_factory(server, factory.clone())
}

#[tokio::test(start_paused = true)]
async fn a_room_sleeps_with_its_clients_and_its_timer() {
    let factory = NotesFactory::default();
    let server = server(&factory);
    let mut ann = server.connect("/ws/a").await;
    ann.expect_text("1: init, joined 1").await;
    ann.send_text("alarm").await;
    ann.expect_text("alarm").await;
    advance(21.0).await;
    assert_eq!((factory.services(), factory.has_fired()), (0, false));
    advance(40.0).await;
    assert!(factory.has_fired());
    for text in ["one", "two"] {
        advance(21.0).await;
        assert_eq!(factory.services(), 0);
        ann.send_text(text).await;
        ann.expect_text(text).await;
    }
    server.connect("/ws/a").await.expect_text("2: init, joined 1, alarm, fired, one, two, joined 2").await;
}

#[tokio::test(start_paused = true)]
async fn an_empty_room_sleeps_until_it_ends_without_waking() {
    let factory = NotesFactory::default();
    let server = server(&factory);
    let mut ann = server.connect("/ws/a").await;
    ann.expect_text("1: init, joined 1").await;
    ann.leave().await;
    advance(100.0).await;
    assert_eq!(factory.services(), 0);
    let mut bob = server.connect("/ws/a").await;
    bob.expect_text("2: init, joined 1, left 1, joined 2").await;
    bob.leave().await;
    advance(100.0).await;
    let created = factory.created();
    advance(201.0).await;
    assert_eq!((factory.created(), server.handle.rooms().await.len()), (created, 0));
    server.connect("/ws/a").await.expect_text("1: init, joined 1").await;
}

#[tokio::test(start_paused = true)]
async fn an_empty_room_that_sleeps_ends_for_a_new_one_without_waking() {
    let factory = NotesFactory::default();
    let mut limits = Limits::default();
    limits.rooms = 1;
    let server = server_with(&factory, limits);
    let mut ann = server.connect("/ws/a").await;
    ann.expect_text("1: init, joined 1").await;
    ann.leave().await;
    advance(100.0).await;
    server.connect("/ws/b").await.expect_text("1: init, joined 1").await;
    assert_eq!(factory.created(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_sleeping_room_restarts_with_a_fresh_service() {
    let server = server(&NotesFactory::default());
    let mut ann = server.connect("/ws/a").await;
    ann.expect_text("1: init, joined 1").await;
    advance(21.0).await;
    server.handle.swap(NotesFactory::greeting("new "), OnSwap::Restart);
    ann.expect_text("new 1: init, joined 1").await;
    advance(21.0).await;
    server.connect("/ws/a").await.expect_text("new 2: init, joined 1, joined 2").await;
}

#[tokio::test(start_paused = true)]
async fn a_sleeping_room_keeps_its_code_if_it_may() {
    let server = server(&NotesFactory::default());
    let mut ann = server.connect("/ws/a").await;
    ann.expect_text("1: init, joined 1").await;
    advance(21.0).await;
    server.handle.swap(NotesFactory::greeting("new "), OnSwap::Drain);
    for visit in ["2: init, joined 1, joined 2", "3: init, joined 1, joined 2, left 2, joined 3"] {
        let mut bob = server.connect("/ws/a").await;
        bob.expect_text(visit).await;
        bob.leave().await;
        advance(21.0).await;
    }
    server.connect("/ws/b").await.expect_text("new 1: init, joined 1").await;
}

#[tokio::test(start_paused = true)]
async fn a_failing_event_is_undone_until_there_are_many() {
    let server = server(&NotesFactory::default());
    let mut bob = server.connect("/ws/a").await;
    bob.expect_text("1: init, joined 1").await;
    for _ in 0..3 {
        assert_eq!(server.connect("/ws/a?fail").await.expect_close().await.0, 1011);
    }
    bob.send_text("one").await;
    bob.expect_text("one").await;
    bob.send_text("fail").await;
    assert_eq!(bob.expect_close().await.0, 1011);
    advance(60.0).await;
    server.connect("/ws/a").await.expect_text("1: init, joined 1").await;
}

#[tokio::test(start_paused = true)]
async fn a_sleeping_room_ends_with_the_server_and_by_a_call() {
    let factory = NotesFactory::default();
    let server = server(&factory);
    let mut ann = server.connect("/ws/a").await;
    let mut bob = server.connect("/ws/b").await;
    ann.expect_text("1: init, joined 1").await;
    bob.expect_text("1: init, joined 1").await;
    advance(21.0).await;
    within_timeout("the room to end", server.handle.room("a").await.unwrap().close(4000, "over")).await;
    assert_eq!(ann.expect_close().await.0, 4000);
    server.connect("/ws/a").await.expect_text("1: init, joined 1").await;
    server.handle.shutdown().await;
    assert_eq!(bob.expect_close().await.0, 1012);
}

#[tokio::test(start_paused = true)]
async fn more_rooms_than_places_take_turns() {
    let factory = NotesFactory::with_places(2);
    let server = server(&factory);
    let mut clients = Vec::new();
    for room in 0..10 {
        let mut client = server.connect(&format!("/ws/{room}")).await;
        client.expect_text("1: init, joined 1").await;
        clients.push(client);
    }
    for (room, client) in clients.iter_mut().enumerate() {
        client.send_text("one").await;
        client.expect_text("one").await;
        let mut other = server.connect(&format!("/ws/{room}")).await;
        other.expect_text("2: init, joined 1, one, joined 2").await;
        assert!(factory.services() <= 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_room_that_cannot_be_restored_ends_and_leaves_nothing_behind() {
    let server = server(&NotesFactory::default());
    let mut ann = server.connect("/ws/a").await;
    ann.expect_text("1: init, joined 1").await;
    ann.send_text("?differs").await;
    ann.receive_message().await;
    ann.send_text("fail").await;
    assert_eq!(ann.expect_close().await.0, 1011);
    assert_eq!(server.handle.rooms().await, [], "only what is stored can be broken");
}

#[tokio::test(start_paused = true)]
async fn a_sleeping_room_that_finds_no_place_waits_and_keeps_its_state() {
    let factory = NotesFactory::with_places(1);
    let server = server(&factory);
    let mut ann = server.connect("/ws/a").await;
    ann.expect_text("1: init, joined 1").await;
    advance(21.0).await;
    factory.set_places(0);
    ann.send_text("one").await;
    advance(60.0).await;
    assert_eq!(factory.services(), 0);
    factory.set_places(1);
    ann.expect_text("one").await;
    server.connect("/ws/a").await.expect_text("2: init, joined 1, one, joined 2").await;
    advance(21.0).await;
    factory.set_places(0);
    ann.send_text("two").await;
    advance(10.0).await;
    within_timeout("the room to end", server.handle.room("a").await.unwrap().close(4000, "over")).await;
    assert_eq!(ann.expect_close().await.0, 4000);
}

#[tokio::test(start_paused = true)]
async fn sleeping_rooms_drain_without_waking_unless_something_happens() {
    let in_memory = Server::new().with_sleep_in_memory(true);
    let in_store = Server::new().with_store(Arc::new(MemoryStore::default()));
    for server in [in_memory, in_store] {
        // There is a place for one of them.
        let factory = NotesFactory::with_places(1);
        let server = server.with_sleep_after(Duration::from_secs(20)).with_drain_time(Duration::from_secs(8));
        let server = TestServer::pipe_with_factory(server, factory.clone());
        let mut clients = Vec::new();
        for room in 0..20 {
            let mut client = server.connect(&format!("/ws/{room}")).await;
            client.expect_text("1: init, joined 1").await;
            clients.push(client);
        }
        advance(21.0).await;
        let created = factory.created();
        assert_eq!(factory.services(), 0);
        let handle = server.handle.clone();
        let stopped = tokio::spawn(async move { handle.shutdown().await });
        advance(0.001).await;
        clients[0].send_text("awake").await;
        clients[0].expect_text("awake").await;
        assert_eq!((factory.created(), factory.services()), (created + 1, 1));
        advance(4.0).await;
        let left = server.handle.local_rooms().len();
        assert!((1..20).contains(&left), "spread over the time: {left}");
        for mut client in clients {
            assert_eq!(client.expect_close().await.0, 1012);
        }
        stopped.await.unwrap();
        assert_eq!(factory.created(), created + 1);
    }
}

#[derive(Default)]
struct Idle;

impl StateroomService for Idle {}

#[tokio::test(start_paused = true)]
async fn a_native_service_cannot_sleep() {
    let server = TestServer::pipe_with_factory(
        Server::new().with_sleep_in_memory(true),
        DefaultStateroomFactory::<Idle>::default(),
    );
    assert_eq!(server.connect("/ws/a").await.expect_close().await.0, 1011);
}
