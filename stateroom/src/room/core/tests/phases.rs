//! Draining, restarting, stopping and closing a room.
use super::*;

#[test]
fn a_room_drains_and_then_stops() {
    let mut room = TestRoom::with_two_members(RoomConfig::default());
    room.core.drain();
    room.core.drain();
    assert_eq!(room.core.phase(), &Phase::Draining);
    assert_eq!(room.join(3, None), Err(CloseReason::Stopping));
    room.leave(1);
    assert_eq!(room.run(), ["shutdown", "disconnect 1"]);
    room.core.stop(CloseReason::Stopping);
    assert_eq!(room.core.phase(), &Phase::Stopping(CloseReason::Stopping));
    assert_eq!(room.run(), ["disconnect 2"], "shutdown is delivered once");
    assert_eq!(room.take_calls(), [Output::Removed(1, 1, None), Output::Removed(2, 2, Some(1012))]);
}

#[test]
fn stopping_delivers_shutdown_and_every_disconnect_and_keeps_the_first_reason() {
    let mut room = TestRoom::with_two_members(RoomConfig::default());
    room.core.stop(room_closed());
    room.core.stop(CloseReason::Stopping);
    room.core.drain();
    room.core.restart();
    assert_eq!(room.core.phase(), &Phase::Stopping(room_closed()));
    assert_eq!(room.join(3, None), Err(room_closed()));
    let events = room.run_with(|event| vec![broadcast(event.kind().label())]);
    assert_eq!(events, ["shutdown", "disconnect 1", "disconnect 2"]);
    assert_eq!(
        room.take_calls(),
        [
            delivered("shutdown"),
            Output::Removed(1, 1, Some(4000)),
            delivered("disconnect"),
            Output::Removed(2, 2, Some(4000)),
            delivered("disconnect"),
        ]
    );
}

#[test]
fn a_service_ends_its_room_after_what_it_has_sent() {
    let mut room = TestRoom::with_two_members(RoomConfig::default());
    room.core.message(ConnectionId(1), "end".into());
    room.core.message(ConnectionId(2), "earlier".into());
    let events = room.run_with(|event| match event {
        Event::Message { sender: ANN, .. } => vec![broadcast("before"), Effect::EndRoom, broadcast("after")],
        Event::Disconnect { .. } => vec![broadcast("left"), Effect::EndRoom],
        _ => vec![broadcast("handled")],
    });
    assert_eq!(events, ["message 1 end", "message 2 earlier", "disconnect 1", "disconnect 2"]);
    assert_eq!(
        room.take_calls(),
        [
            Output::Handled(1, 1, 3),
            delivered("before"),
            delivered("after"),
            Output::Handled(2, 2, 7),
            delivered("handled"),
            Output::Removed(1, 1, Some(1000)),
            delivered("left"),
            Output::Removed(2, 2, Some(1000)),
            delivered("left"),
        ]
    );
    assert_eq!(room.core.phase(), &Phase::Stopping(CloseReason::RoomEnded));
    assert_eq!(room.join(3, None), Err(CloseReason::RoomEnded));
}

#[test]
fn a_room_that_is_stopping_is_not_ended_for_another_reason() {
    let mut room = TestRoom::with_two_members(RoomConfig::default());
    room.core.stop(room_closed());
    room.apply(Effect::EndRoom);
    assert_eq!(room.core.phase(), &Phase::Stopping(room_closed()));
    assert_eq!(room.run(), ["shutdown", "disconnect 1", "disconnect 2"]);
}

#[test]
fn clients_stay_while_the_service_restarts() {
    let mut room = TestRoom::with_two_members(RoomConfig::default());
    room.apply(set_timer(10));
    room.core.restart();
    assert_eq!(room.core.phase(), &Phase::Restarting { draining: false });
    assert_eq!(room.join(3, None), Ok(ClientId(3)), "clients may join meanwhile");
    room.leave(1);
    assert_eq!(room.run(), ["connect 3", "disconnect 1"], "the previous service receives them");
    room.take_calls();

    room.core.end_service(&mut room.output);
    assert_eq!(room.core.timer_due(), None);
    room.core.begin();
    assert_eq!(room.core.phase(), &Phase::Running);
    assert_eq!(room.run(), ["init", "connect 2", "connect 3"]);
    assert_eq!(room.take_calls(), [], "their connections are untouched");
    assert_eq!(room.core.members(), [BOB, ClientId(3)]);
}

#[test]
fn the_next_service_of_a_draining_room_receives_shutdown_too() {
    let mut drained_first = TestRoom::with_two_members(RoomConfig::default());
    drained_first.core.drain();
    drained_first.core.restart();
    let mut restarted_first = TestRoom::with_two_members(RoomConfig::default());
    restarted_first.core.restart();
    restarted_first.core.drain();
    for mut room in [drained_first, restarted_first] {
        assert_eq!(room.core.phase(), &Phase::Restarting { draining: true });
        assert_eq!(room.join(3, None), Err(CloseReason::Stopping));
        assert_eq!(room.run(), ["shutdown"]);
        room.core.end_service(&mut room.output);
        room.core.begin();
        assert_eq!(room.core.phase(), &Phase::Draining);
        assert_eq!(room.run(), ["init", "connect 1", "connect 2", "shutdown"]);
        room.core.stop(CloseReason::Stopping);
        assert_eq!(room.run(), ["disconnect 1", "disconnect 2"]);
    }
}

#[test]
fn a_restart_is_superseded_by_a_stop() {
    let mut room = TestRoom::with_two_members(RoomConfig::default());
    room.core.restart();
    room.core.stop(room_closed());
    assert_eq!(room.core.phase(), &Phase::Stopping(room_closed()));
    assert_eq!(room.run(), ["shutdown", "disconnect 1", "disconnect 2"]);
}

#[test]
fn closing_a_room_closes_members_and_pending_joins_and_drops_events() {
    let mut room = TestRoom::with_two_members(RoomConfig::default());
    room.leave(2);
    assert_eq!(room.join(3, None), Ok(ClientId(3)));
    room.core.call("unanswered".into(), "call");
    room.core.close(&CloseReason::ServiceFailed("failed".to_owned()), &mut room.output);
    assert_eq!(
        room.take_calls(),
        [Output::Removed(1, 1, Some(1011)), Output::Removed(2, 2, Some(1011)), Output::EgressClosed(3, "egress", 1011),]
    );
    assert_eq!((room.run(), room.take_calls()), (vec![], vec![]));
}
