//! Rooms that end with their last client.
use super::*;

/// Creates a room that ends with its last client, which has left.
fn room_after_last_leave() -> TestRoom {
    let mut room = TestRoom::with_two_members(ends_with_last_client());
    room.leave(1);
    assert_eq!(room.run(), ["disconnect 1"], "another client is still there");
    room.take_calls();
    room.core.leave(ConnectionId(2), Some(CloseReason::NoCapacity));
    assert!(room.core.is_empty() && room.core.is_idle());
    room
}

#[test]
fn its_disconnect_is_not_delivered_if_the_room_ends() {
    let mut room = room_after_last_leave();
    room.core.close(&CloseReason::Stopping, &mut room.output);
    assert_eq!(room.take_calls(), [Output::Removed(2, 2, Some(1013))], "closed for its own reason");
    assert_eq!(room.run(), Vec::<String>::new());
}

#[test]
fn its_disconnect_is_delivered_if_the_room_continues() {
    let mut room = room_after_last_leave();
    assert_eq!(room.join(3, None), Ok(ClientId(3)));
    assert_eq!(room.run(), ["disconnect 2", "connect 3"]);
    assert_eq!(room.take_calls(), [Output::Removed(2, 2, Some(1013)), Output::Added(3, 3)]);

    let mut room = room_after_last_leave();
    room.core.drain();
    assert_eq!(room.run(), ["disconnect 2", "shutdown"]);
    let mut room = room_after_last_leave();
    room.core.stop(CloseReason::Stopping);
    assert_eq!(room.run(), ["disconnect 2", "shutdown"]);
}

#[test]
fn its_disconnect_is_not_delivered_to_the_next_service() {
    let mut room = room_after_last_leave();
    room.core.restart();
    room.core.end_service(&mut room.output);
    room.core.begin();
    assert_eq!(room.run(), ["init"]);
    assert_eq!(room.take_calls(), [Output::Removed(2, 2, Some(1013))]);
}

#[test]
fn its_disconnect_is_delivered_while_the_room_drains_or_stops() {
    let mut room = TestRoom::with_two_members(ends_with_last_client());
    room.core.drain();
    room.leave(1);
    room.leave(2);
    assert_eq!(room.run(), ["shutdown", "disconnect 1", "disconnect 2"]);
    let mut room = TestRoom::with_two_members(ends_with_last_client());
    room.core.stop(CloseReason::Stopping);
    assert_eq!(room.run(), ["shutdown", "disconnect 1", "disconnect 2"]);
}
