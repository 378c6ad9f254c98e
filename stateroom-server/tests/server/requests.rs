//! HTTP requests handled by rooms.
use std::time::Duration;

use stateroom::{
    ClientId, DefaultStateroomFactory, MessagePayload, MessageRecipient, StateroomContext, StateroomService,
    http::{Request, Response},
};
use stateroom_server::{Admission, Limit, Limits, RoomStrategy, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::ServiceExt;

use crate::common::{TestServer, observe_limit, within_timeout};

/// Stores a text. `GET /text` returns it; `PUT /text` replaces and broadcasts it.
#[derive(Default)]
struct TextStore {
    text: String,
}

impl StateroomService for TextStore {
    fn message(&mut self, _: ClientId, message: MessagePayload, _: &impl StateroomContext) {
        self.text = message.text().unwrap_or_default().to_owned();
    }

    fn request(&mut self, request: Request, context: &impl StateroomContext) -> Option<Response> {
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/text") => Some(Response::from(self.text.as_str()).with_header("cache-control", "no-store")),
            ("PUT", "/text") => {
                self.text = request.text()?.to_owned();
                context.send_message(MessageRecipient::Broadcast, self.text.as_str());
                Some(Response::new(204, ""))
            }
            (method, "/echo") => {
                let headers: Vec<&str> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
                let body = format!("{method} {} {headers:?} {:?}", request.query, request.subject);
                Some(Response::new(201, body).with_header("set-cookie", "a=b").with_header("etag", "1"))
            }
            ("GET", "/page") => Some(Response::new(200, "<p>").with_header("content-type", "text/html")),
            ("GET", "/bad") => Some(Response::new(42, "").with_header("bad name", "x")),
            ("GET", "/panic") => panic!("scripted panic"),
            _ => None,
        }
    }
}

async fn text_store_server(server: Server) -> TestServer {
    TestServer::tcp_with_factory(server, DefaultStateroomFactory::<TextStore>::default()).await
}

fn format_request(method: &str, path: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
}

#[tokio::test]
async fn a_room_responds_to_requests_and_sends_messages() {
    let server = text_store_server(Server::new()).await;
    assert_eq!(server.get("/http/a/text").await.status, 404, "a GET creates no room");
    assert!(server.handle.rooms().await.is_empty());
    let mut client = server.connect("/ws/a").await;
    client.send_text("hello").await;
    client.sync().await;
    let response = server.get("/http/a/text").await;
    assert_eq!((response.status, response.body.as_str()), (200, "hello"));
    assert_eq!(response.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(response.header("cache-control"), Some("no-store"));

    assert_eq!(server.request(&format_request("PUT", "/http/a/text", "", "from a webhook")).await.status, 204);
    client.expect_text("from a webhook").await;
    assert_eq!(server.get("/http/a/text").await.body, "from a webhook");
    for path in ["/http/a", "/http/a/", "/http/a/nothing/here"] {
        assert_eq!(server.get(path).await.status, 404, "{path}");
    }
    // A webhook may arrive before the first client.
    assert_eq!(server.request(&format_request("PUT", "/http/b/text", "", "first")).await.status, 204);
    assert_eq!(server.get("/http/b/text").await.body, "first");
}

#[tokio::test]
async fn passes_no_secrets_and_drops_set_cookie() {
    let server = text_store_server(Server::new()).await;
    let headers = "Authorization: Bearer x\r\nCookie: a=b\r\nX-Signature: 1\r\n";
    let path = "/http/a/echo?x=1&token=secret&access_token=secret&y=a%20b";
    let response = server.request(&format_request("POST", path, headers, "")).await;
    assert_eq!(response.status, 201);
    assert_eq!(response.body, r#"POST x=1&y=a%20b ["host", "content-length", "x-signature"] None"#);
    assert_eq!((response.header("set-cookie"), response.header("etag")), (None, Some("1")));
    assert_eq!(response.header("content-type"), Some("application/octet-stream"));
    assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
    let page = server.get("/http/a/page").await;
    assert_eq!((page.header("content-type"), page.body.as_str()), (Some("text/html"), "<p>"));
    assert_eq!(server.get("/http/a/bad").await.status, 500);

    let server =
        text_store_server(Server::new().with_admission(Admission::new().with_client_headers(["cookie"]))).await;
    let response = server.request(&format_request("POST", "/http/a/echo", headers, "")).await;
    assert!(response.body.contains("\"cookie\"") && !response.body.contains("authorization"), "{}", response.body);
}

#[tokio::test]
async fn rejects_requests_that_are_not_admitted() {
    let admission = Admission::new().with_origins("same-host".parse().unwrap());
    let server = text_store_server(Server::new().with_admission(admission)).await;
    let from = |origin: &str| format_request("PUT", "/http/a/text", &format!("Origin: {origin}\r\n"), "x");
    assert_eq!(server.request(&from("https://evil.test")).await.status, 403);
    assert!(server.handle.rooms().await.is_empty());
    assert_eq!(server.request(&from("https://test")).await.status, 204);

    let server = text_store_server(Server::new().with_room_strategy(RoomStrategy::Api)).await;
    assert_eq!(server.request(&format_request("PUT", "/http/a/text", "", "x")).await.status, 404);
}

#[tokio::test]
async fn responds_503_for_a_failed_room_and_the_next_request_starts_a_new_one() {
    let server = text_store_server(Server::new()).await;
    server.request(&format_request("PUT", "/http/a/text", "", "x")).await;
    let response = server.get("/http/a/panic").await;
    assert_eq!((response.status, response.header("retry-after")), (503, Some("5")));
    assert_eq!(server.request(&format_request("PUT", "/http/a/text", "", "y")).await.status, 204);
}

#[tokio::test]
async fn limits_the_rate_of_requests_by_address() {
    let observer = observe_limit(Limit::MessagesPerSecond);
    let server = text_store_server(Server::new().with_limits(Limits::default().with_messages_per_second(1))).await;
    for _ in 0..5 {
        assert_eq!(server.request(&format_request("PUT", "/http/a/text", "", "x")).await.status, 204);
    }
    for _ in 0..100 {
        let response = server.request(&format_request("PUT", "/http/a/text", "", "x")).await;
        assert_eq!((response.status, response.header("retry-after")), (429, Some("1")), "refusals are not charged");
    }
    observer.assert_reached();
}

/// A request of known length is refused before its body; one of unknown length gets back what it has paid.
#[tokio::test]
async fn limits_the_rate_of_body_bytes_by_address() {
    let observer = observe_limit(Limit::BytesPerSecond);
    let limits = Limits::default().with_bytes_per_second(10).with_messages_per_second(100);
    let server = text_store_server(Server::new().with_limits(limits)).await;
    assert_eq!(server.request(&format_request("PUT", "/http/a/text", "", &"x".repeat(45))).await.status, 204);
    let head = "PUT /http/a/text HTTP/1.1\r\nHost: test\r\nConnection: close\r\n";
    let unsent = format!("{head}Content-Length: 35\r\n\r\n");
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n23\r\n{}\r\n0\r\n\r\n", "x".repeat(35));
    for _ in 0..50 {
        for request in [&unsent, &chunked] {
            let response = server.request(request).await;
            let wait: u64 = response.header("retry-after").unwrap().parse().unwrap();
            assert!(response.status == 429 && wait <= 3, "{response:?}");
        }
    }
    observer.assert_reached();
}

/// It empties the bucket, so that the next one waits for longer.
#[tokio::test]
async fn a_body_above_the_burst_is_admitted_by_a_full_bucket() {
    let limits = Limits::default().with_bytes_per_second(10).with_messages_per_second(100);
    let head = "PUT /http/a/text HTTP/1.1\r\nHost: test\r\nConnection: close\r\n";
    let body = "x".repeat(100);
    for request in [
        format!("{head}Content-Length: 100\r\n\r\n{body}"),
        format!("{head}Transfer-Encoding: chunked\r\n\r\n64\r\n{body}\r\n0\r\n\r\n"),
    ] {
        let server = text_store_server(Server::new().with_limits(limits.clone())).await;
        assert_eq!(server.request(&request).await.status, 204);
        assert_eq!(server.request(&format_request("PUT", "/http/a/text", "", "x")).await.status, 429);
    }
}

/// Over a proxy's connections, which do not count for the address.
#[tokio::test]
async fn counts_requests_in_progress_by_the_address_behind_a_proxy() {
    let observer = observe_limit(Limit::AddressConnections);
    let server = Server::new()
        .with_admission(Admission::new().with_trusted_proxies("127.0.0.0/8".parse().unwrap()))
        .with_limits(Limits::default().with_address_connections(2));
    let server = text_store_server(server).await;
    let from =
        |address: &str| format_request("PUT", "/http/a/text", &format!("X-Forwarded-For: {address}\r\n"), "text");
    assert_eq!(server.request(&from("192.0.2.1")).await.status, 204);
    let mut slow = Vec::new();
    for _ in 0..2 {
        let mut stream = server.open().await;
        let request = from("192.0.2.1").replace("\r\n\r\ntext", "\r\nExpect: 100-continue\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        // The server asks for the body, so the request is in progress.
        let mut response = [0; 12];
        within_timeout("the go-ahead", stream.read_exact(&mut response)).await.unwrap();
        assert_eq!(&response, b"HTTP/1.1 100");
        slow.push(stream);
    }
    assert_eq!(server.request(&from("192.0.2.1")).await.status, 429);
    assert_eq!(server.request(&from("192.0.2.2")).await.status, 204);
    drop(slow);
    within_timeout("a free place", async {
        while server.request(&from("192.0.2.1")).await.status != 204 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    observer.assert_reached();
}

#[tokio::test]
async fn limits_the_size_of_a_body() {
    let observer = observe_limit(Limit::MessageBytes);
    let server = text_store_server(Server::new().with_limits(Limits::default().with_message_bytes(10))).await;
    assert_eq!(server.request(&format_request("PUT", "/http/a/text", "", "0123456789")).await.status, 204);
    assert_eq!(server.request(&format_request("PUT", "/http/a/text", "", "01234567890")).await.status, 413);
    observer.assert_reached();
}

#[tokio::test(start_paused = true)]
async fn rejects_a_body_that_does_not_arrive() {
    let observer = observe_limit(Limit::MessageTime);
    let limits = Limits::default().with_message_time(Duration::from_secs(3));
    let server = TestServer::pipe_with_factory(
        Server::new().with_limits(limits),
        DefaultStateroomFactory::<TextStore>::default(),
    );
    let mut slow = server.open().await;
    slow.write_all(&format_request("PUT", "/http/a/text", "", "0123456789").as_bytes()[..85]).await.unwrap();
    let mut response = Vec::new();
    within_timeout("a response", tokio::io::AsyncReadExt::read_to_end(&mut slow, &mut response)).await.unwrap();
    assert!(response.starts_with(b"HTTP/1.1 408"));
    observer.assert_reached();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn responds_504_for_a_busy_room() {
    let limits = Limits::default().with_request_time(Duration::from_millis(50));
    let server = TestServer::tcp(Server::new().with_limits(limits)).await;
    let mut client = server.join("a").await;
    client.send_text("block").await;
    server.script.wait_for_event("a", "message 1 block", 1).await;
    assert_eq!(server.get("/http/a/x").await.status, 504);
    server.script.unblock();
}

#[tokio::test]
async fn passes_the_same_path_from_a_nested_router() {
    let server = TestServer::pipe_with_factory(Server::new(), DefaultStateroomFactory::<TextStore>::default());
    let app = axum::Router::new().nest("/app/rooms", server.router());
    for (method, path, status) in [("PUT", "text", 204), ("GET", "text", 200), ("PUT", "nothing", 404)] {
        let request = axum::http::Request::builder().method(method).uri(format!("/app/rooms/http/a%2Fb/{path}"));
        let request = request.body(axum::body::Body::from("hello")).unwrap();
        let response = within_timeout("a response", app.clone().oneshot(request)).await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{method} {path}");
    }
    assert!(server.handle.room("a/b").await.is_some());
}
