//! A room of this host, driven as the server drives it: one batch, reused.
use std::sync::Arc;

use stateroom::{
    ClientId, MessagePayload, StateroomService, StateroomServiceFactory,
    event_batch::{EventBatch, FinishedEvents},
    messages::Event,
    testing::TestContext,
};
use stateroom_wasm_host::{WasmHost, WasmHostFactory};

/// A room of this host.
pub(crate) struct Room {
    host: WasmHost,
    context: TestContext,
    batch: EventBatch,
    finished: FinishedEvents,
}

impl Room {
    /// Starts a room and delivers its first event.
    pub(crate) async fn begin(factory: &WasmHostFactory) -> Self {
        let context = TestContext::new("a room");
        let host = factory.create("a room", Arc::new(context.clone())).await.unwrap();
        let mut room = Room { host, context, batch: EventBatch::default(), finished: FinishedEvents::default() };
        room.deliver([Event::Init]).await;
        room
    }

    /// Delivers simultaneous messages. Returns the number of effects.
    #[allow(dead_code, reason = "an idle room receives no messages")]
    pub(crate) async fn messages(&mut self, messages: impl IntoIterator<Item = MessagePayload>) -> usize {
        self.deliver(messages.into_iter().map(|message| Event::Message { sender: ClientId(1), message })).await
    }

    async fn deliver(&mut self, events: impl IntoIterator<Item = Event>) -> usize {
        events.into_iter().for_each(|event| self.batch.push(event));
        self.host.deliver(&self.batch, &self.context).await.unwrap();
        self.batch.take_finished(&mut self.finished);
        let effects = self.finished.effects.drain(..).map(std::hint::black_box).count();
        self.finished.lengths.clear();
        effects
    }
}
