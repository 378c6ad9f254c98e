//! Announces joins, messages and leaves: one method for each event of a client.
use stateroom_wasm::*;

/// The service. It has no state.
#[stateroom_wasm] // Exports it from the WebAssembly module.
#[derive(Default)] // The initial state of each room.
pub struct EchoServer;

impl StateroomService for EchoServer {
    fn connect(&mut self, client: ClientId, context: &impl StateroomContext) {
        // Sent to this client only.
        context.send_message(client, format!("User {client:?} connected."));
    }

    fn message(&mut self, client: ClientId, message: MessagePayload, context: &impl StateroomContext) {
        // A message is text or bytes. This service ignores bytes.
        if let Some(text) = message.text() {
            context.send_message(MessageRecipient::Broadcast, format!("User {client:?} sent '{text}'"));
        }
    }

    fn disconnect(&mut self, client: ClientId, context: &impl StateroomContext) {
        // Reaches the remaining clients.
        context.send_message(MessageRecipient::Broadcast, format!("User {client:?} left."));
    }
}

#[cfg(test)]
mod tests {
    use stateroom::{messages::Effect, testing::TestContext};

    use super::*;

    #[test]
    fn announces_joins_messages_and_leaves() {
        // A context that records effects, in place of a server.
        let context = TestContext::new("a room");
        let (one, two) = (ClientId(1), ClientId(2));

        EchoServer.connect(one, &context);
        assert_eq!(context.take(), [to(one, "User ClientId(1) connected.")]);

        EchoServer.message(one, "x".into(), &context);
        assert_eq!(context.take(), [to(MessageRecipient::Broadcast, "User ClientId(1) sent 'x'")]);

        EchoServer.disconnect(two, &context);
        assert_eq!(context.take(), [to(MessageRecipient::Broadcast, "User ClientId(2) left.")]);
    }

    #[test]
    fn ignores_bytes() {
        let context = TestContext::new("a room");
        EchoServer.message(ClientId(1), vec![1, 2].into(), &context);
        assert_eq!(context.take(), []);
    }

    fn to(recipient: impl Into<MessageRecipient>, text: &str) -> Effect {
        Effect::Message { recipient: recipient.into(), message: text.into() }
    }
}
