//! A counter shared by everyone in a room.
use stateroom::{ClientId, MessagePayload, MessageRecipient, StateroomContext, StateroomService};

/// The state of one room.
#[derive(Debug, Default)]
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
    use stateroom::testing::Room;

    use super::*;

    #[test]
    fn all_clients_share_the_counter() {
        let mut room = Room::of(Counter::default);
        let (ann, bob) = (room.connect(), room.connect());
        room.send(ann, "increment");
        room.send(bob, "increment");
        room.send(bob, "double");
        room.expect(ann, ["new value: 1", "new value: 2"]);
    }
}
