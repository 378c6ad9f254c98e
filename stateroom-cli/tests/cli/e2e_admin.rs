//! The admin API and the JSON log.
use std::net::SocketAddr;

use tokio::time::timeout;

use crate::common::{Serving, TIMEOUT, built, stateroom};

/// Returns the address of the admin API.
pub(crate) async fn admin(server: &mut Serving) -> SocketAddr {
    let line = server.line("admin API: http://").await;
    line.split("http://").nth(1).unwrap().split('/').next().unwrap().parse().unwrap()
}

fn command(arguments: &[&str]) -> std::process::Command {
    let mut command = stateroom();
    command.args(["serve"]).arg(built("counter-service")).args(["--ip", "127.0.0.1", "--port", "0"]).args(arguments);
    command
}

#[tokio::test]
async fn metrics_are_served_for_prometheus() {
    let (server, admin) = Serving::run_with(command(&["--admin", "127.0.0.1:0"]), admin).await;
    let mut client = server.join("a").await;
    for number in 1..=3 {
        client.send("increment").await;
        assert_eq!(client.text().await, format!("new value: {number}"));
    }
    // A message may be here before it is counted.
    let counted = timeout(TIMEOUT, async {
        loop {
            let text = server.get_at(admin, "/metrics").await;
            if text.contains("\nstateroom_sent_messages_total 3\n") {
                return text;
            }
        }
    });
    let text = counted.await.expect("not all messages are counted");
    for line in [
        "# TYPE stateroom_rooms gauge",
        "stateroom_rooms 1",
        "stateroom_room_connections 1",
        "stateroom_events_total{kind=\"message\"} 3",
        "stateroom_events_total{kind=\"timer\"} 0",
        "# TYPE stateroom_event_seconds histogram",
        "# TYPE stateroom_service_cpu_seconds_total counter",
    ] {
        assert!(text.lines().any(|it| it == line), "`{line}` is not in {text}");
    }
    assert!(
        text.contains("text/plain; version=0.0.4") && text.contains("stateroom_event_seconds_bucket{le=\"0.001\"}")
    );
    assert!(!text.contains("\"a\""), "no id of a room");

    let rooms = server.get_at(admin, "/rooms").await;
    assert!(rooms.contains("\"id\":\"a\",\"connections\":1") && rooms.contains("\"memory_bytes\":1"), "{rooms}");
    assert!(server.get_at(admin, "/readyz").await.ends_with("ready\n"));
    for path in ["/metrics", "/rooms", "/healthz"] {
        assert!(server.get(path).await.starts_with("HTTP/1.1 404"), "{path} is not for clients");
    }
    client.leave().await;
    server.signal("TERM");
    assert!(server.end().await.success());
}

#[tokio::test]
async fn the_json_log_has_one_object_per_line() {
    let mut command = command(&[]);
    command.env("RUST_LOG", "info").env("STATEROOM_LOG_FORMAT", "json");
    let output = tokio::process::Command::from(command).stderr(std::process::Stdio::piped()).kill_on_drop(true).spawn();
    let mut child = output.unwrap();
    let mut lines = tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(child.stderr.take().unwrap()));
    let line = tokio::time::timeout(crate::common::TIMEOUT, lines.next_line()).await.unwrap().unwrap().unwrap();
    assert!(
        line.starts_with("{\"timestamp\":") && line.contains("\"level\":\"INFO\"") && line.ends_with('}'),
        "{line}"
    );
}

#[test]
fn an_address_in_use_is_reported() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = command(&["--admin", &address]).output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{log}");
    assert!(log.contains("another program uses it") && log.contains("--admin"), "{log}");
    let output = command(&["--admin", "9090"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("use for example `127.0.0.1:9090`"));
}

#[tokio::test]
async fn the_admin_address_can_be_localhost_and_lists_its_paths() {
    let (server, admin) = Serving::run_with(command(&["--admin", "localhost:0"]), admin).await;
    assert!(admin.ip().is_loopback(), "{admin}");
    let response = server.get_at(admin, "/metric").await;
    assert!(response.starts_with("HTTP/1.1 404") && response.contains("/metrics, /healthz"), "{response}");
}

#[test]
fn response_headers_of_the_server_are_a_usage_error() {
    for name in ["connection", "Content-Length", "x-content-type-options", "transfer-encoding"] {
        let output = command(&["--response-headers", &format!("x-own,{name}")]).output().unwrap();
        let log = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{log}");
        assert!(log.contains(&format!("the server alone decides about the response header `{name}`")), "{log}");
    }
}

#[tokio::test]
async fn the_inspector_is_served_on_the_admin_address() {
    let (server, admin) = Serving::run_with(command(&["--admin", "127.0.0.1:0", "--inspector"]), admin).await;
    let mut client = server.join("a").await;
    client.send("increment").await;
    assert_eq!(client.text().await, "new value: 1");
    assert!(server.get_at(admin, "/_stateroom/").await.starts_with("HTTP/1.1 200"));
    let info = server.get_at(admin, "/_stateroom/api/info").await;
    assert!(info.contains(r#""rooms_path":null"#), "{info}");
    assert!(
        server.get_at(admin, "/_stateroom/api/rooms/a/test").await.contains("room.expect(ann, [\"new value: 1\"]);")
    );
    // Clients see none of it, and nothing is put into their pages.
    assert!(server.get("/_stateroom/").await.starts_with("HTTP/1.1 404"));
    let page = server.answer("GET / HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nConnection: close\r\n\r\n").await;
    assert!(!page.contains("_stateroom"), "{page}");
    // By a page of its own it changes something, by another it does not.
    let post = |origin: &str| {
        format!(
            "POST /_stateroom/api/rooms/a/restart HTTP/1.1\r\nHost: {admin}\r\nOrigin: {origin}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
    };
    assert!(server.answer_at(admin, &post(&format!("http://{admin}"))).await.starts_with("HTTP/1.1 204"));
    assert!(server.answer_at(admin, &post("http://127.0.0.1:1")).await.starts_with("HTTP/1.1 403"));
}
