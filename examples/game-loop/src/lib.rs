//! A small server-authoritative game: all players chase the same coin. `static/index.html` is its page.
//!
//! *Invariant:* the timer runs only while the room has players. Only ticks move players, so sending more messages does
//! not make a player faster.
use std::collections::BTreeMap;

use serde::Serialize;
use stateroom_wasm::*;

/// Time between ticks, in milliseconds.
const TICK_INTERVAL: u32 = 100;
/// Width of the field in cells. Players that leave it on one side reappear on the opposite side.
const WIDTH: i32 = 24;
/// Height of the field in cells.
const HEIGHT: i32 = 16;

/// The state of one room.
#[stateroom_wasm]
#[derive(Debug, Default)]
pub struct Game {
    players: BTreeMap<u32, Player>,
    coin: Cell,
    /// Number of coins collected. Seeds the position of the next coin.
    coins: u32,
}

#[derive(Debug, Default)]
struct Player {
    cell: Cell,
    /// Movement per tick.
    direction: (i32, i32),
    score: u32,
}

/// A cell of the field.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
struct Cell {
    x: i32,
    y: i32,
}

impl Cell {
    /// Returns a pseudo-random cell, determined by the seed.
    fn pseudo_random(seed: u32) -> Cell {
        let mixed = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9);
        Cell { x: (mixed >> 8) as i32 % WIDTH, y: (mixed >> 20) as i32 % HEIGHT }
    }

    fn moved(self, (x, y): (i32, i32)) -> Cell {
        Cell { x: (self.x + x).rem_euclid(WIDTH), y: (self.y + y).rem_euclid(HEIGHT) }
    }
}

/// The state broadcast on each tick.
#[derive(Serialize)]
struct Snapshot {
    players: Vec<PlayerView>,
    coin: Cell,
}

#[derive(Serialize)]
struct PlayerView {
    id: u32,
    #[serde(flatten)]
    cell: Cell,
    score: u32,
}

impl StateroomService for Game {
    fn connect(&mut self, ClientId(id): ClientId, context: &impl StateroomContext) {
        if self.players.is_empty() {
            // The timer is off while the room is empty.
            context.set_timer(TICK_INTERVAL);
        }
        self.players.insert(id, Player { cell: Cell::pseudo_random(id), ..Player::default() });
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
        // A timer fires once, so each tick sets the next one.
        context.set_timer(TICK_INTERVAL);
        for player in self.players.values_mut() {
            player.cell = player.cell.moved(player.direction);
            if player.cell == self.coin {
                player.score += 1;
                self.coins += 1;
                self.coin = Cell::pseudo_random(self.coins.wrapping_mul(31));
            }
        }
        let view = |(&id, player): (&u32, &Player)| PlayerView { id, cell: player.cell, score: player.score };
        let snapshot = Snapshot { players: self.players.iter().map(view).collect(), coin: self.coin };
        // Serializing numbers cannot fail.
        if let Ok(json) = serde_json::to_string(&snapshot) {
            context.send_message(MessageRecipient::Broadcast, json);
        }
    }
}

#[cfg(test)]
mod tests;
