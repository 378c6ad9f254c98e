//! Stored rooms that nobody uses any more.
use std::{sync::Arc, time::Duration};

use stateroom_server::{
    Server, ShutdownPolicy,
    store::{MemoryStore, Store},
};

use super::NotesFactory;
use crate::{
    common::{TestServer, advance},
    metrics::RecordedMetrics,
};

fn server(store: &MemoryStore, forget_after: Duration) -> TestServer {
    let server = Server::new().with_store(Arc::new(store.clone())).with_shutdown_policy(ShutdownPolicy::Immediate);
    TestServer::pipe_with_factory(server.with_forget_after(forget_after), NotesFactory::default())
}

async fn rooms(store: &MemoryStore) -> Vec<String> {
    store.list(None, 1000).await.unwrap().into_iter().map(|entry| entry.room).collect()
}

#[tokio::test(start_paused = true)]
async fn a_stored_room_without_clients_and_timer_is_deleted_after_a_while() {
    let store = MemoryStore::default();
    let mut metrics = RecordedMetrics::start();
    // The stamps are the system's, whose time is not paused.
    let first = server(&store, Duration::from_secs(3600));
    for number in 0..250 {
        let mut client = first.connect(&format!("/ws/unused{number}")).await;
        client.expect_text("1: init, joined 1").await;
        client.leave().await;
    }
    let mut alarm = first.connect("/ws/alarm").await;
    alarm.expect_text("1: init, joined 1").await;
    alarm.send_text("alarm").await;
    alarm.expect_text("alarm").await;
    alarm.leave().await;
    advance(100.0).await;
    assert_eq!(rooms(&store).await.len(), 251, "nothing is old enough");
    first.handle.shutdown().await;

    let second = server(&store, Duration::from_millis(1));
    let mut used = second.connect("/ws/unused7").await;
    used.expect_text("2: init, joined 1, left 1, joined 2").await;
    advance(59.0).await;
    assert_eq!(rooms(&store).await.len(), 251, "not while the server starts");
    for _ in 0..10 {
        advance(1.0).await;
    }
    assert_eq!(rooms(&store).await, ["alarm", "unused7"]);
    assert_eq!(metrics.snapshot()["rooms_forgotten_total"], 249.0);
    used.send_text("still here").await;
    used.expect_text("still here").await;
    let mut anew = second.connect("/ws/unused8").await;
    anew.expect_text("1: init, joined 1").await;

    used.leave().await;
    while rooms(&store).await.len() > 2 {
        advance(10.0).await;
    }
    assert_eq!(rooms(&store).await, ["alarm", "unused8"]);
}
