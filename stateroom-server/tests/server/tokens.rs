//! Tokens: a client that reconnects with its token keeps its ID and replaces its open connection.
use stateroom_server::{Limits, Server, ShutdownPolicy};

use crate::common::TestServer;

#[tokio::test]
async fn the_same_token_gets_the_same_id_in_the_same_room() {
    let server = TestServer::tcp(Server::new()).await;
    let mut observer = server.join("a").await;
    for _ in 0..3 {
        let client = server.join("a?token=secret").await;
        assert_eq!(client.id, 2);
        observer.expect_text("joined 2").await;
        client.leave().await;
        observer.expect_text("left 2").await;
    }
    assert_eq!(server.join("a").await.id, 3);
    assert_eq!(server.join("a?token=another").await.id, 4);
    assert_eq!(server.join("a?token=secret").await.id, 2);
    assert_eq!(server.join("b?token=secret").await.id, 1, "tokens are scoped to their room");
}

#[tokio::test]
async fn a_token_is_percent_decoded_and_works_in_the_default_room() {
    let server = TestServer::tcp(Server::new()).await;
    let _first = server.join("1").await;
    let mut client = server.connect("/ws?token=a%26b&other=1").await;
    client.expect_text("joined 2").await;
    client.leave().await;
    let mut client = server.connect("/ws/1?x=y&token=a%26b").await;
    client.expect_text("joined 2").await;
}

#[tokio::test]
async fn a_token_in_the_subprotocols_is_that_of_the_query() {
    let server = TestServer::tcp(Server::new()).await;
    let _first = server.join("a").await;
    let mut client = server.join("a?token=secret").await;
    assert_eq!(client.id, 2);
    let header = [("sec-websocket-protocol", "stateroom-token, secret")];
    let (mut again, response) = server.connect_with("/ws/a", &header).await;
    assert_eq!(response.header("sec-websocket-protocol"), Some("stateroom-token"), "the token is not in the response");
    again.expect_text("joined 2").await;
    assert_eq!(client.expect_close().await.0, 4000);

    let refusal = server.expect_refusal_with("/ws/a?token=secret", &header).await;
    assert_eq!((refusal.status, refusal.body.contains("send one of them")), (400, true), "{}", refusal.body);
    let long = format!("stateroom-token, {}", "x".repeat(513));
    let refusal = server.expect_refusal_with("/ws/a", &[("sec-websocket-protocol", &long)]).await;
    assert_eq!((refusal.status, refusal.body.contains("512 bytes")), (400, true), "{}", refusal.body);
    let invalid = [("sec-websocket-protocol", "stateroom-token, a b")];
    assert_eq!(server.expect_refusal_with("/ws/a", &invalid).await.status, 400);
}

#[tokio::test]
async fn ignores_an_empty_token() {
    let server = TestServer::tcp(Server::new()).await;
    let _one = server.join("a?token=").await;
    assert_eq!(server.join("a?token=").await.id, 2);
}

#[tokio::test]
async fn replaces_an_open_connection_with_the_same_token() {
    let server = TestServer::tcp(Server::new()).await;
    let mut observer = server.join("a").await;
    let mut old = server.join("a?token=t").await;
    let mut new = server.join("a?token=t").await;
    assert_eq!((old.id, new.id), (2, 2));
    let (code, _) = old.expect_close().await;
    assert_eq!(code, 4000);
    for text in ["joined 2", "left 2", "joined 2"] {
        observer.expect_text(text).await;
    }
    assert_eq!(server.script.events("a")[2..], ["connect 2", "disconnect 2", "connect 2"]);
    observer.send_text("to 2 hello").await;
    new.expect_text("hello").await;
    new.leave().await;
    observer.expect_text("left 2").await;
    observer.send_text("all done").await;
    observer.expect_text("done").await;
}

#[tokio::test]
async fn ignores_messages_of_a_replaced_connection() {
    let server = TestServer::tcp(Server::new()).await;
    let mut old = server.join("a?token=t").await;
    let mut new = server.join("a?token=t").await;
    old.send_text("all ignored").await;
    assert_eq!(old.expect_close().await.0, 4000);
    new.send_text("all mine").await;
    new.expect_text("mine").await;
}

#[tokio::test(start_paused = true)]
async fn a_replaced_connection_does_not_end_the_room() {
    let server = TestServer::pipe(Server::new().with_shutdown_policy(ShutdownPolicy::Immediate));
    let mut old = server.join("a?token=t").await;
    let mut new = server.join("a?token=t").await;
    assert_eq!(old.expect_close().await.0, 4000);
    new.send_text("room").await;
    new.expect_text("a").await;
    assert_eq!(server.script.events("a")[..4], ["init", "connect 1", "disconnect 1", "connect 1"]);
}

#[tokio::test(start_paused = true)]
async fn a_new_room_does_not_remember_tokens_of_the_ended_one() {
    let server = TestServer::pipe(Server::new().with_shutdown_policy(ShutdownPolicy::Immediate));
    let first = server.join("a").await;
    let client = server.join("a?token=t").await;
    assert_eq!(client.id, 2);
    drop((first, client));
    server.script.wait_for_event("a", "drop", 1).await;
    assert_eq!(server.join("a?token=t").await.id, 1);
}

#[tokio::test]
async fn forgets_the_token_whose_client_left_first() {
    let server = TestServer::tcp(Server::new().with_limits(Limits::default().with_tokens(2))).await;
    let mut observer = server.join("a").await;
    let one = server.join("a?token=one").await;
    let two = server.join("a?token=two").await;
    observer.expect_text("joined 2").await;
    observer.expect_text("joined 3").await;
    two.leave().await;
    observer.expect_text("left 3").await;
    one.leave().await;
    observer.expect_text("left 2").await;
    let three = server.join("a?token=three").await;
    assert_eq!(three.id, 4);
    let one = server.join("a?token=one").await;
    assert_eq!(one.id, 2, "the token is remembered");
    assert_eq!(server.join("a?token=two").await.id, 5, "the token was forgotten");
}

#[tokio::test]
async fn never_forgets_the_token_of_a_connected_client() {
    let server = TestServer::tcp(Server::new().with_limits(Limits::default().with_tokens(1))).await;
    let mut one = server.join("a?token=one").await;
    let mut two = server.join("a?token=two").await;
    one.expect_text("joined 2").await;
    let _again = server.join("a?token=one").await;
    assert_eq!(one.expect_close().await.0, 4000);
    for text in ["left 1", "joined 1"] {
        two.expect_text(text).await;
    }
}
