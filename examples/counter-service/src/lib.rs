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
    use stateroom::testing::TestContext;

    use super::*;

    #[test]
    fn everybody_counts_the_same_number() {
        let context = TestContext::new("a room");
        let mut counter = Counter::default();
        for (client, message) in
            [(1, "increment"), (2, "increment"), (1, "decrement"), (2, "decrement"), (1, "decrement")]
        {
            counter.message(ClientId(client), message.into(), &context);
        }
        // Client 3 has said nothing and hears it all.
        assert_eq!(
            context.take_texts_for(ClientId(3)),
            ["new value: 1", "new value: 2", "new value: 1", "new value: 0", "new value: -1"]
        );
    }

    #[test]
    fn other_messages_are_ignored() {
        let context = TestContext::new("a room");
        let mut counter = Counter::default();
        counter.message(ClientId(1), "double".into(), &context);
        counter.message(ClientId(1), b"increment".as_slice().into(), &context);
        assert_eq!(context.take(), []);
        assert_eq!(counter.value, 0);
    }
}
