use testing::{Interleavings, Room, Time};

use super::*;

/// The last scene that a client got.
fn scene(room: &mut Room<Game>, client: ClientId) -> serde_json::Value {
    serde_json::from_str(&room.take_texts(client).pop().unwrap_or_default()).unwrap_or_default()
}

#[test]
fn whoever_runs_moves_by_one_each_tick_and_comes_back_on_the_other_side() {
    let mut room = Room::of(Game::default);
    let ann = room.connect();
    room.expect(ann, [r#"{"you":1}"#]);
    room.advance(100.milliseconds());
    let x = scene(&mut room, ann)["players"][0]["x"].as_i64().unwrap_or(-1);
    assert!((0..i64::from(WIDTH)).contains(&x));

    room.send(ann, "right");
    // However often it says so.
    room.send(ann, "right");
    room.advance(300.milliseconds());
    assert_eq!(room.messages(ann).len(), 1 + 4, "a scene a tick");
    assert_eq!(scene(&mut room, ann)["players"][0]["x"], (x + 3) % i64::from(WIDTH));
}

#[test]
fn whoever_gets_to_the_coin_has_a_point_and_the_coin_is_elsewhere() {
    let mut room = Room::of(Game::default);
    let ann = room.connect();
    // Along every line of the field.
    for _ in 0..HEIGHT {
        room.send(ann, "right");
        room.advance((u64::from(TICK) * WIDTH as u64).milliseconds());
        room.send(ann, "down");
        room.advance(u64::from(TICK).milliseconds());
    }
    let score = scene(&mut room, ann)["players"][0]["score"].as_u64();
    assert!(score.is_some_and(|score| score > 0), "{score:?}");
    assert_eq!(room.service().coins, room.service().players[&1].score);
}

#[test]
fn the_clock_runs_exactly_while_somebody_is_there_whoever_comes_and_goes() {
    let moves = ["up", "down", "left", "right", "rubbish"];
    Interleavings::of(Game::default).messages(moves).clients(1..=3).check(|room| {
        if !room.clients().is_empty() {
            assert!(room.timer().is_some());
        }
        for player in room.service().players.values() {
            assert!((0..WIDTH).contains(&player.place.x) && (0..HEIGHT).contains(&player.place.y));
        }
    });
}

#[test]
fn an_empty_room_rests() {
    let mut room = Room::of(Game::default);
    let ann = room.connect();
    room.disconnect(ann);
    room.advance(1.second());
    assert_eq!(room.timer(), None);
    let bob = room.connect();
    room.advance(100.milliseconds());
    assert_eq!(scene(&mut room, bob)["players"][0]["id"], 2);
}
