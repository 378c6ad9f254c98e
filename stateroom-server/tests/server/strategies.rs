//! Room strategies: which requests create rooms, and how IDs are generated.
use std::collections::HashSet;

use axum::{
    body::{Body, to_bytes},
    http::Request,
};
use stateroom_server::{Limits, RoomStrategy, Server, ShutdownPolicy};
use tower::ServiceExt;

use crate::common::TestServer;

fn server(strategy: &str) -> TestServer {
    TestServer::pipe(Server::new().with_room_strategy(strategy.parse().unwrap()))
}

#[tokio::test]
async fn implicit_creates_rooms_by_join_by_post_and_with_generated_ids() {
    let server = server("implicit");
    server.join("a").await;
    assert_eq!(server.post("/ws/b").await.body, "b");
    let generated = server.post("/new_room").await;
    assert_eq!(generated.status, 200);
    assert_eq!(generated.body.len(), 36, "not a UUID: `{}`", generated.body);
    server.join(&generated.body).await;
    let ids: HashSet<String> = server.handle.rooms().await.into_iter().map(|room| room.id).collect();
    assert_eq!(ids, HashSet::from(["a".to_owned(), "b".to_owned(), generated.body]));
}

#[tokio::test]
async fn api_creates_rooms_by_post() {
    let server = server("api");
    assert_eq!(server.post("/new_room").await.status, 400);
    assert_eq!(server.post("/ws/a").await.status, 200);
    assert_eq!(server.post("/ws/a").await.status, 409);
    server.join("a").await;
    assert_eq!(server.expect_refusal("/ws/b").await.status, 404);
    assert_eq!(server.post("/ws/1").await.status, 200);
    server.connect("/ws").await.expect_text("joined 1").await;
}

#[tokio::test]
async fn uuid_generates_ids() {
    let server = server("uuid");
    assert_eq!(server.post("/ws/a").await.status, 400);
    let (one, two) = (server.post("/new_room").await, server.post("/new_room").await);
    assert_eq!((one.status, two.status), (200, 200));
    assert_ne!(one.body, two.body);
    for id in [&one.body, &two.body] {
        let parts: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12], "{id}");
        assert!(id.chars().all(|letter| letter == '-' || letter.is_ascii_hexdigit()), "{id}");
        assert_eq!(server.join(id).await.id, 1);
    }
}

#[tokio::test]
async fn short_generates_ids_of_letters() {
    for (strategy, letters) in [("short", 4), ("short3", 3), ("short12", 12)] {
        let server = server(strategy);
        assert_eq!(server.post("/ws/a").await.status, 400);
        let response = server.post("/new_room").await;
        assert_eq!(response.status, 200);
        assert_eq!(response.body.len(), letters);
        assert!(response.body.bytes().all(|letter| letter.is_ascii_uppercase()), "{}", response.body);
        server.join(&response.body).await;
    }
}

#[tokio::test]
async fn short_ids_do_not_repeat_until_exhausted() {
    let limits = Limits::default().with_rooms(30_000);
    let server =
        TestServer::pipe(Server::new().with_room_strategy("short3".parse().unwrap()).with_limits(limits)).router();
    let post = async || {
        let request = Request::post("/new_room").body(Body::empty()).unwrap();
        let response = server.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        (head, String::from_utf8(to_bytes(body, 1000).await.unwrap().to_vec()).unwrap())
    };
    let mut ids = HashSet::new();
    for _ in 0..26 * 26 * 26 {
        let (head, id) = post().await;
        assert_eq!((head.status.as_u16(), id.len()), (200, 3));
        assert!(ids.insert(id));
    }
    let (head, _) = post().await;
    assert_eq!(head.status.as_u16(), 503);
    assert!(head.headers.contains_key("retry-after"));
}

#[tokio::test(start_paused = true)]
async fn a_created_room_that_ended_can_be_joined_again() {
    for (strategy, path) in [("api", "/ws/a"), ("uuid", "/new_room"), ("short", "/new_room")] {
        let strategy: RoomStrategy = strategy.parse().unwrap();
        let server = Server::new().with_room_strategy(strategy).with_shutdown_policy(ShutdownPolicy::Immediate);
        let server = TestServer::pipe(server);
        let room = server.post(path).await.body;
        for generation in 1..=3 {
            assert_eq!(server.join(&room).await.id, 1, "{strategy}, generation {generation}");
            server.script.wait_for_event(&room, "drop", generation).await;
        }
        assert_eq!(server.script.events(&room).iter().filter(|event| *event == "init").count(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn forgets_the_oldest_ended_room_at_the_limit() {
    let server = Server::new()
        .with_room_strategy(RoomStrategy::Api)
        .with_shutdown_policy(ShutdownPolicy::Immediate)
        .with_limits(Limits::default().with_remembered_rooms(2));
    let server = TestServer::pipe(server);
    for room in ["a", "b", "c"] {
        assert_eq!(server.post(&format!("/ws/{room}")).await.status, 200);
        server.join(room).await.leave().await;
        server.script.wait_for_event(room, "drop", 1).await;
    }
    assert_eq!(server.expect_refusal("/ws/a").await.status, 404);
    server.join("c").await;
    assert_eq!(server.post("/ws/a").await.status, 200, "a forgotten ID can be created again");
}
