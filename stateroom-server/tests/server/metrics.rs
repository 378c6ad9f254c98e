//! Metrics of a running server.
use std::collections::BTreeMap;

use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use stateroom_server::Server;
use tokio_tungstenite::tungstenite::Message;

use crate::common::{TestServer, within_timeout};

/// Accumulated metrics of a server that runs on the current thread.
pub(crate) struct RecordedMetrics {
    recorder: &'static DebuggingRecorder,
    /// Values by name and labels. A histogram is recorded as its number of values.
    values: BTreeMap<String, f64>,
    _guard: metrics::LocalRecorderGuard<'static>,
}

impl RecordedMetrics {
    pub(crate) fn start() -> Self {
        let recorder: &'static DebuggingRecorder = Box::leak(Box::new(DebuggingRecorder::new()));
        RecordedMetrics { recorder, values: BTreeMap::new(), _guard: metrics::set_default_local_recorder(recorder) }
    }

    /// Adds the changes since the last snapshot and returns all values.
    pub(crate) fn snapshot(&mut self) -> &BTreeMap<String, f64> {
        for (key, .., value) in self.recorder.snapshotter().snapshot().into_vec() {
            let labels: Vec<String> = key.key().labels().map(|label| label.value().to_owned()).collect();
            let name = key
                .key()
                .name()
                .strip_prefix("stateroom_")
                .unwrap_or_else(|| panic!("{key:?} lacks the `stateroom_` prefix"));
            let value = match value {
                DebugValue::Counter(count) => count as f64,
                DebugValue::Gauge(value) => value.into_inner(),
                DebugValue::Histogram(values) => values.len() as f64,
            };
            *self.values.entry([vec![name.to_owned()], labels].concat().join(" ")).or_default() += value;
        }
        &self.values
    }
}

#[tokio::test(start_paused = true)]
async fn counts_events_and_tracks_gauges() {
    let mut metrics = RecordedMetrics::start();
    let server = TestServer::pipe(Server::new());
    let (mut one, mut two) = (server.join("a").await, server.join("a").await);
    one.expect_text("joined 2").await;
    for _ in 0..3 {
        one.send_text("all hello").await;
        one.expect_text("hello").await;
        two.expect_text("hello").await;
    }
    two.send_text("timer 0").await;
    one.expect_text("timer").await;
    two.expect_text("timer").await;
    server.handle.room("a").await.unwrap().call("echo x").await.unwrap();
    one.expect_text("called echo x").await;
    assert_eq!(server.expect_refusal("/ws/a?token=1&token=2").await.status, 400);
    let values = metrics.snapshot();
    for (name, value) in [
        ("rooms", 1.0),
        ("room_connections", 2.0),
        ("events_total init", 1.0),
        ("events_total connect", 2.0),
        ("events_total message", 4.0),
        ("events_total timer", 1.0),
        ("events_total call", 1.0),
        // Three `joined`, three times two `hello`, two `timer`, two `called`.
        ("sent_messages_total", 13.0),
        ("refusals_total request", 1.0),
    ] {
        assert_eq!(values.get(name), Some(&value), "{name} of {values:#?}");
    }
    assert!(values["event_seconds"] == 9.0 && values["batch_events"] >= 4.0, "{values:#?}");
    assert!(values["received_bytes_total"] > 30.0 && values["sent_bytes_total"] > 60.0, "{values:#?}");

    two.drop_connection();
    one.expect_text("left 2").await;
    one.leave().await;
    server.handle.room("a").await.unwrap().close(1000, "").await;
    let values = metrics.snapshot();
    for (name, value) in [
        ("rooms", 0.0),
        ("room_connections", 0.0),
        ("queued_bytes", 0.0),
        ("closes_total vanished", 1.0),
        ("closes_total by_peer", 1.0),
    ] {
        assert_eq!(values.get(name), Some(&value), "{name} of {values:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn tracks_queued_bytes() {
    let mut metrics = RecordedMetrics::start();
    let server = TestServer::pipe(Server::new());
    let mut slow = server.join("a").await;
    slow.send(Message::text("spam 1 500000")).await;
    within_timeout("the room", server.script.wait_for_event("a", "message 1 spam 1 500000", 1)).await;
    slow.sync().await;
    slow.send_text("spam 1 500000").await;
    within_timeout("the room", server.script.wait_for_event("a", "message 1 spam 1 500000", 2)).await;
    tokio::task::yield_now().await;
    assert!(metrics.snapshot()["queued_bytes"] > 0.0);
    slow.drop_connection();
    server.script.wait_for_event("a", "disconnect 1", 1).await;
    assert_eq!(metrics.snapshot()["queued_bytes"], 0.0);
}
