//! Echoes each message to its sender, as bytes.
use stateroom_wasm::*;

/// The service. It has no state.
#[stateroom_wasm]
#[derive(Default)]
pub struct BinaryEcho;

impl StateroomService for BinaryEcho {
    fn message(&mut self, client: ClientId, message: MessagePayload, context: &impl StateroomContext) {
        // Like WebSocket messages, payloads are binary or text. The bytes of a text are its UTF-8 encoding.
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
    fn echoes_bytes_and_text_as_bytes() {
        let context = TestContext::new("a room");
        let sender = ClientId(7);
        for (message, bytes) in [(vec![0, 159, 255].into(), vec![0, 159, 255]), ("é".into(), vec![0xc3, 0xa9])] {
            BinaryEcho.message(sender, message, &context);
            let echo = Effect::Message { recipient: sender.into(), message: MessagePayload::Bytes(bytes) };
            assert_eq!(context.take(), [echo]);
        }
    }
}
