use testing::{Interleavings, Room, Time};

use super::*;

/// Returns the last snapshot that a client received.
fn snapshot(room: &mut Room<Game>, client: ClientId) -> serde_json::Value {
    serde_json::from_str(&room.take_texts(client).pop().unwrap_or_default()).unwrap_or_default()
}

#[test]
fn players_move_one_cell_per_tick_and_wrap_around() {
    let mut room = Room::of(Game::default);
    let ann = room.connect();
    room.expect(ann, [r#"{"you":1}"#]);
    room.advance(100.milliseconds());
    let x = snapshot(&mut room, ann)["players"][0]["x"].as_i64().unwrap_or(-1);
    assert!((0..i64::from(WIDTH)).contains(&x));

    room.send(ann, "right");
    // Repeating the direction does not make the player faster.
    room.send(ann, "right");
    room.advance(300.milliseconds());
    assert_eq!(room.messages(ann).len(), 1 + 4, "one snapshot per tick");
    assert_eq!(snapshot(&mut room, ann)["players"][0]["x"], (x + 3) % i64::from(WIDTH));
}

#[test]
fn reaching_the_coin_scores_and_moves_it() {
    let mut room = Room::of(Game::default);
    let ann = room.connect();
    // Visits every row of the field.
    for _ in 0..HEIGHT {
        room.send(ann, "right");
        room.advance((u64::from(TICK_INTERVAL) * WIDTH as u64).milliseconds());
        room.send(ann, "down");
        room.advance(u64::from(TICK_INTERVAL).milliseconds());
    }
    let score = snapshot(&mut room, ann)["players"][0]["score"].as_u64();
    assert!(score.is_some_and(|score| score > 0), "{score:?}");
    assert_eq!(room.service().coins, room.service().players[&1].score);
}

#[test]
fn the_timer_is_set_while_the_room_has_players() {
    let moves = ["up", "down", "left", "right", "invalid"];
    Interleavings::of(Game::default).messages(moves).clients(1..=3).check(|room| {
        if !room.clients().is_empty() {
            assert!(room.timer().is_some());
        }
        for player in room.service().players.values() {
            assert!((0..WIDTH).contains(&player.cell.x) && (0..HEIGHT).contains(&player.cell.y));
        }
    });
}

#[test]
fn an_empty_room_has_no_timer() {
    let mut room = Room::of(Game::default);
    let ann = room.connect();
    room.disconnect(ann);
    room.advance(1.second());
    assert_eq!(room.timer(), None);
    let bob = room.connect();
    room.advance(100.milliseconds());
    assert_eq!(snapshot(&mut room, bob)["players"][0]["id"], 2);
}
