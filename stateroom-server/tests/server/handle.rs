//! `ServerHandle` and `RoomHandle`: sending to clients, calling services, creating and closing rooms.
use stateroom::{ClientId, MessagePayload, MessageRecipient};
use stateroom_server::{CallError, Limits, Refusal, RoomEnded, RoomStrategy, Server, ServerHandle, ShutdownPolicy};

use crate::common::{Effect, TestServer, within_timeout};

#[tokio::test(start_paused = true)]
async fn sends_to_the_clients_of_a_room() {
    let server = TestServer::pipe(Server::new());
    assert!(server.handle.room("a").await.is_none(), "looking up a room does not create it");
    let mut one = server.join("a").await;
    let mut two = server.join("a").await;
    one.expect_text("joined 2").await;
    let mut other = server.join("b").await;

    let room = server.handle.room("a").await.unwrap();
    assert_eq!((room.id(), room.connections()), ("a", 2));
    room.send(MessageRecipient::Broadcast, "to all").await.unwrap();
    room.send(ClientId(2), "to two").await.unwrap();
    room.send(MessageRecipient::EveryoneExcept(ClientId(2)), vec![7]).await.unwrap();
    one.expect_text("to all").await;
    assert_eq!(one.receive_message().await.into_data().as_ref(), [7]);
    two.expect_text("to all").await;
    two.expect_text("to two").await;
    other.send_text("nothing").await;
    other.expect_text("nothing").await;
    assert_eq!(
        server.script.events("a"),
        ["init", "connect 1", "connect 2"],
        "sends through the handle are not events of the service"
    );

    room.close_client(ClientId(1), 4321, "enough").await.unwrap();
    assert_eq!(one.expect_close().await, (4321, "enough".to_owned()));
    two.expect_text("left 1").await;
}

#[tokio::test(start_paused = true)]
async fn calls_the_service_in_order() {
    let server = TestServer::pipe(Server::new());
    let mut client = server.join("a").await;
    let room = server.handle.room("a").await.unwrap();
    client.send_text("before").await;
    client.expect_text("before").await;
    assert_eq!(room.call("echo me").await, Ok(Some(MessagePayload::from("me"))));
    client.expect_text("called echo me").await;
    assert_eq!(room.call("nothing").await, Ok(None));
    assert_eq!(server.script.events("a")[2..], ["message 1 before", "call echo me", "call nothing"]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_call_ends_the_room_and_returns_an_error() {
    let server = TestServer::pipe(Server::new());
    let mut client = server.join("a").await;
    server.script.fail_at(&["call"]);
    let room = server.handle.room("a").await.unwrap();
    let (result, (_, (code, _))) = tokio::join!(room.call("x"), client.receive_until_close());
    assert_eq!((result, code), (Err(CallError::RoomEnded(RoomEnded)), 1011));
    // The handle keeps referring to the failed room, even if a new room uses its ID.
    assert_eq!(room.call("x").await, Err(CallError::RoomEnded(RoomEnded)));
    assert_eq!(room.send(ClientId(1), "x").await, Err(RoomEnded));
    assert!(server.handle.room("a").await.is_none());
}

#[tokio::test(start_paused = true)]
async fn waits_while_the_inbox_is_full() {
    let limits = Limits::default().with_inbox_events(2);
    let server = TestServer::pipe(Server::new().with_limits(limits));
    let mut client = server.join("a").await;
    let room = server.handle.room("a").await.unwrap();
    // This task does not yield, so the room handles nothing and the inbox fills up.
    for text in ["1", "2"] {
        server.script.apply("a", Effect::Broadcast(text.to_owned()));
    }
    let mut third = Box::pin(room.send(MessageRecipient::Broadcast, "3"));
    assert!(futures_util::poll!(&mut third).is_pending());
    drop(Box::pin(room.send(MessageRecipient::Broadcast, "never sent")));
    within_timeout("space in the inbox", third).await.unwrap();
    for text in ["1", "2", "3"] {
        client.expect_text(text).await;
    }
}

#[tokio::test(start_paused = true)]
async fn closes_a_room_with_a_reason() {
    let server = TestServer::pipe(Server::new());
    let mut one = server.join("a").await;
    let room = server.handle.room("a").await.unwrap();
    let (_, (_, closed)) = tokio::join!(room.close(4001, "the game is over"), one.receive_until_close());
    assert_eq!(closed, (4001, "the game is over".to_owned()));
    // `close` completes once the service has received each `disconnect` and was dropped.
    assert_eq!(server.script.events("a"), ["init", "connect 1", "disconnect 1", "drop"]);
    assert!(server.handle.room("a").await.is_none());
    assert_eq!(server.handle.rooms().await, []);
    room.close(1000, "again").await;

    server.join("a").await;
    server.script.wait_for_event("a", "init", 2).await;
}

#[tokio::test(start_paused = true)]
async fn closes_a_room_that_was_never_joined() {
    for policy in [ShutdownPolicy::Never, ShutdownPolicy::Immediate] {
        let server = TestServer::pipe(Server::new().with_shutdown_policy(policy));
        let room = server.handle.create_room(Some("a")).await.unwrap();
        server.script.wait_for_event("a", "init", 1).await;
        within_timeout("the room to end", room.close(1012, "")).await;
        assert!(server.handle.rooms().await.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn creates_rooms_by_the_strategy() {
    async fn create(handle: &ServerHandle, id: Option<&str>) -> Result<String, Refusal> {
        handle.create_room(id).await.map(|room| room.id().to_owned())
    }
    let server = |strategy| TestServer::pipe(Server::new().with_room_strategy(strategy));

    let api = server(RoomStrategy::Api);
    assert_eq!(api.expect_refusal("/ws/a").await.status, 404);
    assert_eq!(create(&api.handle, Some("a")).await, Ok("a".to_owned()));
    assert_eq!(create(&api.handle, Some("a")).await, Err(Refusal::Exists));
    assert_eq!(create(&api.handle, None).await, Err(Refusal::CreatedByName));
    assert_eq!(create(&api.handle, Some("")).await, Err(Refusal::IdEmpty));
    assert_eq!(create(&api.handle, Some(&"x".repeat(513))).await, Err(Refusal::IdTooLong { limit: 512 }));
    let mut client = api.join("a").await;
    client.send_text("room").await;
    client.expect_text("a").await;

    let uuid = server(RoomStrategy::Uuid);
    assert_eq!(create(&uuid.handle, Some("a")).await, Err(Refusal::CreatedUnnamed));
    assert_eq!(create(&uuid.handle, None).await.unwrap().len(), 36);

    uuid.handle.shutdown().await;
    assert_eq!(create(&uuid.handle, None).await, Err(Refusal::Stopping));
}
