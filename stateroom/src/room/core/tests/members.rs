//! Joining, leaving, replacement and closed clients.
use super::*;

#[test]
fn a_client_is_a_member_from_connect_to_disconnect() {
    let mut room = TestRoom::new(RoomConfig::default());
    assert_eq!(room.join(1, None), Ok(ANN));
    assert_eq!((room.core.members(), room.core.is_empty()), (vec![], false), "connect has not returned");
    room.core.message(ConnectionId(1), "hello".into());
    room.leave(1);
    let events = room.run_with(|event| vec![broadcast(event.kind().label())]);
    assert_eq!(events, ["connect 1", "message 1 hello", "disconnect 1"]);
    assert_eq!(
        room.take_calls(),
        [
            Output::Added(1, 1),
            delivered("connect"),
            Output::Handled(1, 1, 5),
            delivered("message"),
            Output::Removed(1, 1, None),
            delivered("disconnect"),
        ]
    );
    let applied = [EventKind::Init, EventKind::Connect, EventKind::Message, EventKind::Disconnect];
    assert_eq!(room.output.applied, applied);
}

#[test]
fn messages_of_connections_that_have_left_are_dropped() {
    let mut room = TestRoom::with_two_members(RoomConfig::default());
    room.leave(1);
    room.core.message(ConnectionId(1), "late".into());
    assert!(!room.core.inject_message(ANN, "late".into()));
    room.leave(1);
    assert!(room.core.inject_message(BOB, "injected".into()));
    assert_eq!(room.run(), ["disconnect 1", "message 2 injected"]);
    assert_eq!(room.take_calls(), [Output::Removed(1, 1, None)], "an injected message is not acknowledged");
}

#[test]
fn a_lost_client_receives_nothing_more() {
    let mut room = TestRoom::with_two_members(RoomConfig::default());
    room.core.lose(ANN, ConnectionId(1));
    assert_eq!(room.core.members(), [BOB]);
    assert_eq!(room.run(), ["disconnect 1"]);
    assert_eq!(room.take_calls(), [], "the driver has removed it");
}

#[test]
fn a_replaced_connection_disconnects_before_the_new_one_connects() {
    let mut room = TestRoom::new(RoomConfig::default());
    assert_eq!(room.join(1, Some("t")), Ok(ANN));
    room.run();
    room.take_calls();
    assert_eq!(room.join(2, Some("t")), Ok(ANN));
    room.leave(1);
    room.core.message(ConnectionId(1), "late".into());
    room.core.message(ConnectionId(2), "hello".into());
    assert_eq!(room.run(), ["disconnect 1", "connect 1", "message 1 hello"]);
    let replaced = Output::Removed(1, 1, Some(4000));
    assert_eq!(room.take_calls(), [replaced, Output::Added(1, 2), Output::Handled(1, 2, 5)]);
    assert_eq!(room.core.connection(ANN), Some(ConnectionId(2)));
}

#[test]
fn closing_a_client_that_is_being_replaced_closes_only_the_old_connection() {
    let mut room = TestRoom::new(RoomConfig::default());
    assert_eq!(room.join(1, Some("t")), Ok(ANN));
    room.run();
    room.take_calls();
    room.core.message(ConnectionId(1), "close me".into());
    assert_eq!(room.join(2, Some("t")), Ok(ANN));
    let events = room.run_with(|event| match event {
        Event::Message { .. } => vec![close_client(ANN, 3000)],
        _ => Vec::new(),
    });
    assert_eq!(events, ["message 1 close me", "disconnect 1", "connect 1"], "one disconnect per connection");
    assert_eq!(room.take_calls(), [Output::Handled(1, 1, 8), Output::Removed(1, 1, Some(3000)), Output::Added(1, 2)]);
    assert_eq!(room.core.members(), [ANN]);
}

#[test]
fn a_client_closed_by_the_service_still_disconnects() {
    let mut room = TestRoom::with_two_members(RoomConfig::default());
    room.apply(close_client(ANN, 3000));
    room.apply(close_client(ANN, 3001));
    room.apply(broadcast("after"));
    assert_eq!(room.run(), ["disconnect 1"]);
    assert_eq!(room.take_calls(), [Output::Removed(1, 1, Some(3000)), delivered("after")]);
    room.apply(close_client(BOB, 1011));
    let replaced = Output::CloseCodeReplaced(2, 1011);
    assert_eq!(room.take_calls(), [replaced, Output::Removed(2, 2, Some(1000))], "1011 is not a service's code");
}

#[test]
fn rejects_joins_at_the_limit_and_reports_it() {
    let mut room = TestRoom::new(RoomConfig { max_connections: 2, max_tokens: 1, ..RoomConfig::default() });
    assert_eq!(room.join(1, Some("a")), Ok(ANN));
    assert_eq!(room.join(2, Some("b")), Ok(BOB));
    assert_eq!(room.take_calls(), [Output::Limit(RoomLimit::Tokens)]);
    assert_eq!(room.join(3, None), Err(CloseReason::RoomFull));
    assert_eq!(room.take_calls(), [Output::Limit(RoomLimit::Connections)]);
    assert_eq!(room.run(), ["connect 1", "connect 2"]);
}
