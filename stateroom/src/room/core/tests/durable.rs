//! Rooms that outlive their process, and events that were undone.
use super::*;
use crate::event_batch::FinishedEvents;

fn durable() -> RoomConfig {
    RoomConfig { is_durable: true, ..RoomConfig::default() }
}

impl TestRoom {
    /// Rejects the next event, and handles those after it. Returns them all.
    fn reject(&mut self) -> Vec<String> {
        let batch = self.core.pending().clone();
        let rejected = batch.next_event().unwrap();
        let mut finished = FinishedEvents::default();
        finished.reject("broken".to_owned());
        batch.finish_events(&mut finished);
        self.core.apply_finished(&mut self.output);
        [describe(&rejected)].into_iter().chain(self.run()).collect()
    }
}

#[test]
fn a_resumed_room_hears_first_that_its_clients_have_left() {
    let mut before = TestRoom::new(durable());
    for (connection, token) in [(1, Some("a")), (2, None)] {
        before.join(connection, token).unwrap();
    }
    before.run();
    let mut room = TestRoom { core: RoomCore::new(durable()), output: RecordingOutput::default() };
    room.core.resume(&before.core.snapshot());
    assert_eq!(room.join(10, Some("a")), Ok(ANN));
    assert_eq!(room.run(), ["disconnect 1", "disconnect 2", "connect 1"]);
    assert_eq!(room.take_calls(), [Output::Added(1, 10)]);
}

#[test]
fn a_durable_room_does_not_hear_that_the_server_stops() {
    let mut room = TestRoom::with_two_members(durable());
    room.core.drain();
    room.core.stop(CloseReason::Stopping);
    assert_eq!(room.run(), [""; 0]);
    assert_eq!(*room.core.phase(), Phase::Stopping(CloseReason::Stopping));
    let mut room = TestRoom::with_two_members(durable());
    room.core.stop(room_closed());
    assert_eq!(room.run(), ["shutdown", "disconnect 1", "disconnect 2"], "its end is another matter");
}

#[test]
fn a_rejected_message_closes_its_sender_only() {
    let mut room = TestRoom::with_two_members(durable());
    room.core.message(ConnectionId(1), "x".into());
    room.core.message(ConnectionId(2), "y".into());
    assert_eq!(room.reject(), ["message 1 x", "message 2 y", "disconnect 1"]);
    let bytes = MessagePayload::from("x").size();
    let handled = |client| Output::Handled(client, client.into(), bytes);
    assert_eq!(room.take_calls(), [handled(1), Output::Removed(1, 1, Some(1011)), handled(2)]);
}

#[test]
fn a_client_whose_connect_is_rejected_is_closed_and_no_member() {
    let mut room = TestRoom::new(durable());
    assert_eq!(room.join(1, Some("a")), Ok(ANN));
    assert_eq!(room.reject(), ["connect 1"]);
    assert_eq!(room.take_calls(), [Output::EgressClosed(1, "egress", 1011)]);
    assert!(room.core.is_empty());
    room.leave(1);
    assert_eq!(room.run(), [""; 0]);
    assert_eq!(room.join(2, Some("a")), Ok(ANN), "the client may try again");
}

#[test]
fn a_client_whose_disconnect_is_rejected_has_left_nevertheless() {
    let mut room = TestRoom::with_two_members(durable());
    room.leave(1);
    assert_eq!(room.reject(), ["disconnect 1"]);
    assert_eq!(room.take_calls(), [Output::Removed(1, 1, None)]);
}

#[test]
fn rejected_calls_and_requests_have_no_answer() {
    let mut room = TestRoom::new(durable());
    room.core.call("x".into(), "reply");
    room.core.request(Box::new(Request::new("GET", "/")), "response");
    assert_eq!(room.reject(), ["call", "request"]);
    assert_eq!(room.take_calls(), [Output::Responded("response", None)]);
}

#[test]
fn a_rejected_timer_fires_again_later_each_time() {
    let mut room = TestRoom::with_two_members(durable());
    room.apply(set_timer(5));
    room.advance(5 * MS);
    for seconds in [1, 2, 4, 8, 16, 30, 30] {
        assert!(room.fire_due_timer());
        assert_eq!(room.reject(), ["timer"]);
        let due = room.output.now.saturating_add(Duration::from_secs(seconds));
        assert_eq!(room.core.timer_due(), Some(due));
        room.advance(Duration::from_secs(seconds));
    }
    assert!(room.fire_due_timer());
    assert_eq!(room.run_with(|_| vec![set_timer(0)]), ["timer"]);
    room.advance(MS);
    assert!(room.fire_due_timer());
    assert_eq!(room.reject(), ["timer"]);
    let due = room.output.now.saturating_add(Duration::from_secs(1));
    assert_eq!(room.core.timer_due(), Some(due), "it has succeeded in between");
}
