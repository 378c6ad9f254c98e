//! Shutdown on signals.
use crate::common::{Serving, built};

#[tokio::test]
async fn a_signal_shuts_down_gracefully() {
    for signal in ["TERM", "INT"] {
        let mut server = Serving::start(&built("echo-server"), &[]).await;
        let mut client = server.join("a").await;
        assert_eq!(client.text().await, "User ClientId(1) connected.");
        server.signal(signal);
        assert_eq!(client.closed().await.0, 1012);
        server.line("shutting down").await;
        assert_eq!(server.end().await.code(), Some(0));
    }
}

#[tokio::test]
async fn a_second_signal_exits_immediately() {
    // A client that does not read does not answer the close either: the server would wait for it.
    let patient = ["--close-time", "600", "--shutdown-time", "600"];
    let mut server = Serving::start(&built("echo-server"), &patient).await;
    let mut client = server.join("a").await;
    assert_eq!(client.text().await, "User ClientId(1) connected.");
    server.signal("TERM");
    server.line("shutting down").await;
    server.signal("TERM");
    assert_eq!(server.end().await.code(), Some(143));
}
