//! Durable rooms: what clients have seen is there after the process has gone, whichever way it went.
mod broken;
mod ending;
mod forgetting;
mod in_memory;
mod modules;
mod notes;
mod observing;
mod places;
mod stall;

use std::{sync::Arc, time::Duration};

use stateroom_server::{
    CallError, OnSwap, Server, ShutdownPolicy,
    store::{MemoryStore, Store},
};
use tokio_tungstenite::tungstenite::Message;

use self::notes::NotesFactory;
use crate::common::{TestServer, advance, within_timeout};

/// Starts a server with this store, whose empty rooms sleep at once.
fn server(store: &MemoryStore) -> TestServer {
    server_with(store, NotesFactory::default())
}

fn server_with(store: &MemoryStore, factory: NotesFactory) -> TestServer {
    let server = Server::new().with_store(Arc::new(store.clone())).with_shutdown_policy(ShutdownPolicy::Immediate);
    let server = server.with_sleep_after(Duration::from_secs(20));
    TestServer::pipe_with_factory(server, factory)
}

#[tokio::test(start_paused = true)]
async fn a_room_continues_where_its_process_was_killed() {
    let store = MemoryStore::default();
    let killed = server(&store);
    let mut ann = killed.connect("/ws/a?token=ann").await;
    ann.expect_text("1: init, joined 1").await;
    let mut bob = killed.connect("/ws/a").await;
    bob.expect_text("2: init, joined 1, joined 2").await;
    bob.send_text("hello").await;
    bob.expect_text("hello").await;

    // Nothing of the process is asked or told.
    let next = server(&store);
    let mut cid = next.connect("/ws/a").await;
    cid.expect_text("3: init, joined 1, joined 2, hello, left 1, left 2, joined 3").await;
    let mut ann = next.connect("/ws/a?token=ann").await;
    ann.expect_text("1: init, joined 1, joined 2, hello, left 1, left 2, joined 3, joined 1").await;
    let mut other = next.connect("/ws/b").await;
    other.expect_text("1: init, joined 1").await;
}

#[tokio::test(start_paused = true)]
async fn an_empty_room_sleeps_and_wakes() {
    let store = MemoryStore::default();
    let server = server(&store);
    for visit in ["1: init, joined 1", "2: init, joined 1, left 1, joined 2"] {
        let mut client = server.connect("/ws/a").await;
        client.expect_text(visit).await;
        client.leave().await;
        advance(0.1).await;
        assert!(server.handle.local_room("a").is_none(), "it sleeps");
    }
}

#[tokio::test(start_paused = true)]
async fn a_room_with_clients_sleeps_while_nothing_happens() {
    let (store, factory) = (MemoryStore::default(), NotesFactory::default());
    let server = server_with(&store, factory.clone());
    let mut ann = server.connect("/ws/a").await;
    let mut bob = server.connect("/ws/a").await;
    ann.expect_text("1: init, joined 1").await;
    bob.expect_text("2: init, joined 1, joined 2").await;
    for text in ["one", "two"] {
        assert_eq!(factory.services(), 1);
        advance(21.0).await;
        assert_eq!(factory.services(), 0);
        ann.send_text(text).await;
        ann.expect_text(text).await;
        bob.expect_text(text).await;
    }
    ann.send_text("timer").await;
    ann.expect_text("timer").await;
    advance(21.0).await;
    assert_eq!(factory.services(), 0);
    bob.leave().await;
    let mut cid = server.connect("/ws/a").await;
    cid.expect_text("3: init, joined 1, joined 2, one, two, timer, fired, left 2, joined 3").await;
}

#[tokio::test(start_paused = true)]
async fn a_sleeping_room_wakes_neither_to_stop_nor_to_end() {
    let (store, factory) = (MemoryStore::default(), NotesFactory::default());
    let server = server_with(&store, factory.clone());
    let mut ann = server.connect("/ws/a").await;
    ann.expect_text("1: init, joined 1").await;
    advance(21.0).await;
    let created = factory.created();
    server.handle.shutdown().await;
    assert_eq!(ann.expect_close().await.0, 1012);
    assert_eq!((factory.created(), factory.services()), (created, 0));
}

#[tokio::test(start_paused = true)]
async fn a_sleeping_room_that_is_closed_is_deleted() {
    let store = MemoryStore::default();
    let server = server(&store);
    let mut ann = server.connect("/ws/a").await;
    ann.expect_text("1: init, joined 1").await;
    advance(21.0).await;
    within_timeout("the room to end", server.handle.room("a").await.unwrap().close(4000, "over")).await;
    assert_eq!(ann.expect_close().await.0, 4000);
    server.connect("/ws/a").await.expect_text("1: init, joined 1").await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_does_not_concern_durable_rooms() {
    let server = server(&MemoryStore::default());
    let mut ann = server.connect("/ws/a").await;
    ann.expect_text("1: init, joined 1").await;
    server.handle.room("a").await.unwrap().restart();
    server.handle.swap(NotesFactory::default(), OnSwap::Restart);
    ann.send_text("one").await;
    ann.expect_text("one").await;
    server.connect("/ws/a").await.expect_text("2: init, joined 1, one, joined 2").await;
}

#[tokio::test(start_paused = true)]
async fn a_stopped_server_puts_its_rooms_to_sleep_without_a_word_to_them() {
    let store = MemoryStore::default();
    let stopped = server(&store);
    let mut ann = stopped.connect("/ws/a").await;
    ann.expect_text("1: init, joined 1").await;
    stopped.handle.shutdown().await;
    assert_eq!(ann.expect_close().await.0, 1012);
    let mut bob = server(&store).connect("/ws/a").await;
    bob.expect_text("2: init, joined 1, left 1, joined 2").await;
}

#[tokio::test(start_paused = true)]
async fn a_failing_message_did_not_happen_and_concerns_its_sender_only() {
    let store = MemoryStore::default();
    let server = server(&store);
    let mut bob = server.connect("/ws/a").await;
    bob.expect_text("1: init, joined 1").await;
    let mut ann = server.connect("/ws/a").await;
    ann.expect_text("2: init, joined 1, joined 2").await;
    for text in ["one", "fail", "two"] {
        ann.feed(Message::text(text)).await;
    }
    ann.send_text("three").await;
    ann.expect_text("one").await;
    let (code, reason) = ann.expect_close().await;
    assert_eq!((code, &*reason), (1011, "the room's service failed (panic)"));
    for text in ["one", "two", "three"] {
        bob.expect_text(text).await;
    }
    let mut cid = self::server(&store).connect("/ws/a").await;
    cid.expect_text("3: init, joined 1, joined 2, one, two, three, left 2, left 1, joined 3").await;
}

#[tokio::test(start_paused = true)]
async fn a_client_whose_connect_fails_was_never_here() {
    let server = server(&MemoryStore::default());
    let mut bob = server.connect("/ws/a").await;
    bob.expect_text("1: init, joined 1").await;
    let mut ann = server.connect("/ws/a?fail&token=ann").await;
    ann.feed(Message::text("unheard")).await;
    assert_eq!(ann.expect_close().await.0, 1011);
    ann.drop_connection();
    bob.send_text("heard").await;
    bob.expect_text("heard").await;
    let mut ann = server.connect("/ws/a?token=ann").await;
    ann.expect_text("2: init, joined 1, heard, joined 2").await;
    ann.send_text("hello").await;
    bob.expect_text("hello").await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_fails_has_no_answer() {
    let server = server(&MemoryStore::default());
    let mut bob = server.connect("/ws/a").await;
    bob.expect_text("1: init, joined 1").await;
    let room = server.handle.room("a").await.unwrap();
    let failed = room.call("fail").await.unwrap_err();
    assert!(matches!(failed, CallError::Failed(_)), "{failed:?}");
    assert_eq!(room.call("fine").await.unwrap().unwrap(), "fine".into());
}

#[tokio::test(start_paused = true)]
async fn an_http_request_that_fails_is_answered_with_500() {
    let server = server(&MemoryStore::default());
    let mut bob = server.connect("/ws/a").await;
    bob.expect_text("1: init, joined 1").await;
    assert_eq!(server.get("/http/a/fail").await.status, 500);
    assert_eq!(server.get("/http/a/fine").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_fails_fires_again_later() {
    let server = server(&MemoryStore::default());
    let mut bob = server.connect("/ws/a").await;
    bob.expect_text("1: init, joined 1").await;
    bob.send_text("timer that fails").await;
    bob.expect_text("timer that fails").await;
    let started = tokio::time::Instant::now();
    notes::FAILURES.store(3, std::sync::atomic::Ordering::Relaxed);
    bob.expect_text("fired at last").await;
    let seconds = started.elapsed().as_secs_f64();
    assert!((7.0..7.5).contains(&seconds), "after 1, 2 and 4 s: {seconds}");
}

#[tokio::test(start_paused = true)]
async fn a_room_that_keeps_failing_rests_and_keeps_its_state() {
    let server = server(&MemoryStore::default());
    let mut bob = server.connect("/ws/a").await;
    bob.expect_text("1: init, joined 1").await;
    for _ in 0..3 {
        let mut ann = server.connect("/ws/a?fail").await;
        assert_eq!(ann.expect_close().await.0, 1011);
    }
    bob.send_text("fail").await;
    assert_eq!(bob.expect_close().await.0, 1011);
    assert!(server.handle.local_room("a").is_none());
    advance(60.0).await;
    assert_eq!(server.handle.room("a").await.unwrap().call("fine").await.unwrap().unwrap(), "fine".into());
    let mut cid = server.connect("/ws/a").await;
    cid.expect_text("2: init, joined 1, left 1, joined 2").await;
}

#[tokio::test(start_paused = true)]
async fn a_closed_room_is_deleted() {
    let store = MemoryStore::default();
    let server = server(&store);
    let mut ann = server.connect("/ws/a").await;
    ann.expect_text("1: init, joined 1").await;
    within_timeout("the room to end", server.handle.room("a").await.unwrap().close(4000, "over")).await;
    assert_eq!(ann.expect_close().await.0, 4000);
    let mut bob = server.connect("/ws/a").await;
    bob.expect_text("1: init, joined 1").await;
}

#[tokio::test(start_paused = true)]
async fn a_sleeping_room_wakes_for_its_timer() {
    let store = MemoryStore::default();
    let first = server(&store);
    let mut ann = first.connect("/ws/a").await;
    ann.expect_text("1: init, joined 1").await;
    ann.send_text("timer").await;
    ann.expect_text("timer").await;
    ann.leave().await;
    first.handle.shutdown().await;
    let factory = NotesFactory::default();
    let second = server_with(&store, factory.clone());
    // The stamps are the system's, whose time is not paused.
    loop {
        advance(0.5).await;
        second.connect("/ws/b").await.receive_message().await;
        if factory.has_fired() {
            break;
        }
    }
    let mut bob = second.connect("/ws/a").await;
    bob.expect_text("2: init, joined 1, timer, left 1, fired, joined 2").await;
}

#[tokio::test(start_paused = true)]
async fn a_room_whose_replay_differs_is_not_run() {
    let store = MemoryStore::default();
    let mut ann = server(&store).connect("/ws/a").await;
    ann.expect_text("1: init, joined 1").await;
    let mut bob = server_with(&store, NotesFactory::greeting("!")).connect("/ws/a").await;
    assert_eq!(bob.expect_close().await.0, 1011);
    let mut bob = server(&store).connect("/ws/a").await;
    bob.expect_text("2: init, joined 1, left 1, joined 2").await;
}

/// Lets everything that is due happen.
async fn settle() {
    advance(0.01).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_leaves_a_room_before_what_led_to_it_is_stored() {
    let store = MemoryStore::default();
    let server = server(&store);
    let mut ann = server.connect("/ws/a").await;
    ann.expect_text("1: init, joined 1").await;
    store.hold();
    let mut bob = server.connect("/ws/a").await;
    ann.send_text("one").await;
    for _ in 0..3 {
        advance(3.0).await;
        assert_eq!((ann.poll_message().await, bob.poll_message().await), (None, None));
    }
    // One request at a time: what arrives meanwhile is the next one.
    assert_eq!(store.held(), 1);
    ann.send_text("two").await;
    ann.send_text("three").await;
    settle().await;
    assert_eq!(store.held(), 1);
    store.release(1);
    bob.expect_text("2: init, joined 1, joined 2").await;
    settle().await;
    assert_eq!(ann.poll_message().await, None, "it came after the batch with the join");
    store.resume();
    for text in ["one", "two", "three"] {
        ann.expect_text(text).await;
        bob.expect_text(text).await;
    }
}

#[tokio::test(start_paused = true)]
async fn large_effects_are_stored_and_released_in_parts() {
    let store = MemoryStore::default();
    let server = server(&store);
    let mut ann = server.connect("/ws/a").await;
    ann.expect_text("1: init, joined 1").await;
    store.hold();
    ann.send_text("?").await;
    settle().await;
    for _ in 0..8 {
        ann.feed(Message::text("?large")).await;
    }
    ann.send_text("?last").await;
    settle().await;
    store.release(1);
    ann.expect_text("?").await;
    let mut parts = 0;
    let large = notes::large();
    for text in [large.as_str(); 8].into_iter().chain(["?last"]) {
        settle().await;
        parts += store.release(1);
        ann.expect_text(text).await;
    }
    assert_eq!(parts, 3, "of three each: more than 1 MiB");
}

#[tokio::test(start_paused = true)]
async fn calls_are_answered_once_they_are_stored() {
    let store = MemoryStore::default();
    let server = server(&store);
    let room = server.handle.create_room(Some("a")).await.unwrap();
    settle().await;
    store.hold();
    let call = tokio::spawn(async move { room.call("fine").await });
    advance(5.0).await;
    assert!(!call.is_finished());
    store.resume();
    assert_eq!(call.await.unwrap().unwrap().unwrap(), "fine".into());
}

#[tokio::test(start_paused = true)]
async fn what_nobody_has_seen_may_be_gone_and_what_was_stored_is_there() {
    for stored in 0..=1 {
        let store = MemoryStore::default();
        let killed = server(&store);
        let mut ann = killed.connect("/ws/a").await;
        ann.expect_text("1: init, joined 1").await;
        store.hold();
        ann.send_text("one").await;
        settle().await;
        let store = store.kill(stored);
        assert_eq!(ann.expect_close().await.0, 1011, "not silence");
        let texts = ["2: init, joined 1, left 1, joined 2", "2: init, joined 1, one, left 1, joined 2"];
        server(&store).connect("/ws/a").await.expect_text(texts[stored]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn names_that_no_room_can_have_are_refused_as_they_are_without_a_store() {
    let server = server(&MemoryStore::default());
    assert_eq!(server.expect_refusal(&format!("/ws/{}", "x".repeat(513))).await.status, 400);
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_holds_messages_and_refuses_new_rooms() {
    let store = MemoryStore::default();
    let server = server(&store);
    let mut ann = server.connect("/ws/a").await;
    ann.expect_text("1: init, joined 1").await;
    store.set_full(true);
    ann.send_text("one").await;
    let mut bob = server.connect("/ws/b").await;
    assert_eq!(bob.expect_close().await.0, 1013);
    advance(5.0).await;
    assert_eq!(ann.poll_message().await, None);
    store.set_full(false);
    ann.expect_text("one").await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_store_is_said_and_nothing_more_is_confirmed() {
    let store = MemoryStore::default();
    let server = server(&store);
    let mut ann = server.connect("/ws/a").await;
    ann.expect_text("1: init, joined 1").await;
    store.fail("the disk is gone");
    ann.send_text("one").await;
    assert_eq!(ann.expect_close().await.0, 1011);
}

#[tokio::test(start_paused = true)]
async fn many_events_are_replaced_by_a_snapshot() {
    let store = MemoryStore::default();
    let mut ann = server(&store).connect("/ws/a").await;
    ann.expect_text("1: init, joined 1").await;
    let text = format!("?{}", "x".repeat(10_000));
    for _ in 0..100 {
        ann.send_text(text.as_str()).await;
        ann.expect_text(&text).await;
    }
    let entries = store.list(None, 10).await.unwrap();
    let tail = entries.first().unwrap().size.as_ref().unwrap().tail_records;
    assert!(tail < 30, "{tail}");
    let mut bob = server(&store).connect("/ws/a").await;
    bob.expect_text("2: init, joined 1, left 1, joined 2").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn other_rooms_run_while_a_large_image_is_taken() {
    let store = MemoryStore::default();
    let factory = NotesFactory::default();
    let server = server_with(&store, factory.clone());
    let mut ann = server.connect("/ws/a").await;
    ann.expect_text("1: init, joined 1").await;
    ann.send_text("large").await;
    ann.expect_text("large").await;
    ann.leave().await;
    server.handle.shutdown().await;
    assert_eq!(factory.large_images(), 1);
}
