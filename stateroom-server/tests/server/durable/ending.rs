//! Rooms that end by themselves.
use stateroom_server::store::{MemoryStore, Store};

use super::{NotesFactory, server, server_with, settle};
use crate::common::advance;

const ENDED: (u16, &str) = (1000, "the room has ended");

#[tokio::test(start_paused = true)]
async fn a_room_that_ends_is_deleted_once_its_end_is_stored() {
    let store = MemoryStore::default();
    let server = server(&store);
    let mut ann = server.connect("/ws/a").await;
    ann.expect_text("1: init, joined 1").await;
    let mut bob = server.connect("/ws/a").await;
    bob.expect_text("2: init, joined 1, joined 2").await;
    store.hold();
    ann.send_text("end").await;
    advance(5.0).await;
    assert_eq!((ann.poll_message().await, bob.poll_message().await), (None, None), "not before it is stored");
    store.resume();
    for client in [&mut ann, &mut bob] {
        client.expect_text("end").await;
        let (code, reason) = client.expect_close().await;
        assert_eq!((code, &*reason), ENDED);
    }
    settle().await;
    assert_eq!(store.list(None, 10).await.unwrap(), []);
    server.connect("/ws/a").await.expect_text("1: init, joined 1").await;
}

#[tokio::test(start_paused = true)]
async fn a_room_whose_process_was_killed_before_it_was_deleted_begins_anew() {
    // The records that follow the message are the end itself, the `disconnect`s, and the deletion; the store is killed after each.
    for (stored, notes) in
        ["2: init, joined 1, left 1, joined 2", "1: init, joined 1", "1: init, joined 1"].iter().enumerate()
    {
        let store = MemoryStore::default();
        let killed = server(&store);
        let mut ann = killed.connect("/ws/a").await;
        ann.expect_text("1: init, joined 1").await;
        store.hold();
        ann.send_text("end").await;
        for _ in 0..stored {
            settle().await;
            assert_eq!(store.release(1), 1);
        }
        let store = store.kill(0);
        if stored > 0 {
            assert_eq!(store.list(None, 10).await.unwrap().len(), 1);
            assert_eq!(store.due(std::time::Duration::MAX, 10).await.unwrap(), [], "its timer wakes nobody");
        }
        let factory = NotesFactory::default();
        let server = server_with(&store, factory.clone());
        server.connect("/ws/a").await.expect_text(notes).await;
        assert!(!factory.has_fired());
    }
}

#[tokio::test(start_paused = true)]
async fn a_room_that_ends_while_the_server_stops_does_not_continue() {
    let store = MemoryStore::default();
    let server = server(&store);
    let mut ann = server.connect("/ws/a").await;
    ann.expect_text("1: init, joined 1").await;
    store.hold();
    ann.send_text("end").await;
    settle().await;
    let stopped = tokio::spawn({
        let handle = server.handle.clone();
        async move { handle.shutdown().await }
    });
    settle().await;
    store.resume();
    stopped.await.unwrap();
    assert_eq!(store.list(None, 10).await.unwrap(), []);
}
