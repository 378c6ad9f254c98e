//! The places for rooms: how many an address may take, how fast, and which rooms make place for new ones.
use std::time::Duration;

use stateroom_server::{Admission, Limit, Limits, RoomStrategy, Server, ShutdownPolicy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::common::{HttpResponse, TestServer, observe_limit, within_timeout};

/// Starts a server whose clients choose their addresses.
async fn server(limits: Limits) -> TestServer {
    TestServer::tcp(settings(limits)).await
}

fn settings(limits: Limits) -> Server {
    Server::new()
        .with_shutdown_policy(ShutdownPolicy::After(Duration::from_secs(300)))
        .with_admission(Admission::new().with_trusted_proxies("127.0.0.0/8".parse().unwrap()))
        .with_limits(limits)
}

async fn post_from(server: &TestServer, address: &str, path: &str) -> HttpResponse {
    let head = format!("Host: test\r\nConnection: close\r\nX-Forwarded-For: {address}\r\nContent-Length: 0");
    server.request(&format!("POST {path} HTTP/1.1\r\n{head}\r\n\r\n")).await
}

#[tokio::test]
pub(crate) async fn limits_the_rooms_of_an_address() {
    let observer = observe_limit(Limit::AddressRooms);
    let server = server(Limits::default().with_address_rooms(2)).await;
    let one = [("x-forwarded-for", "192.0.2.1")];
    let (mut client, _) = server.connect_with("/ws/a", &one).await;
    client.receive_id().await;
    let (mut other, _) = server.connect_with("/ws/b", &one).await;
    other.receive_id().await;
    let refusals = [
        post_from(&server, "192.0.2.1", "/ws/c").await,
        post_from(&server, "192.0.2.1", "/new_room").await,
        post_from(&server, "192.0.2.1", "/http/c/x").await,
        server.expect_refusal_with("/ws/c", &one).await,
    ];
    for response in refusals {
        assert_eq!((response.status, response.header("retry-after")), (429, Some("5")), "{response:?}");
    }
    // Rooms of others can be joined, and others can create rooms.
    assert_eq!(post_from(&server, "192.0.2.2", "/ws/c").await.status, 200);
    drop(server.connect_with("/ws/c", &one).await);
    // A room that has ended makes place.
    server.handle.room("b").await.unwrap().close(1000, "").await;
    assert_eq!(post_from(&server, "192.0.2.1", "/ws/d").await.status, 200);
    assert!(server.handle.create_room(Some("e")).await.is_ok(), "the program is not limited");
    observer.assert_reached();
}

#[tokio::test]
async fn an_address_at_its_limit_gives_up_its_own_empty_rooms_only() {
    let server = server(Limits::default().with_address_rooms(2)).await;
    for (address, room) in [("192.0.2.2", "x"), ("192.0.2.1", "a"), ("192.0.2.1", "b"), ("192.0.2.1", "c")] {
        assert_eq!(post_from(&server, address, &format!("/ws/{room}")).await.status, 200, "{room}");
    }
    assert!(!has_room(&server, "a").await, "the one that is empty for longest ends");
    let one = [("x-forwarded-for", "192.0.2.1")];
    let (mut client, _) = server.connect_with("/ws/d", &one).await;
    client.receive_id().await;
    assert!(!has_room(&server, "b").await);
    let (mut other, _) = server.connect_with("/ws/c", &one).await;
    other.receive_id().await;
    assert_eq!(server.expect_refusal_with("/ws/e", &one).await.status, 429, "rooms with clients do not end");
    assert!(has_room(&server, "x").await && has_room(&server, "c").await && has_room(&server, "d").await);
}

#[tokio::test]
async fn a_site_of_many_networks_is_limited_as_a_whole() {
    let server = server(Limits::default().with_address_rooms(1)).await;
    let mut created = 0;
    for number in 0..40 {
        created += usize::from(post_from(&server, &format!("2001:db8:1:{number}::1"), "/new_room").await.status == 200);
    }
    assert_eq!(created, 16);
    assert_eq!(post_from(&server, "2001:db8:2::1", "/new_room").await.status, 200);
}

/// Under a policy that keeps empty rooms for good, too.
#[tokio::test]
async fn one_connection_does_not_take_all_rooms() {
    let after = ShutdownPolicy::After(Duration::from_secs(300));
    for (policy, expected) in [(ShutdownPolicy::Never, (101, 1900)), (after, (2001, 0))] {
        let limits = Limits::public().with_rooms(1000).with_address_rooms_per_minute(0);
        let server = TestServer::tcp(settings(limits).with_shutdown_policy(policy)).await;
        let mut stream = server.open().await;
        let head = "Host: test\r\nX-Forwarded-For: 192.0.2.1\r\nContent-Length: 0";
        let requests: String = (0..2000).map(|room| format!("POST /ws/{room} HTTP/1.1\r\n{head}\r\n\r\n")).collect();
        let last = format!("GET /status HTTP/1.1\r\n{head}\r\nConnection: close\r\n\r\n");
        let (mut read, mut write) = tokio::io::split(&mut stream);
        let mut responses = String::new();
        let send = async { write.write_all((requests + &last).as_bytes()).await.unwrap() };
        let (_, received) = tokio::join!(send, within_timeout("the responses", read.read_to_string(&mut responses)));
        received.unwrap();
        let count = |status: &str| responses.matches(&format!("HTTP/1.1 {status}")).count();
        assert_eq!((count("200"), count("429")), expected);
        assert_eq!(server.handle.rooms().await.len(), 100);
        assert_eq!(post_from(&server, "192.0.2.2", "/ws/mine").await.status, 200);
    }
}

#[tokio::test]
pub(crate) async fn limits_the_rate_of_new_rooms_of_an_address() {
    let observer = observe_limit(Limit::AddressRoomsPerMinute);
    let server = server(Limits::default().with_address_rooms_per_minute(6)).await;
    let create = || post_from(&server, "192.0.2.1", "/new_room");
    for _ in 0..6 {
        assert_eq!(create().await.status, 200);
    }
    for _ in 0..100 {
        let refused = create().await;
        let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!(refused.status == 429 && (5..=10).contains(&wait), "{refused:?}");
    }
    let refused = server.expect_refusal_with("/ws/new", &[("x-forwarded-for", "192.0.2.1")]).await;
    assert_eq!(refused.status, 429);
    assert_eq!(post_from(&server, "192.0.2.2", "/new_room").await.status, 200);
    observer.assert_reached();
}

#[tokio::test]
async fn empty_rooms_make_place_for_newcomers_but_not_those_with_clients() {
    let server = server(Limits::default().with_rooms(4)).await;
    for (address, room) in [("192.0.2.1", "a"), ("192.0.2.1", "b"), ("192.0.2.1", "c"), ("192.0.2.2", "d")] {
        assert_eq!(post_from(&server, address, &format!("/ws/{room}")).await.status, 200);
    }
    let mut clients = vec![server.join("a").await];
    clients.push(server.join("e").await);
    assert!(!has_room(&server, "b").await, "of the address with most empty rooms, the oldest one ends");
    assert!(has_room(&server, "c").await && has_room(&server, "d").await);
    server.join("c").await.leave().await;
    server.script.wait_for_event("c", "disconnect 1", 1).await;
    clients.push(server.join("f").await);
    assert!(!has_room(&server, "d").await, "a room that was never joined ends before one that was");
    assert_eq!(post_from(&server, "192.0.2.3", "/http/g/x").await.status, 404, "the room exists, and does not answer");
    assert!(!has_room(&server, "c").await);
    clients.push(server.join("h").await);
    for response in [server.expect_refusal("/ws/i").await, post_from(&server, "192.0.2.3", "/new_room").await] {
        assert_eq!((response.status, response.header("retry-after")), (503, Some("5")));
    }
    for mut client in clients {
        client.send_text("ping").await;
        client.expect_text("ping").await;
    }
}

async fn has_room(server: &TestServer, room: &str) -> bool {
    server.handle.room(room).await.is_some()
}

#[tokio::test]
async fn rooms_that_last_and_rooms_of_the_program_make_no_place() {
    let limits = Limits::default().with_rooms(1);
    let lasting = TestServer::pipe(settings(limits.clone()).with_shutdown_policy(ShutdownPolicy::Never));
    assert_eq!(lasting.post("/ws/a").await.status, 200);
    assert_eq!(lasting.post("/ws/b").await.status, 503);
    let server = TestServer::pipe(settings(limits));
    server.handle.create_room(Some("a")).await.unwrap();
    assert_eq!(server.post("/ws/b").await.status, 503);
    assert!(has_room(&server, "a").await);
}

/// The room that ended for another is remembered, as if it had ended by itself.
#[tokio::test]
async fn a_room_that_made_place_can_be_joined_again() {
    let server = TestServer::pipe(settings(Limits::default().with_rooms(1)).with_room_strategy(RoomStrategy::Api));
    for _ in 0..20 {
        assert_eq!(server.post("/ws/a").await.status, 200);
        server.join("a").await.leave().await;
        assert_eq!(server.post("/ws/b").await.status, 200);
        assert_eq!(server.expect_refusal("/ws/c").await.status, 404);
        server.join("a").await.leave().await;
        server.handle.room("a").await.unwrap().close(1000, "").await;
    }
}
