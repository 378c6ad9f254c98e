//! Everybody's pointer, live. `client` draws what this service tells, and `protocol` is how they say it.
//!
//! *Invariant:* what is kept is bounded by who is here: a position for each, whatever they send.
use std::collections::{BTreeMap, BTreeSet};

use shared_cursors_protocol::{Cursor, Position, ToClient};
use stateroom_wasm::*;

/// How long moves are gathered before they are told, in milliseconds.
///
/// With 50 clients that move 60 times a second, to forward each move to each of them is 50 × 60 × 50: 150 000 messages
/// a second. Gathered, a tick is one broadcast of at most 50 positions, 409 bytes, and a second is 40 × 50: 2 000
/// messages. Only the last position of each counts, so nobody has more said about them by moving more. The clients
/// glide from batch to batch, which is smoother than whatever the network makes of single moves.
const TICK: u32 = 25;

/// How many there may be. A batch goes to all and is about all, so what is sent grows with the square of this.
const MOST_CLIENTS: usize = 250;

/// The close code for those who would be more. The page knows it: there is no use in coming back at once.
const ROOM_IS_FULL: u16 = 4429;

/// The cursors of one room.
#[stateroom_wasm]
#[derive(Debug, Default)]
pub struct Cursors {
    /// Who is here, and where: nowhere until they first move.
    here: BTreeMap<u32, Option<Position>>,
    /// Who has moved since the last batch, and is here.
    moved: BTreeSet<u32>,
    /// Whose cursors have gone since the last batch.
    left: BTreeSet<u32>,
    /// Whether the timer is set. It is not while nothing happens: an idle room costs nothing.
    ticking: bool,
}

impl Cursors {
    /// Something has changed, and will be told with all that does until the tick.
    fn changed(&mut self, context: &impl StateroomContext) {
        if !self.ticking {
            self.ticking = true;
            context.set_timer(TICK);
        }
    }

    fn batch(&self, left: Vec<u32>, moved: Vec<Cursor>) -> Vec<u8> {
        ToClient::Batch { here: self.here.len() as u32, left, moved }.encode()
    }
}

impl StateroomService for Cursors {
    fn connect(&mut self, ClientId(client): ClientId, context: &impl StateroomContext) {
        if self.here.len() >= MOST_CLIENTS {
            context.close_client(ClientId(client), ROOM_IS_FULL, "the room is full");
            return;
        }
        self.here.insert(client, None);
        context.send_message(ClientId(client), ToClient::Welcome { you: client }.encode());
        // To whom everything is news, a batch of everything.
        let cursor = |(&client, &position): (&u32, &Option<Position>)| Some(Cursor { client, position: position? });
        context.send_message(ClientId(client), self.batch(Vec::new(), self.here.iter().filter_map(cursor).collect()));
        self.changed(context);
    }

    fn message(&mut self, ClientId(client): ClientId, message: MessagePayload, context: &impl StateroomContext) {
        let Some(position) = message.bytes().and_then(Position::decode) else { return };
        // Who was one too many may still have said something before the close.
        let Some(known) = self.here.get_mut(&client) else { return };
        if known.replace(position) != Some(position) {
            self.moved.insert(client);
            self.changed(context);
        }
    }

    fn disconnect(&mut self, ClientId(client): ClientId, context: &impl StateroomContext) {
        let Some(position) = self.here.remove(&client) else { return };
        self.moved.remove(&client);
        if position.is_some() {
            self.left.insert(client);
        }
        self.changed(context);
    }

    fn timer(&mut self, context: &impl StateroomContext) {
        self.ticking = false;
        let left = std::mem::take(&mut self.left).into_iter().collect();
        let position = |client| Some(Cursor { client, position: (*self.here.get(&client)?)? });
        let moved = std::mem::take(&mut self.moved).into_iter().filter_map(position).collect();
        // One and the same message for all: who moved hears of it too, and can tell from it what the others see.
        context.send_message(MessageRecipient::Broadcast, self.batch(left, moved));
    }
}

#[cfg(test)]
mod tests;
