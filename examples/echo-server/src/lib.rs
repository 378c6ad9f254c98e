//! Tells everybody who comes, what is said and who leaves.
//!
//! All that can happen in a room is here: somebody connects, says something, leaves. Each has its method.
use stateroom_wasm::*;

/// One of these serves one room. It has nothing to remember.
#[stateroom_wasm] // Makes a WebAssembly module of it.
#[derive(Default)] // How each room begins.
pub struct EchoServer;

impl StateroomService for EchoServer {
    fn connect(&mut self, client: ClientId, context: &impl StateroomContext) {
        // A client as the recipient: nobody else gets it.
        context.send_message(client, format!("User {client:?} connected."));
    }

    fn message(&mut self, client: ClientId, message: MessagePayload, context: &impl StateroomContext) {
        // A message is a text or bytes. Bytes are not for us.
        if let Some(text) = message.text() {
            context.send_message(MessageRecipient::Broadcast, format!("User {client:?} sent '{text}'"));
        }
    }

    fn disconnect(&mut self, client: ClientId, context: &impl StateroomContext) {
        // Everybody who is still there.
        context.send_message(MessageRecipient::Broadcast, format!("User {client:?} left."));
    }
}

#[cfg(test)]
mod tests {
    use stateroom::{messages::Effect, testing::TestContext};

    use super::*;

    #[test]
    fn everybody_hears_of_everybody() {
        // A context that writes down what the service asks for, instead of a server.
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
    fn bytes_are_ignored() {
        let context = TestContext::new("a room");
        EchoServer.message(ClientId(1), vec![1, 2].into(), &context);
        assert_eq!(context.take(), []);
    }

    fn to(recipient: impl Into<MessageRecipient>, text: &str) -> Effect {
        Effect::Message { recipient: recipient.into(), message: text.into() }
    }
}
