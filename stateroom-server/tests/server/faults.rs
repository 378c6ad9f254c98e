//! Faults: a failing service ends its own room only, and the next join starts a new one.
use stateroom_server::{RoomStrategy, Server, ShutdownPolicy};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use crate::common::{Effect, TestServer, advance};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_in_message_ends_the_room_and_the_next_join_starts_a_new_one() {
    let server = TestServer::tcp(Server::new()).await;
    let (mut one, mut two) = (server.join("a").await, server.join("a").await);
    let mut neighbor = server.join("b").await;
    one.expect_text("joined 2").await;
    one.send_text("all before").await;
    one.send_text("panic with text").await;
    for client in [&mut one, &mut two] {
        client.expect_text("before").await;
        let (code, reason) = client.expect_close().await;
        assert_eq!(code, 1011, "messages of the panicking event are not delivered");
        assert!(!reason.contains("scripted"), "the panic message is not sent to clients: {reason}");
    }
    server.script.wait_for_event("a", "drop", 1).await;
    assert_eq!(
        server.script.events("a")[1..],
        ["connect 1", "connect 2", "message 1 all before", "message 1 panic with text", "drop"]
    );
    assert_eq!(server.join("a").await.id, 1);
    neighbor.send_text("unaffected").await;
    neighbor.expect_text("unaffected").await;
    assert_eq!(server.get("/status").await.status, 200);
}

/// The messages arrive in one packet and form one batch.
#[tokio::test]
async fn handles_messages_before_a_panic_in_the_same_packet() {
    let server = TestServer::tcp(Server::new()).await;
    let mut observer = server.join("a").await;
    let frames: Vec<u8> = ["all one", "all two", "panic three", "all four"]
        .iter()
        .flat_map(|text| crate::common::frame(crate::common::TEXT, text.as_bytes()))
        .collect();
    let _stream = server.open_raw("/ws/a", &frames).await;
    for text in ["joined 2", "one", "two"] {
        observer.expect_text(text).await;
    }
    assert_eq!(observer.expect_close().await.0, 1011);
    assert!(!server.script.events("a").contains(&"message 2 all four".to_owned()));
}

#[tokio::test]
async fn closes_the_client_whose_room_fails_to_start() {
    for at in ["build", "build error", "init", "connect"] {
        let server = TestServer::tcp(Server::new()).await;
        server.script.fail_at(&[at]);
        let mut client = server.connect("/ws/a").await;
        let (code, reason) = client.expect_close().await;
        assert_eq!(code, 1011, "{at}");
        assert!(!reason.contains("scripted"), "{at}: {reason}");
        server.script.fail_at(&[]);
        assert_eq!(server.join("a").await.id, 1, "{at}");
    }
}

#[tokio::test]
async fn a_panic_in_disconnect_or_timer_ends_the_room() {
    for at in ["disconnect", "timer"] {
        let server = TestServer::tcp(Server::new()).await;
        let mut one = server.join("a").await;
        let two = server.join("a").await;
        one.expect_text("joined 2").await;
        server.script.fail_at(&[at]);
        if at == "disconnect" {
            two.drop_connection();
        } else {
            one.send_text("timer 0").await;
        }
        assert_eq!(one.expect_close().await.0, 1011, "{at}");
        server.script.fail_at(&[]);
        assert_eq!(server.join("a").await.id, 1, "{at}");
    }
}

#[tokio::test]
async fn a_panic_in_drop_affects_no_later_room() {
    let server = TestServer::tcp(Server::new().with_shutdown_policy(ShutdownPolicy::Immediate)).await;
    server.script.fail_at(&["drop"]);
    server.join("a").await.leave().await;
    server.script.wait_for_event("a", "drop", 1).await;
    let mut one = server.join("a").await;
    assert_eq!(one.id, 1);
    one.send_text("panic again").await;
    assert_eq!(one.expect_close().await.0, 1011);
    server.script.wait_for_event("a", "drop", 2).await;
    assert_eq!(server.join("a").await.id, 1);
}

#[tokio::test]
async fn an_empty_room_that_fails_can_be_joined_again() {
    let server = TestServer::tcp(Server::new().with_room_strategy(RoomStrategy::Api)).await;
    server.script.fail_at(&["init"]);
    assert_eq!(server.post("/ws/a").await.status, 200);
    server.script.wait_for_event("a", "drop", 1).await;
    server.script.fail_at(&[]);
    assert_eq!(server.join("a").await.id, 1, "the room counts as created and can be joined");
}

#[tokio::test(start_paused = true)]
async fn rejects_joins_and_requests_with_503_while_a_failed_room_backs_off() {
    let server = TestServer::pipe(Server::new());
    server.script.fail_at(&["init"]);
    let mut backoffs = Vec::new();
    let mut failures = 0;
    while backoffs.len() < 3 {
        match server.try_join("/ws/a").await {
            Some(mut client) => {
                assert_eq!(client.expect_close().await.0, 1011);
                failures += 1;
            }
            None => {
                let refused = server.expect_refusal("/ws/a").await;
                assert_eq!(refused.status, 503);
                let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
                assert!(refused.body.contains(&format!("try again in {seconds} s")), "{}", refused.body);
                for path in ["/ws/a?token=t", "/ws/a"] {
                    assert_eq!(server.expect_refusal(path).await.status, 503, "{path}");
                }
                assert_eq!(server.post("/http/a/x").await.status, 503);
                assert_eq!(server.post("/ws/a").await.status, 503);
                // Other rooms are not affected.
                server.script.fail_at(&[]);
                server.join("b").await.leave().await;
                server.script.fail_at(&["init"]);
                let start = Instant::now();
                while server.try_join("/ws/a").await.is_none() {
                    advance(0.1).await;
                    assert!(start.elapsed().as_secs() < 60);
                }
                let waited = start.elapsed().as_secs_f64();
                assert!(
                    (seconds as f64 - waited).abs() <= 1.1,
                    "`Retry-After: {seconds}`, but the backoff took {waited} s"
                );
                backoffs.push(waited);
            }
        }
    }
    assert!(failures >= 1);
    assert!(backoffs.is_sorted(), "each backoff is longer than the last: {backoffs:?}");
    server.script.fail_at(&[]);
    advance(60.0).await;
    assert_eq!(server.join("a").await.id, 1);
    let inits = server.script.events("a").len();
    assert!(inits < 20, "the room does not start during a backoff: {:?}", server.script.events("a"));
}

#[tokio::test(start_paused = true)]
async fn closes_or_rejects_clients_that_join_while_the_room_fails() {
    let server = TestServer::pipe(Server::new());
    server.script.fail_at(&["connect"]);
    let clients = futures_util::future::join_all((0..20).map(|_| server.try_join("/ws/a"))).await;
    for mut client in clients.into_iter().flatten() {
        assert_eq!(client.expect_close().await.0, 1011);
    }
}

/// One batch contains a message that makes the room fail, an effect from outside of events, and a join.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn closes_a_client_that_joins_as_the_room_fails() {
    let server = TestServer::tcp(Server::new()).await;
    let mut one = server.join("a").await;
    one.send_text("block").await;
    server.script.wait_for_event("a", "message 1 block", 1).await;
    one.send_text("panic now").await;
    one.sync().await;
    server.script.apply("a", Effect::Broadcast("outside of events".to_owned()));
    let mut two = server.connect("/ws/a").await;
    two.sync().await;
    server.script.unblock();
    assert_eq!(one.expect_close().await.0, 1011);
    assert_eq!(two.expect_close().await.0, 1011);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn closes_clients_that_send_while_the_room_fails() {
    let server = TestServer::tcp(Server::new()).await;
    let (mut one, mut two) = (server.join("a").await, server.join("a").await);
    one.expect_text("joined 2").await;
    one.send_text("block").await;
    server.script.wait_for_event("a", "message 1 block", 1).await;
    two.send_text("panic now").await;
    two.sync().await;
    for number in 0..100 {
        one.send(Message::text(format!("all {number}"))).await;
    }
    one.sync().await;
    server.script.unblock();
    assert_eq!(one.expect_close().await.0, 1011);
    assert_eq!(two.expect_close().await.0, 1011);
    assert_eq!(server.join("a").await.id, 1);
}

#[tokio::test(start_paused = true)]
async fn a_failing_room_that_is_created_repeatedly_backs_off() {
    let server = TestServer::pipe(Server::new().with_room_strategy(RoomStrategy::Api));
    server.script.fail_at(&["init"]);
    let mut starts = 0;
    for _ in 0..50 {
        let response = server.post("/ws/a").await;
        match response.status {
            200 => starts += 1,
            503 => assert!(response.header("retry-after").is_some()),
            status => panic!("unexpected status {status}"),
        }
        advance(0.01).await;
    }
    assert!(starts < 10, "the room was started {starts} times");
    server.script.fail_at(&[]);
    advance(60.0).await;
    assert_eq!(server.post("/ws/a").await.status, 200);
    assert_eq!(server.join("a").await.id, 1);
}
