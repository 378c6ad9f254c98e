//! Durable rooms as seen from outside: the list of those in the store, and why they wake.
use serde_json::{Value, json};
use stateroom_server::{Server, store::MemoryStore};

use super::{server, settle};
use crate::{
    admin::request,
    common::{ScriptFactory, TestServer, advance},
    metrics::RecordedMetrics,
};

pub(super) async fn stored(server: &TestServer, query: &str) -> Vec<Value> {
    let (status, rooms) = request(&server.handle, "GET", &format!("/rooms?stored=1{query}")).await;
    assert_eq!(status, 200, "{rooms}");
    serde_json::from_str(&rooms).unwrap()
}

#[tokio::test(start_paused = true)]
async fn lists_the_rooms_in_the_store_page_by_page() {
    let server = server(&MemoryStore::default());
    assert_eq!(stored(&server, "").await, Vec::<Value>::new());
    for room in ["b", "a", "d", "c"] {
        let mut client = server.connect(&format!("/ws/{room}")).await;
        client.expect_text("1: init, joined 1").await;
        if room == "d" {
            client.send_text("alarm").await;
            client.expect_text("alarm").await;
        }
        client.leave().await;
    }
    settle().await;
    let mut client = server.connect("/ws/a").await;
    client.receive_text().await;
    let (_, running) = request(&server.handle, "GET", "/rooms?stored=0").await;
    assert_eq!(serde_json::from_str::<Vec<Value>>(&running).unwrap().len(), 1);

    let all = stored(&server, "").await;
    let ids = |rooms: &[Value]| rooms.iter().map(|room| room["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&all), [json!("a"), json!("b"), json!("c"), json!("d")]);
    for room in &all {
        let (is_a, is_d) = (room["id"] == "a", room["id"] == "d");
        assert_eq!(room["running"], is_a, "{room}");
        assert_eq!(room["timer_due"].is_f64(), is_d, "{room}");
        assert_eq!(room["tail_records"].as_u64().unwrap() > 0, is_a, "{room}");
        assert!(room["stored_bytes"].as_u64().unwrap() > 20, "{room}");
    }
    assert_eq!(ids(&stored(&server, "&most=2").await), [json!("a"), json!("b")]);
    assert_eq!(ids(&stored(&server, "&most=2&after=b").await), [json!("c"), json!("d")]);
    assert_eq!(stored(&server, "&after=d").await, Vec::<Value>::new());

    let ephemeral = Server::new().router(ScriptFactory::default()).1;
    assert_eq!(request(&ephemeral, "GET", "/rooms?stored=1").await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn counts_wakes_by_cause() {
    let mut metrics = RecordedMetrics::start();
    let server = server(&MemoryStore::default());
    // From the store.
    let mut ann = server.connect("/ws/a").await;
    ann.expect_text("1: init, joined 1").await;
    ann.leave().await;
    settle().await;
    assert_eq!(metrics.snapshot().get("wakes_total join"), None, "the room is new");
    server.connect("/ws/a").await.leave().await;
    settle().await;
    server.handle.room("a").await.unwrap().call("fine").await.unwrap();
    let call = |values: &std::collections::BTreeMap<String, f64>| values.get("wakes_total call").copied();
    assert_eq!((metrics.snapshot()["wakes_total join"], call(metrics.snapshot())), (1.0, Some(1.0)));

    // From memory, with a client.
    let mut ann = server.connect("/ws/b").await;
    ann.expect_text("1: init, joined 1").await;
    advance(21.0).await;
    ann.send_text("timer").await;
    ann.expect_text("timer").await;
    advance(21.0).await;
    let mut bob = server.connect("/ws/b").await;
    bob.expect_text("2: init, joined 1, timer, fired, joined 2").await;
    ann.send_text("alarm").await;
    ann.expect_text("alarm").await;
    advance(61.0).await;
    advance(21.0).await;
    server.handle.room("b").await.unwrap().close(4000, "").await;
    let values = metrics.snapshot();
    for (cause, wakes) in [("join", 2.0), ("message", 1.0), ("timer", 1.0), ("call", 1.0), ("admin", 1.0)] {
        assert_eq!(values.get(&format!("wakes_total {cause}")), Some(&wakes), "{cause} of {values:#?}");
    }
    assert_eq!(values.get("wakes_total leave"), None);
}
