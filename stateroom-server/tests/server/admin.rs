//! The administration routes.
use std::convert::Infallible;

use axum::{Router, body::Body, routing::get};
use serde_json::{Value, json};
use stateroom_server::{BoundServer, Server, ServerHandle};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::ServiceExt;

use crate::common::{ScriptFactory, TestServer, within_timeout};

/// Connections that are held open, in whatever way, keep no health check out.
#[tokio::test]
async fn health_checks_are_answered_while_others_hold_connections() {
    const HELD: usize = 100;
    let feed = get(async || Body::from_stream(futures_util::stream::pending::<Result<&[u8], Infallible>>()));
    let large = get(async || "x".repeat(4 << 20));
    let more = Router::new().route("/feed", feed).route("/large", large);
    let server =
        Server::new().with_ip("127.0.0.1".to_owned()).with_port(0).bind(ScriptFactory::default()).await.unwrap();
    let server = server.with_admin("127.0.0.1:0".parse().unwrap(), more).unwrap();
    let admin = TestServer::at(server.admin_addr().unwrap());
    tokio::spawn(server.run());
    let request = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let check_request = request("/healthz").replace("Host", "Connection: close\r\nHost");
    for held in ["", "GET /healthz HT", &request("/healthz"), &request("/large"), &request("/feed")] {
        let mut streams = Vec::new();
        for _ in 0..HELD {
            let mut stream = admin.open().await;
            stream.write_all(held.as_bytes()).await.unwrap();
            if held.ends_with("\r\n\r\n") {
                within_timeout("the response", stream.read_u8()).await.unwrap();
            }
            streams.push(stream);
        }
        for _ in 0..10 {
            let check = within_timeout("the health check", admin.request(&check_request)).await;
            assert_eq!((check.status, check.body.as_str()), (200, "ok\n"), "{held}");
        }
        drop(streams);
    }
}

/// Sends a request to the administration routes. Returns the status and the body.
pub(crate) async fn request(handle: &ServerHandle, method: &str, path: &str) -> (u16, String) {
    send(handle, axum::http::Request::builder().method(method).uri(path)).await
}

async fn send(handle: &ServerHandle, request: axum::http::request::Builder) -> (u16, String) {
    let request = request.body(axum::body::Body::empty()).unwrap();
    let response = within_timeout("a response", handle.admin_router().oneshot(request)).await.unwrap();
    let status = response.status().as_u16();
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test(start_paused = true)]
async fn lists_rooms_with_their_statistics() {
    let server = TestServer::pipe(Server::new());
    assert_eq!(request(&server.handle, "GET", "/rooms").await, (200, "[]".to_owned()));
    let (mut one, _two) = (server.join("b").await, server.join("b").await);
    let _other = server.join("a%20b").await;
    one.expect_text("joined 2").await;
    one.send_text("hello").await;
    one.expect_text("hello").await;
    tokio::time::advance(std::time::Duration::from_secs(5)).await;
    let (status, body) = request(&server.handle, "GET", "/rooms").await;
    let rooms: Vec<Value> = serde_json::from_str(&body).unwrap();
    assert_eq!((status, rooms.len()), (200, 2));
    assert_eq!((&rooms[0]["id"], &rooms[1]["id"]), (&json!("a b"), &json!("b")));
    // Init, two connects, a message.
    assert_eq!((&rooms[1]["connections"], &rooms[1]["events"]), (&json!(2), &json!(4)));
    assert!(rooms[1]["age_seconds"].as_f64().unwrap() >= 5.0 && rooms[1]["cpu_seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(rooms[1]["memory_bytes"], Value::Null, "unknown for native services");

    let (status, body) = request(&server.handle, "GET", "/rooms/a%20b").await;
    assert_eq!((status, serde_json::from_str::<Value>(&body).unwrap()["connections"].clone()), (200, json!(1)));
    assert_eq!(request(&server.handle, "GET", "/rooms/c").await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn names_with_slashes_are_found_and_paths_without_a_route_list_the_routes() {
    let server = TestServer::pipe(Server::new());
    let _client = server.join("team/doc").await;
    for path in ["/rooms/team/doc", "/rooms/team%2Fdoc"] {
        assert_eq!(request(&server.handle, "GET", path).await.0, 200, "{path}");
    }
    for (method, path, status) in
        [("GET", "/", 404), ("GET", "/room", 404), ("GET", "/rooms/", 404), ("PUT", "/rooms/a", 405)]
    {
        let (found, body) = request(&server.handle, method, path).await;
        assert!(found == status && body.contains("GET /rooms/ROOM"), "{method} {path}: {found} {body}");
    }
    assert_eq!(request(&server.handle, "DELETE", "/rooms/team/doc").await.0, 204);
}

#[tokio::test(start_paused = true)]
async fn deletes_a_room_and_closes_its_clients() {
    let server = TestServer::pipe(Server::new());
    let mut client = server.join("a").await;
    assert_eq!(request(&server.handle, "DELETE", "/rooms/a").await.0, 204);
    assert_eq!(client.expect_close().await, (1012, "closed by an administrator".to_owned()));
    assert!(server.handle.rooms().await.is_empty());
    assert_eq!(request(&server.handle, "DELETE", "/rooms/a").await.0, 404);

    let mut client = server.join("a").await;
    assert_eq!(request(&server.handle, "DELETE", "/rooms/a?code=4100&reason=enough%20now").await.0, 204);
    assert_eq!(client.expect_close().await, (4100, "enough now".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn rejects_changes_from_other_origins() {
    let server = TestServer::pipe(Server::new());
    let _client = server.join("a").await;
    let request = axum::http::Request::builder().method("DELETE").uri("/rooms/a").header("origin", "http://localhost");
    assert_eq!(send(&server.handle, request).await.0, 403);
    assert_eq!(server.handle.rooms().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn reports_a_stopping_server_as_healthy_but_not_ready() {
    let server = TestServer::pipe(Server::new());
    assert_eq!(request(&server.handle, "GET", "/readyz").await, (200, "ready\n".to_owned()));
    let _unresponsive = server.open_raw("/ws/a", b"").await;
    server.script.wait_for_event("a", "connect 1", 1).await;
    let handle = server.handle.clone();
    let stopping = tokio::spawn(async move { handle.shutdown().await });
    server.script.wait_for_event("a", "disconnect 1", 1).await;
    assert_eq!(request(&server.handle, "GET", "/readyz").await, (503, "stopping\n".to_owned()));
    assert_eq!(request(&server.handle, "GET", "/healthz").await, (200, "ok\n".to_owned()));
    stopping.await.unwrap();
}

const GET_EXTRA: &str = "GET /extra HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn serves_administration_on_its_own_address_only() {
    let bind = || async {
        let server = Server::new().with_ip("127.0.0.1".to_owned()).with_port(0);
        server.bind(ScriptFactory::default()).await.unwrap()
    };
    assert_eq!(BoundServer::admin_addr(&bind().await), None);
    let extra = axum::Router::new().route("/extra", axum::routing::get(async || "extra"));
    let server = bind().await.with_admin("127.0.0.1:0".parse().unwrap(), extra).unwrap();
    let (address, admin, handle) = (server.local_addr(), server.admin_addr().unwrap(), server.handle());
    let running = tokio::spawn(server.run());
    assert_eq!(TestServer::at(admin).request(GET_EXTRA).await.body, "extra");
    assert_eq!(TestServer::at(admin).request(&GET_EXTRA.replace("extra", "healthz")).await.status, 200);
    let request =
        |head: &str| format!("POST /extra HTTP/1.1\r\n{head}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    for (head, status) in [
        ("Host: 127.0.0.1:9090", 405),
        ("Host: localhost\r\nOrigin: https://evil.test", 403),
        ("Host: evil.test", 403),
        ("Host: 127.0.0.1:9090\r\nOrigin: http://127.0.0.1:9090", 405),
        ("Host: 127.0.0.1:9090\r\nOrigin: http://127.0.0.1:8080", 403),
        ("Host: [::1]:9090", 405),
    ] {
        assert_eq!(TestServer::at(admin).request(&request(head)).await.status, status, "{head}");
    }
    for path in ["/rooms", "/healthz", "/extra"] {
        assert_eq!(TestServer::at(address).get(path).await.status, 404, "{path}");
    }
    handle.shutdown().await;
    within_timeout("the server to stop", running).await.unwrap().unwrap();
}
