//! A small game with a loop: everybody runs after the same coin. `static/index.html` is its page.
//!
//! *Invariant:* the clock runs exactly while somebody is there, and it alone moves anybody: whoever sends more does not run
//! faster.
use std::collections::BTreeMap;

use serde::Serialize;
use stateroom_wasm::*;

/// How long a tick is, in milliseconds.
const TICK: u32 = 100;
/// How wide the field is. Who leaves it on one side comes back on the other.
const WIDTH: i32 = 24;
/// How high it is.
const HEIGHT: i32 = 16;

/// The state of one room.
#[stateroom_wasm]
#[derive(Debug, Default)]
pub struct Game {
    players: BTreeMap<u32, Player>,
    coin: Place,
    /// How often the coin was moved, which is all the chance there is.
    coins: u32,
}

#[derive(Debug, Default)]
struct Player {
    place: Place,
    /// Where it goes each tick.
    direction: (i32, i32),
    score: u32,
}

/// A field of the field.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
struct Place {
    x: i32,
    y: i32,
}

impl Place {
    /// A place that looks like chance, and is the same whenever the number is.
    fn shuffled(number: u32) -> Place {
        let mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9);
        Place { x: (mixed >> 8) as i32 % WIDTH, y: (mixed >> 20) as i32 % HEIGHT }
    }

    fn moved(self, (x, y): (i32, i32)) -> Place {
        Place { x: (self.x + x).rem_euclid(WIDTH), y: (self.y + y).rem_euclid(HEIGHT) }
    }
}

/// What everybody is told each tick.
#[derive(Serialize)]
struct Scene {
    players: Vec<Seen>,
    coin: Place,
}

#[derive(Serialize)]
struct Seen {
    id: u32,
    #[serde(flatten)]
    place: Place,
    score: u32,
}

impl StateroomService for Game {
    fn connect(&mut self, ClientId(id): ClientId, context: &impl StateroomContext) {
        if self.players.is_empty() {
            // The clock has stood still.
            context.set_timer(TICK);
        }
        self.players.insert(id, Player { place: Place::shuffled(id), ..Player::default() });
        context.send_message(ClientId(id), format!(r#"{{"you":{id}}}"#));
    }

    fn message(&mut self, ClientId(id): ClientId, message: MessagePayload, _: &impl StateroomContext) {
        let Some(player) = self.players.get_mut(&id) else { return };
        player.direction = match message.text() {
            Some("up") => (0, -1),
            Some("down") => (0, 1),
            Some("left") => (-1, 0),
            Some("right") => (1, 0),
            _ => return,
        };
    }

    fn disconnect(&mut self, ClientId(id): ClientId, _: &impl StateroomContext) {
        self.players.remove(&id);
    }

    fn timer(&mut self, context: &impl StateroomContext) {
        if self.players.is_empty() {
            return;
        }
        // A timer fires once: this is what makes it a loop.
        context.set_timer(TICK);
        for player in self.players.values_mut() {
            player.place = player.place.moved(player.direction);
            if player.place == self.coin {
                player.score += 1;
                self.coins += 1;
                self.coin = Place::shuffled(self.coins.wrapping_mul(31));
            }
        }
        let seen = |(&id, player): (&u32, &Player)| Seen { id, place: player.place, score: player.score };
        let scene = Scene { players: self.players.iter().map(seen).collect(), coin: self.coin };
        // Numbers always become JSON.
        if let Ok(json) = serde_json::to_string(&scene) {
            context.send_message(MessageRecipient::Broadcast, json);
        }
    }
}

#[cfg(test)]
mod tests;
