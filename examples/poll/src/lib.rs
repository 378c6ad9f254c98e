//! A poll: clients vote, and the app around the rooms asks for the result, by `call`.
use stateroom_wasm::*;

/// A room: every message that says `yes` is a vote.
#[stateroom_wasm]
#[derive(Default)]
struct Poll {
    votes: u64,
}

impl StateroomService for Poll {
    fn connect(&mut self, client: ClientId, context: &impl StateroomContext) {
        context.send_message(client, format!("votes: {}", self.votes));
    }

    fn message(&mut self, _: ClientId, message: MessagePayload, context: &impl StateroomContext) {
        if message.text() == Some("yes") {
            self.votes += 1;
            context.send_message(MessageRecipient::Broadcast, format!("votes: {}", self.votes));
        }
    }

    /// What the app asks. A question that it does not know has no answer.
    fn call(&mut self, question: MessagePayload, _: &impl StateroomContext) -> Option<MessagePayload> {
        (question.text() == Some("votes")).then(|| self.votes.to_string().into())
    }
}

#[cfg(test)]
mod tests {
    use stateroom::testing::TestContext;

    use super::*;

    #[test]
    fn votes_are_counted_and_the_app_is_told_how_many() {
        let (mut poll, context) = (Poll::default(), TestContext::new("a room"));
        for says in ["yes", "no", "yes"] {
            poll.message(ClientId(1), says.into(), &context);
        }
        assert_eq!(context.take_texts_for(ClientId(1)), ["votes: 1", "votes: 2"]);
        poll.connect(ClientId(2), &context);
        assert_eq!(context.take_texts_for(ClientId(2)), ["votes: 2"]);
        assert_eq!(poll.call("votes".into(), &context), Some("2".into()));
        assert_eq!(poll.call("why?".into(), &context), None);
    }
}
