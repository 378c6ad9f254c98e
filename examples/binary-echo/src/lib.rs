//! Sends back what it gets, as bytes.
use stateroom_wasm::*;

/// Remembers nothing.
#[stateroom_wasm]
#[derive(Default)]
pub struct BinaryEcho;

impl StateroomService for BinaryEcho {
    fn message(&mut self, client: ClientId, message: MessagePayload, context: &impl StateroomContext) {
        // A WebSocket has two kinds of message, and so has a payload. The bytes of a text are its UTF-8.
        let bytes = match message {
            MessagePayload::Bytes(bytes) => bytes,
            MessagePayload::Text(text) => text.into_bytes(),
        };
        context.send_message(client, bytes);
    }
}

#[cfg(test)]
mod tests {
    use stateroom::{messages::Effect, testing::TestContext};

    use super::*;

    #[test]
    fn bytes_and_texts_come_back_to_their_sender_as_bytes() {
        let context = TestContext::new("a room");
        let sender = ClientId(7);
        for (message, bytes) in [(vec![0, 159, 255].into(), vec![0, 159, 255]), ("é".into(), vec![0xc3, 0xa9])] {
            BinaryEcho.message(sender, message, &context);
            let echo = Effect::Message { recipient: sender.into(), message: MessagePayload::Bytes(bytes) };
            assert_eq!(context.take(), [echo]);
        }
    }
}
