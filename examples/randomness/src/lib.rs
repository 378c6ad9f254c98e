//! Random numbers in a module. They come from the host, through the standard library.
use std::hash::{BuildHasher, RandomState};

use stateroom_wasm::*;

/// A service that greets each client with a random number.
#[stateroom_wasm]
#[derive(Default)]
pub struct Randomness;

impl StateroomService for Randomness {
    fn connect(&mut self, client: ClientId, context: &impl StateroomContext) {
        context.send_message(client, format!("User {client:?} connected. Random number: {}", random_number()));
    }

    fn message(&mut self, client: ClientId, message: MessagePayload, context: &impl StateroomContext) {
        if let Some(text) = message.text() {
            context.send_message(MessageRecipient::Broadcast, format!("User {client:?} sent '{text}'"));
        }
    }

    fn disconnect(&mut self, client: ClientId, context: &impl StateroomContext) {
        context.send_message(MessageRecipient::Broadcast, format!("User {client:?} left."));
    }
}

/// Returns a random number.
///
/// The standard library seeds each `RandomState` randomly, to protect hash maps against collision attacks, so the hash
/// of any value under a new `RandomState` is random. For other needs, crates such as `rand` also work in a module.
fn random_number() -> u32 {
    RandomState::new().hash_one(()) as u32
}

#[cfg(test)]
mod tests {
    use stateroom::testing::TestContext;

    use super::*;

    #[test]
    fn each_client_gets_its_own_number() {
        let context = TestContext::new("a room");
        let numbers = [1, 2].map(|client| {
            Randomness.connect(ClientId(client), &context);
            let greeting = context.take_texts_for(ClientId(client)).concat();
            let number = greeting.strip_prefix(&format!("User ClientId({client}) connected. Random number: "));
            number.and_then(|number| number.parse::<u32>().ok())
        });
        assert!(numbers.iter().all(Option::is_some), "{numbers:?}");
        assert_ne!(numbers[0], numbers[1]);
    }

    #[test]
    fn messages_and_leaves_are_announced() {
        let context = TestContext::new("a room");
        Randomness.message(ClientId(1), "x".into(), &context);
        Randomness.disconnect(ClientId(1), &context);
        assert_eq!(context.take_texts_for(ClientId(2)), ["User ClientId(1) sent 'x'", "User ClientId(1) left."]);
    }
}
