//! Snapshots of the roster.
use super::*;

fn snapshot() -> RosterSnapshot {
    let mut room = TestRoom::new(RoomConfig::default());
    for (connection, token) in [(1, Some("a")), (2, None), (3, Some("c"))] {
        room.join(connection, token).unwrap();
    }
    room.run();
    room.leave(3);
    room.run_with(|_| vec![set_timer(7)]);
    room.core.snapshot()
}

#[test]
fn a_snapshot_contains_client_ids_tokens_and_the_timer() {
    let snapshot = snapshot();
    assert_eq!((snapshot.last_client, &snapshot.clients[..]), (3, &[ANN, BOB][..]));
    assert_eq!(snapshot.tokens, [("c".to_owned(), ClientId(3)), ("a".to_owned(), ANN)]);
    assert_eq!(snapshot.timer_due, Some(Timestamp::from_duration(7 * MS)));
}

#[test]
fn a_restored_room_continues_with_client_ids_tokens_and_the_timer() {
    let mut room = TestRoom { core: RoomCore::new(RoomConfig::default()), output: RecordingOutput::default() };
    room.core.restore(&snapshot());
    room.core.begin();
    assert_eq!(room.run(), ["init"], "no client is in the room");
    assert_eq!(room.join(10, Some("c")), Ok(ClientId(3)));
    assert_eq!(room.join(11, Some("a")), Ok(ANN));
    assert_eq!(room.join(12, None), Ok(ClientId(4)));
    assert_eq!(room.run(), ["connect 3", "connect 1", "connect 4"]);
    room.advance(7 * MS);
    assert!(room.fire_due_timer());
}

#[test]
#[cfg(feature = "serde")]
fn a_snapshot_round_trips_through_json() {
    let json = serde_json::to_string(&snapshot()).unwrap();
    assert_eq!(json, r#"{"last_client":3,"clients":[1,2],"tokens":[["c",3],["a",1]],"timer_due":7000000}"#);
    assert_eq!(serde_json::from_str::<RosterSnapshot>(&json).unwrap(), snapshot());
}
