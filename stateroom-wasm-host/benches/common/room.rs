//! A room of this host, driven as the server does it: one turn, filled again and again.
use std::sync::Arc;

use stateroom::{
    ClientId, MessagePayload, StateroomService, StateroomServiceFactory,
    event_batch::{EventBatch, FinishedEvents},
    messages::Event,
    testing::TestContext,
};
use stateroom_wasm_host::{WasmHost, WasmHostFactory};

/// A room.
pub(crate) struct Room {
    host: WasmHost,
    context: TestContext,
    turn: EventBatch,
    finished: FinishedEvents,
}

impl Room {
    /// A room of which the first event is done.
    pub(crate) async fn begin(factory: &WasmHostFactory) -> Self {
        let context = TestContext::new("a room");
        let host = factory.create("a room", Arc::new(context.clone())).await.unwrap();
        let mut room = Room { host, context, turn: EventBatch::default(), finished: FinishedEvents::default() };
        room.deliver([Event::Init]).await;
        room
    }

    /// Messages that have arrived together; the result is how much was asked for.
    #[allow(dead_code, reason = "an idle room is told nothing")]
    pub(crate) async fn messages(&mut self, messages: impl IntoIterator<Item = MessagePayload>) -> usize {
        self.deliver(messages.into_iter().map(|message| Event::Message { sender: ClientId(1), message })).await
    }

    async fn deliver(&mut self, events: impl IntoIterator<Item = Event>) -> usize {
        events.into_iter().for_each(|event| self.turn.push(event));
        self.host.deliver(&self.turn, &self.context).await.unwrap();
        self.turn.take_finished(&mut self.finished);
        let asked = self.finished.effects.drain(..).map(std::hint::black_box).count();
        self.finished.clear(64);
        asked
    }
}
