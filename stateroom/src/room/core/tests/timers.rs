//! The timer of the service, and the deadline of an empty room.
use super::*;

#[test]
fn the_last_timer_that_was_set_fires_once() {
    let mut room = TestRoom::new(RoomConfig::default());
    room.apply(set_timer(5));
    room.apply(set_timer(8));
    room.advance(7 * MS);
    assert!(!room.fire_due_timer());
    room.advance(MS);
    assert_eq!(room.core.next_wake(), Some(room.output.now));
    assert!(room.fire_due_timer());
    assert_eq!(room.run(), ["timer"]);
    assert_eq!((room.core.timer_due(), room.fire_due_timer()), (None, false));
}

#[test]
fn a_due_timer_waits_for_pending_events_which_may_replace_it() {
    let mut room = TestRoom::new(RoomConfig::default());
    room.apply(set_timer(5));
    room.advance(5 * MS);
    assert_eq!(room.join(1, None), Ok(ANN));
    assert!(!room.fire_due_timer(), "an event is pending");
    room.run_with(|_| vec![set_timer(1)]);
    assert!(!room.fire_due_timer(), "replaced");
    room.advance(MS);
    assert!(room.fire_due_timer());
}

#[test]
fn the_minimum_interval_delays_a_timer_and_is_reported() {
    let (min_timer_interval, min_empty_timer_interval) = (10 * MS, Duration::ZERO);
    let config = RoomConfig { min_timer_interval, min_empty_timer_interval, ..RoomConfig::default() };
    let mut room = TestRoom::new(config);
    room.apply(set_timer(0));
    assert!(room.fire_due_timer());
    assert_eq!(room.run_with(|_| vec![set_timer(3)]), ["timer"]);
    assert_eq!(room.take_calls(), [Output::Limit(RoomLimit::TimerInterval)]);
    assert_eq!(room.core.timer_due(), Some(Timestamp::from_duration(10 * MS)));
}

#[test]
fn a_timer_fired_by_hand_is_no_longer_set() {
    let mut room = TestRoom::new(RoomConfig::default());
    room.apply(set_timer(5));
    room.core.fire_timer();
    assert_eq!(room.run(), ["timer"]);
    assert_eq!(room.core.timer_due(), None);
}

#[test]
fn an_empty_room_expires_after_its_timeout() {
    let config = RoomConfig { empty_timeout: Some(5 * MS), unjoined_timeout: Some(9 * MS), ..RoomConfig::default() };
    let mut room = TestRoom::new(config);
    room.core.update_empty_deadline(&room.output);
    assert_eq!(room.core.next_wake(), Some(Timestamp::from_duration(9 * MS)), "nobody has joined yet");
    room.advance(8 * MS);
    assert_eq!(room.join(1, None), Ok(ANN));
    room.core.update_empty_deadline(&room.output);
    assert_eq!(room.core.next_wake(), None);
    room.leave(1);
    room.advance(5 * MS);
    room.core.update_empty_deadline(&room.output);
    assert!(!room.core.is_expired(&room.output), "the deadline starts when the room is empty");
    room.run();
    room.advance(5 * MS);
    assert!(room.core.is_expired(&room.output));
    room.core.call("still there?".into(), "call");
    assert!(!room.core.is_expired(&room.output), "an event is pending");
}
