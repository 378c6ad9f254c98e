//! Paths: rooms whose names contain slashes, and the answers of paths that lead nowhere.
use std::fs;

use stateroom::{
    DefaultStateroomFactory, StateroomContext, StateroomService,
    http::{Request, Response},
};
use stateroom_server::{RoomStrategy, Server};

use crate::common::TestServer;

#[tokio::test]
async fn names_with_slashes_are_joined_as_they_are_written_or_encoded() {
    let server = TestServer::tcp(Server::new()).await;
    for (path, room) in [
        ("a/", "a/"),
        ("a%2F", "a/"),
        ("a%2f", "a/"),
        ("team/doc", "team/doc"),
        ("team%2Fdoc", "team/doc"),
        ("team/doc/", "team/doc/"),
        ("/a", "/a"),
        ("%2Fa", "/a"),
        ("/", "/"),
        ("%2F", "/"),
        ("a//b", "a//b"),
        ("a/../b", "a/../b"),
        ("a%20b/%C3%A9", "a b/é"),
        ("100%25", "100%"),
        ("a+b", "a+b"),
        ("{room}", "{room}"),
        ("*", "*"),
        ("a/b?token=t", "a/b"),
    ] {
        let mut client = server.join(path).await;
        client.send_text("room").await;
        client.expect_text(room).await;
        client.leave().await;
    }
}

#[tokio::test]
async fn a_name_is_the_same_however_its_slashes_are_written() {
    let server = TestServer::tcp(Server::new()).await;
    let response = server.post("/ws/team/doc").await;
    assert_eq!((response.status, response.body.as_str()), (200, "team/doc"));
    assert_eq!(server.post("/ws/team%2Fdoc").await.status, 409);
    let (mut one, _two) = (server.join("team/doc").await, server.join("team%2Fdoc").await);
    one.expect_text("joined 2").await;
    assert_eq!(server.handle.rooms().await.len(), 1);
}

#[tokio::test]
async fn rejects_names_that_cannot_be_decoded() {
    let server = TestServer::tcp(Server::new()).await;
    for path in ["/ws/%FF", "/ws/a/%C3", "/http/%FF/x", "/http/%FF", "/http/%C3%28/"] {
        for response in [server.get(path).await, server.post(path).await] {
            assert_eq!(response.status, 400, "{path}");
            assert!(response.body.contains("UTF-8"), "{path}: {}", response.body);
        }
    }
    for path in ["/ws/%", "/ws/100%", "/ws/a%2", "/ws/%zz", "/ws/%%41", "/http/100%/x", "/http/%2x/"] {
        for response in [server.get(path).await, server.post(path).await] {
            assert_eq!(response.status, 400, "{path}");
            assert!(response.body.contains("`%25`"), "{path}: {}", response.body);
        }
    }
    assert!(server.handle.rooms().await.is_empty());
}

/// Names the room and the path of a request.
#[derive(Default)]
struct Paths;

impl StateroomService for Paths {
    fn request(&mut self, request: Request, context: &impl StateroomContext) -> Option<Response> {
        let answered = !request.path.ends_with("nothing");
        answered.then(|| Response::from(format!("{} {}", context.room_id(), request.path)))
    }
}

#[tokio::test]
async fn requests_name_the_room_in_one_segment() {
    let server = TestServer::tcp_with_factory(Server::new(), DefaultStateroomFactory::<Paths>::default()).await;
    for (path, answer) in [
        ("/http/team%2Fdoc/text", "team/doc /text"),
        ("/http/team/doc/text", "team /doc/text"),
        ("/http/a", "a /"),
        ("/http/a/", "a /"),
        ("/http/a//b", "a //b"),
        ("/http/a/b%2Fc%20d/", "a /b%2Fc%20d/"),
        ("/http/a/100%", "a /100%"),
    ] {
        assert_eq!(server.post(path).await.body, answer, "{path}");
    }
    for path in ["/http/other/doc/text", "/http/a/doc/nothing"] {
        let response = server.get(path).await;
        assert_eq!(response.status, 404, "{path}");
        assert!(response.body.contains("`%2F`"), "{path}: {}", response.body);
    }
    assert_eq!(server.post("/http//a").await.status, 400, "an empty name");
    for path in ["/http", "/http/"] {
        let response = server.post(path).await;
        assert_eq!(response.status, 404, "{path}");
        assert!(response.body.contains("/http/ROOM/"), "{path}: {}", response.body);
    }
}

#[tokio::test]
async fn every_404_says_what_there_is() {
    let files = tempfile::tempdir().unwrap();
    fs::write(files.path().join("index.html"), "the page").unwrap();
    let path = Some(files.path().to_str().unwrap().to_owned());
    let with_files = Server::new().with_static_path(path.clone()).with_client_path(path);
    for (server, has_files) in [(Server::new(), false), (with_files, true)] {
        let server = TestServer::tcp(server).await;
        for path in ["/nothing", "/ws/", "/wsx/a", "/http/", "/client/x.js", "/ws2", "/new_room/", "/status/x"] {
            let response = server.get(path).await;
            assert_eq!(response.status, 404, "{path}");
            assert_eq!(response.header("content-type"), Some("text/plain; charset=utf-8"), "{path}");
            assert_eq!(response.header("cache-control"), Some("no-store"), "{path}");
            for route in ["GET /ws/ROOM", "POST /ws/ROOM", "POST /new_room", "/http/ROOM/PATH", "GET /status"] {
                assert!(response.body.contains(route), "{path}: {}", response.body);
            }
            assert_eq!(response.body.contains("static files"), has_files, "{path}: {}", response.body);
        }
        for (path, allow) in
            [("/new_room", "post"), ("/status", "get,head"), ("/ws/a", "get,head,post"), ("/ws", "get,head")]
        {
            let request = format!("DELETE {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            let response = server.request(&request).await;
            assert_eq!((response.status, response.header("allow")), (405, Some(allow)), "{path}");
            assert!(response.body.contains("/http/ROOM/PATH"), "{path}: {}", response.body);
            assert_eq!(response.header("cache-control"), Some("no-store"), "{path}");
        }
        if has_files {
            let response = server.post("/index.html").await;
            assert_eq!((response.status, response.body.contains("GET /FILE")), (405, true), "{response:?}");
        }
        let head = server.request("HEAD /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
        assert_eq!((head.status, head.body.as_str()), (404, ""));
    }
}

#[tokio::test]
async fn a_404_names_the_ways_of_the_strategy() {
    for (strategy, in_text, not_in_text) in [
        ("implicit", "POST /ws/ROOM", "nothing else"),
        ("api", "POST /ws/ROOM", "POST /new_room"),
        ("uuid", "POST /new_room", "POST /ws/ROOM"),
        ("short", "POST /new_room", "POST /ws/ROOM"),
    ] {
        let strategy: RoomStrategy = strategy.parse().unwrap();
        let server = TestServer::tcp(Server::new().with_room_strategy(strategy)).await;
        for path in ["/nothing", "/http/nothing/x"] {
            let text = server.get(path).await.body;
            assert!(text.contains(in_text) && !text.contains(not_in_text), "{strategy}: {text}");
        }
    }
}

#[tokio::test]
async fn an_app_keeps_its_own_404() {
    use tower::ServiceExt;

    let server = TestServer::pipe(Server::new());
    let apps = [
        axum::Router::new().nest("/rooms", server.router()).fallback(async || "the app's"),
        axum::Router::new().fallback(async || "the app's").merge(server.router()),
    ];
    for (app, path) in apps.into_iter().zip(["/rooms/nothing", "/nothing"]) {
        let request = axum::http::Request::builder().uri(path).body(axum::body::Body::empty()).unwrap();
        let response = app.oneshot(request).await.unwrap();
        let body = axum::body::to_bytes(response.into_body(), 1000).await.unwrap();
        assert_eq!(body, "the app's", "{path}");
    }
}
