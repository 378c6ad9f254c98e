//! Shutdown policies: when an empty room ends.
use std::time::Duration;

use stateroom::MessageRecipient;
use stateroom_server::{RoomStrategy, Server, ShutdownPolicy};
use tokio::{io::AsyncReadExt, time::Instant};

use crate::common::{CLOSE, Effect, TestServer, advance, frame, within_timeout};

fn server(policy: &str) -> TestServer {
    TestServer::pipe(Server::new().with_shutdown_policy(policy.parse().unwrap()))
}

/// Returns the seconds until an event happens in room `a`.
async fn seconds_until(server: &TestServer, event: &str) -> f64 {
    let start = Instant::now();
    let mut waited = 0;
    while !server.script.events("a").iter().any(|recorded| recorded == event) {
        waited += 1;
        assert!(waited < 10_000, "timed out waiting for `{event}`");
        advance(0.1).await;
    }
    start.elapsed().as_secs_f64()
}

#[tokio::test(start_paused = true)]
async fn never_keeps_an_empty_room_alive() {
    let server = TestServer::pipe(Server::new());
    server.join("a").await.leave().await;
    advance(7.0 * 86_400.0).await;
    assert_eq!(server.join("a").await.id, 2);
    assert_eq!(server.script.events("a"), ["init", "connect 1", "disconnect 1", "connect 2"]);
}

#[tokio::test(start_paused = true)]
async fn immediate_ends_with_the_last_client_without_its_disconnect() {
    let server = server("immediate");
    let one = server.join("a").await;
    let mut two = server.join("a").await;
    one.leave().await;
    two.expect_text("left 1").await;
    two.leave().await;
    assert!(seconds_until(&server, "drop").await < 0.2);
    assert_eq!(server.script.events("a"), ["init", "connect 1", "connect 2", "disconnect 1", "drop"]);
    assert_eq!(server.join("a").await.id, 1, "a new room");
}

#[tokio::test(start_paused = true)]
async fn immediate_applies_to_dropped_and_closed_clients() {
    for room in 0..2 {
        let server = server("immediate");
        let mut client = server.join("a").await;
        if room == 0 {
            client.drop_connection();
        } else {
            client.send_text("close 1 3000 enough").await;
            assert_eq!(client.expect_close().await, (3000, "enough".to_owned()));
        }
        assert!(seconds_until(&server, "drop").await < 0.2);
        assert!(!server.script.events("a").contains(&"disconnect 1".to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn delivers_messages_of_a_client_that_left() {
    let server = server("immediate");
    let mut client = server.join("a").await;
    client.send_text("something").await;
    client.send_text("something else").await;
    client.drop_connection();
    seconds_until(&server, "drop").await;
    let events = server.script.events("a");
    assert_eq!(events, ["init", "connect 1", "message 1 something", "message 1 something else", "drop"]);
}

#[tokio::test(start_paused = true)]
async fn after_ends_an_empty_room_after_its_delay() {
    let server = server("10sec");
    server.join("a").await.leave().await;
    let seconds = seconds_until(&server, "drop").await;
    assert!((9.9..10.2).contains(&seconds), "{seconds} s");
    assert_eq!(server.script.events("a"), ["init", "connect 1", "disconnect 1", "drop"]);
    assert!(server.handle.rooms().await.is_empty());
    assert_eq!(server.join("a").await.id, 1, "a new room");
}

#[tokio::test(start_paused = true)]
async fn a_join_before_the_deadline_keeps_the_room() {
    let server = server("10sec");
    for id in 1..=5 {
        let client = server.join("a").await;
        assert_eq!(client.id, id);
        advance(60.0).await;
        client.leave().await;
        advance(9.0).await;
    }
    let seconds = seconds_until(&server, "drop").await;
    assert!((0.8..1.3).contains(&seconds), "{seconds} s");
}

#[tokio::test(start_paused = true)]
async fn a_short_join_restarts_the_deadline() {
    let server = server("10sec");
    server.join("a").await.leave().await;
    advance(9.0).await;
    // Joins and leaves in one packet.
    let mut brief = server.open_raw("/ws/a", &frame(CLOSE, b"")).await;
    within_timeout("the connection to end", brief.read_to_end(&mut Vec::new())).await.unwrap();
    let seconds = seconds_until(&server, "drop").await;
    assert!((9.8..10.2).contains(&seconds), "{seconds} s");
}

#[tokio::test(start_paused = true)]
async fn a_room_that_was_never_joined_ends_after_its_delay() {
    for (policy, least) in [(ShutdownPolicy::Immediate, 60.0), (ShutdownPolicy::After(Duration::from_secs(10)), 10.0)] {
        let server = Server::new().with_room_strategy(RoomStrategy::Api).with_shutdown_policy(policy);
        let server = TestServer::pipe(server);
        assert_eq!(server.post("/ws/a").await.status, 200);
        let seconds = seconds_until(&server, "drop").await;
        assert!((least - 0.1..least + 0.2).contains(&seconds), "{policy}: {seconds} s");
        assert_eq!(server.script.events("a"), ["init", "drop"]);
    }
}

#[tokio::test(start_paused = true)]
async fn immediate_ends_a_created_room_after_its_first_client() {
    let server = Server::new().with_shutdown_policy(ShutdownPolicy::Immediate);
    let server = TestServer::pipe(server);
    server.post("/ws/a").await;
    advance(30.0).await;
    let _brief = server.open_raw("/ws/a", &frame(CLOSE, b"")).await;
    assert!(seconds_until(&server, "drop").await < 0.2);
}

#[tokio::test(start_paused = true)]
async fn a_timer_does_not_keep_an_empty_room() {
    let server = server("10sec");
    let mut client = server.join("a").await;
    client.send_text("timer 60000").await;
    client.sync().await;
    client.leave().await;
    let seconds = seconds_until(&server, "drop").await;
    assert!((9.9..10.2).contains(&seconds), "{seconds} s");
    advance(100.0).await;
    assert!(!server.script.events("a").contains(&"timer".to_owned()));
}

/// Two slow clients are closed at the same moment, which leaves the room empty: only the last `disconnect` is omitted.
#[tokio::test(start_paused = true)]
async fn delivers_all_but_the_last_disconnect_of_slow_clients() {
    for (policy, delivered) in [("immediate", 1), ("0sec", 2)] {
        let server =
            Server::new().with_shutdown_policy(policy.parse().unwrap()).with_limits(TestServer::small_queues());
        let server = TestServer::pipe(server);
        let (mut one, mut two) = (server.join("a").await, server.join("a").await);
        one.expect_text("joined 2").await;
        server.overfill("a", MessageRecipient::Broadcast).await;
        // Closes both clients, neither of which reads, at once.
        server.script.apply("a", Effect::Broadcast("more".to_owned()));
        server.script.wait_for_event("a", "drop", 1).await;
        let events = server.script.events("a");
        assert_eq!(
            events.iter().filter(|event| event.starts_with("disconnect")).count(),
            delivered,
            "{policy}: {events:?}"
        );
        one.receive_until_close().await;
        two.receive_until_close().await;
    }
}
