//! Rooms whose stored state cannot be restored.
use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use serde_json::Value;
use stateroom_server::{
    Server, ShutdownPolicy,
    store::{MemoryStore, Store},
};

use super::{NotesFactory, observing::stored, server, server_with};
use crate::{
    admin::request,
    common::{TestServer, advance},
    metrics::RecordedMetrics,
};

async fn expect_broken(server: &TestServer, path: &str) {
    let (code, reason) = server.connect(path).await.expect_close().await;
    assert_eq!((code, &*reason), (1011, "the room's state cannot be restored"));
}

/// Returns what the administration tells of the room `a`, which is broken.
async fn broken(server: &TestServer) -> Value {
    let (status, one) = request(&server.handle, "GET", "/rooms/a").await;
    assert_eq!(status, 200, "{one}");
    let one: Value = serde_json::from_str(&one).unwrap();
    let (_, all) = request(&server.handle, "GET", "/rooms").await;
    let all: Vec<Value> = serde_json::from_str(&all).unwrap();
    assert_eq!(all, std::slice::from_ref(&one));
    one["broken"].clone()
}

#[tokio::test(start_paused = true)]
async fn a_room_whose_replay_differs_is_broken_until_it_is_deleted() {
    let store = MemoryStore::default();
    let mut ann = server(&store).connect("/ws/a").await;
    ann.expect_text("1: init, joined 1").await;
    let store = store.kill(0);
    let stored = store.list(None, 10).await.unwrap();

    let mut metrics = RecordedMetrics::start();
    let factory = NotesFactory::greeting("!");
    let server = server_with(&store, factory.clone());
    expect_broken(&server, "/ws/a").await;
    let created = factory.created();
    for _ in 0..5 {
        expect_broken(&server, "/ws/a").await;
    }
    assert_eq!(server.get("/http/a/notes").await.status, 500);
    assert_eq!(server.post("/ws/a").await.status, 409);
    assert!(server.handle.room("a").await.is_none());
    advance(100.0).await;
    expect_broken(&server, "/ws/a").await;
    assert_eq!((factory.created(), factory.services()), (created, 0), "it is not replayed again");
    assert_eq!(metrics.snapshot()["rooms_broken"], 1.0);

    let shown = broken(&server).await;
    assert_eq!(shown["record"], 3, "{shown}");
    let hash = |name: &str| shown[name].as_str().unwrap().to_owned();
    assert_eq!((hash("expected").len(), hash("found").len()), (32, 32));
    assert_ne!(hash("expected"), hash("found"));
    assert!(hash("reason").contains("had other effects"), "{shown}");
    assert_eq!(request(&server.handle, "GET", "/readyz").await.0, 200);
    assert_eq!(store.list(None, 10).await.unwrap(), stored, "nothing was changed");
    server.connect("/ws/b").await.expect_text("!1: init, joined 1").await;

    assert_eq!(request(&server.handle, "DELETE", "/rooms/a").await.0, 204);
    assert_eq!(metrics.snapshot()["rooms_broken"], 0.0);
    server.connect("/ws/a").await.expect_text("!1: init, joined 1").await;
}

#[tokio::test(start_paused = true)]
async fn a_room_with_a_record_that_cannot_be_read_is_broken_until_the_process_restarts() {
    let store = MemoryStore::default();
    let mut ann = server(&store).connect("/ws/a").await;
    ann.expect_text("1: init, joined 1").await;
    let opened = store.open("a").await.unwrap();
    let (mut log, last) = (opened.log, opened.stored.unwrap().last_seq());
    log.append(last + 1, Bytes::from_static(b"\xff"), None).await.unwrap();
    for _ in 0..2 {
        let server = server(&store);
        expect_broken(&server, "/ws/a").await;
        let shown = broken(&server).await;
        assert_eq!(shown["record"], last + 1, "{shown}");
        assert_eq!((&shown["expected"], &shown["found"]), (&Value::Null, &Value::Null));
    }
}

#[tokio::test(start_paused = true)]
async fn a_damaged_room_hides_no_other() {
    let store = MemoryStore::default();
    let killed = server(&store);
    for room in ["a", "b", "c"] {
        let mut client = killed.connect(&format!("/ws/{room}")).await;
        client.expect_text("1: init, joined 1").await;
        client.send_text("timer").await;
        client.expect_text("timer").await;
    }
    let store = store.kill(0);
    store.damage("b");

    let mut metrics = RecordedMetrics::start();
    let server = Server::new().with_store(Arc::new(store.clone())).with_shutdown_policy(ShutdownPolicy::Immediate);
    let server = server.with_forget_after(Duration::from_millis(1));
    let server = TestServer::pipe_with_factory(server, NotesFactory::default());
    let rooms = stored(&server, "").await;
    let damaged = rooms.iter().find(|room| room["id"] == "b").unwrap();
    let others: Vec<_> =
        rooms.iter().filter(|room| room["stored_bytes"].is_u64() && room["broken"].is_null()).collect();
    assert_eq!(others.iter().map(|room| &room["id"]).collect::<Vec<_>>(), ["a", "c"], "{rooms:?}");
    assert!(damaged["broken"]["reason"].as_str().unwrap().contains(r#"damaged data in room "b""#), "{damaged}");
    assert_eq!((&damaged["stored_bytes"], &damaged["timer_due"]), (&Value::Null, &Value::Null));
    assert_eq!(stored(&server, "&after=a&most=1").await, std::slice::from_ref(damaged));
    assert_eq!(metrics.snapshot()["rooms_broken"], 1.0);
    expect_broken(&server, "/ws/b").await;

    // The timers of the others fire. Then nobody uses them any more.
    let ids = async || stored(&server, "").await.iter().map(|room| room["id"].clone()).collect::<Vec<_>>();
    while ids().await.len() > 1 {
        advance(10.0).await;
    }
    assert_eq!(ids().await, ["b"]);
    assert_eq!(metrics.snapshot()["wakes_total timer"], 2.0);
    assert_eq!(metrics.snapshot()["rooms_forgotten_total"], 2.0);

    assert_eq!(request(&server.handle, "DELETE", "/rooms/b").await.0, 204);
    server.connect("/ws/b").await.expect_text("1: init, joined 1").await;
}
