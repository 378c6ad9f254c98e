//! A number that everybody in a room counts together. `static/index.html` is its page.
use stateroom_wasm::*;

/// The state of one room. Other rooms have their own, in their own memory.
#[stateroom_wasm]
#[derive(Default)]
pub struct Counter {
    value: i64,
}

impl StateroomService for Counter {
    fn message(&mut self, _: ClientId, message: MessagePayload, context: &impl StateroomContext) {
        // Messages come one at a time, whoever sends them: no lock, no lost count.
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
    fn everybody_counts_the_same_number() {
        let mut room = Room::of(Counter::default);
        let (ann, bob, cleo) = (room.connect(), room.connect(), room.connect());
        for (client, message) in [(ann, "increment"), (bob, "increment"), (ann, "decrement")] {
            room.send(client, message);
        }
        // Cleo has said nothing and hears it all.
        room.expect(cleo, ["new value: 1", "new value: 2", "new value: 1"]);
    }

    #[test]
    fn other_messages_are_ignored() {
        let mut room = Room::of(Counter::default);
        let ann = room.connect();
        room.send(ann, "double");
        room.send(ann, b"increment");
        room.expect_nothing(ann);
    }

    #[test]
    fn whoever_comes_and_goes_the_last_number_heard_is_the_value() {
        Interleavings::of(Counter::default).messages(["increment", "decrement", "double"]).check(|room| {
            let value = format!("new value: {}", room.service().value);
            for client in room.clients() {
                // By this step: who comes back heard its last number long ago.
                assert!(room.take_texts(client).last().is_none_or(|last| *last == value));
            }
        });
    }
}
