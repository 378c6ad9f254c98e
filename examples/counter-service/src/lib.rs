//! A counter shared by everyone in a room. `static/index.html` is its page.
use stateroom_wasm::*;

/// The state of one room. Every room is a separate instance with its own memory.
#[stateroom_wasm]
#[derive(Default)]
pub struct Counter {
    value: i64,
}

impl StateroomService for Counter {
    fn message(&mut self, _: ClientId, message: MessagePayload, context: &impl StateroomContext) {
        // Messages are handled one at a time, so no lock is needed.
        match message.text() {
            Some("increment") => self.value += 1,
            Some("decrement") => self.value -= 1,
            _ => return,
        }
        context.send_message(MessageRecipient::Broadcast, format!("new value: {}", self.value));
    }
}

#[cfg(test)]
mod tests {
    use testing::{Interleavings, Room};

    use super::*;

    #[test]
    fn all_clients_share_the_counter() {
        let mut room = Room::of(Counter::default);
        let (ann, bob, cleo) = (room.connect(), room.connect(), room.connect());
        for (client, message) in [(ann, "increment"), (bob, "increment"), (ann, "decrement")] {
            room.send(client, message);
        }
        // Cleo has sent nothing and receives every value.
        room.expect(cleo, ["new value: 1", "new value: 2", "new value: 1"]);
    }

    #[test]
    fn ignores_other_messages() {
        let mut room = Room::of(Counter::default);
        let ann = room.connect();
        room.send(ann, "double");
        room.send(ann, b"increment");
        room.expect_nothing(ann);
    }

    #[test]
    fn the_last_value_received_is_current() {
        Interleavings::of(Counter::default).messages(["increment", "decrement", "double"]).check(|room| {
            let value = format!("new value: {}", room.service().value);
            for client in room.clients() {
                // Only values received in this step count: a client that reconnects received its last one earlier.
                assert!(room.take_texts(client).last().is_none_or(|last| *last == value));
            }
        });
    }
}
