//! Rooms whose stored state cannot be restored.
use bytes::Bytes;
use serde_json::Value;
use stateroom_server::store::{MemoryStore, Store};

use super::{NotesFactory, server, server_with};
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
