//! The service: a poll per room, in native Rust. All rooms share a counter with the app.
use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use stateroom::{
    ClientId, MessagePayload, MessageRecipient, StateroomContext, StateroomService, StateroomServiceFactory,
};

/// State shared by the app and all rooms. In a real app, for example, a database connection pool.
#[derive(Debug, Default)]
pub struct Shared {
    /// Total number of votes in all rooms.
    pub votes: AtomicU64,
}

/// A room. Every message `yes` is a vote.
#[derive(Debug)]
pub struct Poll {
    shared: Arc<Shared>,
    votes: u64,
}

impl StateroomService for Poll {
    fn connect(&mut self, client: ClientId, context: &impl StateroomContext) {
        context.send_message(client, format!("votes: {}", self.votes));
    }

    fn message(&mut self, _: ClientId, message: MessagePayload, context: &impl StateroomContext) {
        if message.text() == Some("yes") {
            self.votes += 1;
            self.shared.votes.fetch_add(1, Ordering::Relaxed);
            context.send_message(MessageRecipient::Broadcast, format!("votes: {}", self.votes));
        }
    }

    /// Answers `GET /polls/{room}`.
    fn call(&mut self, question: MessagePayload, _: &impl StateroomContext) -> Option<MessagePayload> {
        (question.text() == Some("votes")).then(|| self.votes.to_string().into())
    }
}

/// Creates the rooms with the shared state.
#[derive(Debug)]
pub struct Polls {
    /// The shared state.
    pub shared: Arc<Shared>,
}

impl StateroomServiceFactory for Polls {
    type Service = Poll;
    type Error = Infallible;

    fn build(&self, _: &str, _: Arc<impl StateroomContext>) -> Result<Poll, Infallible> {
        Ok(Poll { shared: self.shared.clone(), votes: 0 })
    }
}

#[cfg(test)]
mod tests {
    use stateroom::testing::TestContext;

    use super::*;

    #[test]
    fn counts_votes_per_room_and_in_total() {
        let polls = Polls { shared: Arc::default() };
        let context = TestContext::new("a");
        let mut rooms = [(); 2].map(|()| polls.build("a", Arc::new(context.clone())).unwrap());
        for (room, message) in [(0, "yes"), (1, "yes"), (0, "no"), (0, "yes")] {
            rooms[room].message(ClientId(1), message.into(), &context);
        }
        assert_eq!(context.take_texts_for(ClientId(9)), ["votes: 1", "votes: 1", "votes: 2"]);
        assert_eq!(rooms[0].call("votes".into(), &context), Some("2".into()));
        assert_eq!(rooms[0].call("unknown".into(), &context), None);
        assert_eq!(polls.shared.votes.load(Ordering::Relaxed), 3);
    }
}
