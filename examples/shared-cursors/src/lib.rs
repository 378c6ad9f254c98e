//! Live cursors. `client` draws them in the browser, and `protocol` defines the messages.
//!
//! *Invariant:* the state is bounded by the number of clients: one position for each, however many messages they send.
use std::collections::{BTreeMap, BTreeSet};

use shared_cursors_protocol::{Cursor, Position, ToClient};
use stateroom_wasm::*;

/// Time between batches of moves, in milliseconds.
///
/// With 50 clients that move 60 times a second, forwarding each move to each client takes 50 × 60 × 50 = 150 000
/// messages a second. With batches, each tick is one broadcast of at most 50 positions, 409 bytes: 40 × 50 = 2 000
/// messages a second. Only the latest position of each client is sent, so moving more does not cause more traffic.
/// Clients interpolate between batches, which is smoother than forwarding individual moves.
const BATCH_INTERVAL: u32 = 25;

/// Maximum number of clients. Each batch contains all clients and goes to all clients, so traffic grows quadratically.
const MAX_CLIENTS: usize = 250;

/// Close code for clients beyond [`MAX_CLIENTS`]. The page does not reconnect after it.
const ROOM_IS_FULL: u16 = 4429;

/// The cursors of one room.
#[stateroom_wasm]
#[derive(Debug, Default)]
pub struct Cursors {
    /// The position of each connected client; `None` until it first moves.
    positions: BTreeMap<u32, Option<Position>>,
    /// Connected clients that have moved since the last batch.
    moved: BTreeSet<u32>,
    /// Clients whose cursors have been removed since the last batch.
    left: BTreeSet<u32>,
    /// Whether the timer is set. It is off while nothing changes.
    timer_set: bool,
}

impl Cursors {
    /// Schedules a batch, which will contain all changes up to the next tick.
    fn schedule_batch(&mut self, context: &impl StateroomContext) {
        if !self.timer_set {
            self.timer_set = true;
            context.set_timer(BATCH_INTERVAL);
        }
    }

    fn batch(&self, left: Vec<u32>, moved: Vec<Cursor>) -> Vec<u8> {
        ToClient::Batch { connected: self.positions.len() as u32, left, moved }.encode()
    }
}

impl StateroomService for Cursors {
    fn connect(&mut self, ClientId(client): ClientId, context: &impl StateroomContext) {
        if self.positions.len() >= MAX_CLIENTS {
            context.close_client(ClientId(client), ROOM_IS_FULL, "the room is full");
            return;
        }
        self.positions.insert(client, None);
        context.send_message(ClientId(client), ToClient::Welcome { you: client }.encode());
        // The first batch of a new client contains all cursors.
        let cursor = |(&client, &position): (&u32, &Option<Position>)| Some(Cursor { client, position: position? });
        context
            .send_message(ClientId(client), self.batch(Vec::new(), self.positions.iter().filter_map(cursor).collect()));
        self.schedule_batch(context);
    }

    fn message(&mut self, ClientId(client): ClientId, message: MessagePayload, context: &impl StateroomContext) {
        let Some(position) = message.bytes().and_then(Position::decode) else { return };
        // A rejected client may have sent messages before it was closed.
        let Some(current) = self.positions.get_mut(&client) else { return };
        if current.replace(position) != Some(position) {
            self.moved.insert(client);
            self.schedule_batch(context);
        }
    }

    fn disconnect(&mut self, ClientId(client): ClientId, context: &impl StateroomContext) {
        let Some(position) = self.positions.remove(&client) else { return };
        self.moved.remove(&client);
        if position.is_some() {
            self.left.insert(client);
        }
        self.schedule_batch(context);
    }

    fn timer(&mut self, context: &impl StateroomContext) {
        self.timer_set = false;
        let left = std::mem::take(&mut self.left).into_iter().collect();
        let position = |client| Some(Cursor { client, position: (*self.positions.get(&client)?)? });
        let moved = std::mem::take(&mut self.moved).into_iter().filter_map(position).collect();
        // The same message for all clients, including those that moved.
        context.send_message(MessageRecipient::Broadcast, self.batch(left, moved));
    }
}

#[cfg(test)]
mod tests;
