//! A poll: clients vote, and the embedding app reads the result with `call`.
use stateroom_wasm::*;

/// A room. Every message `yes` is a vote.
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

    /// Answers calls from the app. Unknown calls have no answer.
    fn call(&mut self, question: MessagePayload, _: &impl StateroomContext) -> Option<MessagePayload> {
        (question.text() == Some("votes")).then(|| self.votes.to_string().into())
    }
}

#[cfg(test)]
mod tests {
    use stateroom::testing::TestContext;

    use super::*;

    #[test]
    fn counts_votes_and_answers_calls() {
        let (mut poll, context) = (Poll::default(), TestContext::new("a room"));
        for message in ["yes", "no", "yes"] {
            poll.message(ClientId(1), message.into(), &context);
        }
        assert_eq!(context.take_texts_for(ClientId(1)), ["votes: 1", "votes: 2"]);
        poll.connect(ClientId(2), &context);
        assert_eq!(context.take_texts_for(ClientId(2)), ["votes: 2"]);
        assert_eq!(poll.call("votes".into(), &context), Some("2".into()));
        assert_eq!(poll.call("unknown".into(), &context), None);
    }
}
