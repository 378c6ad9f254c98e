//! A disk that does not answer, for longer than clients should wait.
use stateroom_server::store::MemoryStore;

use super::{server, settle};
use crate::common::{Client, advance};

async fn expect_stalled(client: &mut Client) {
    let (code, reason) = client.expect_close().await;
    assert_eq!(code, 1013);
    assert!(reason.starts_with("the server's disk does not answer"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn a_stalled_disk_closes_those_who_speak_and_their_events_may_still_be_accepted() {
    let store = MemoryStore::default();
    let server = server(&store);
    let mut silent = server.connect("/ws/a").await;
    silent.expect_text("1: init, joined 1").await;
    let mut held = server.connect("/ws/a").await;
    held.expect_text("2: init, joined 1, joined 2").await;
    let mut behind = server.connect("/ws/a?token=behind").await;
    behind.expect_text("3: init, joined 1, joined 2, joined 3").await;

    store.hold();
    held.send_text("held").await;
    settle().await;
    behind.send_text("behind").await;
    let mut joining = server.connect("/ws/a").await;
    advance(9.9).await;
    for client in [&mut silent, &mut held, &mut behind, &mut joining] {
        assert_eq!(client.poll_message().await, None);
    }
    advance(0.2).await;
    for mut client in [held, behind, joining] {
        expect_stalled(&mut client).await;
    }

    // Those who come or speak while it lasts are told within a second.
    let mut later = server.connect("/ws/a?token=behind").await;
    advance(1.1).await;
    expect_stalled(&mut later).await;
    advance(60.0).await;
    assert_eq!(silent.poll_message().await, None);

    store.resume();
    for text in ["held", "behind"] {
        silent.expect_text(text).await;
    }
    silent.send_text("all is well").await;
    silent.expect_text("all is well").await;
    let mut again = server.connect("/ws/a?token=behind").await;
    let notes = again.receive_text().await;
    let expected = "3: init, joined 1, joined 2, joined 3, held, behind, joined 4, ";
    assert!(notes.starts_with(expected), "{notes}");
    for note in ["left 2", "left 3", "left 4", "all is well"] {
        assert!(notes.contains(note), "{notes}");
    }
    assert!(!notes.contains("left 1"), "{notes}");
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_answers_late_each_time_closes_nobody() {
    let store = MemoryStore::default();
    let server = server(&store);
    let mut ann = server.connect("/ws/a").await;
    ann.expect_text("1: init, joined 1").await;
    store.hold();
    for text in ["one", "two", "three", "four"] {
        ann.send_text(text).await;
        advance(9.5).await;
        assert_eq!(store.release(1), 1);
        ann.expect_text(text).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stalled_disk_closes_those_who_wait_for_a_room_to_begin_or_wake() {
    let store = MemoryStore::default();
    let server = server(&store);
    let mut ann = server.connect("/ws/sleeping").await;
    ann.expect_text("1: init, joined 1").await;
    // The snapshot with which it falls asleep is held.
    store.hold();
    advance(21.0).await;
    assert_eq!(store.held(), 1);
    ann.send_text("waits for the snapshot").await;
    let mut bob = server.connect("/ws/new").await;
    advance(11.0).await;
    expect_stalled(&mut ann).await;
    expect_stalled(&mut bob).await;
    store.resume();
    let mut ann = server.connect("/ws/sleeping").await;
    ann.expect_text("2: init, joined 1, waits for the snapshot, left 1, joined 2").await;
    server.connect("/ws/new").await.expect_text("2: init, joined 1, left 1, joined 2").await;
}
