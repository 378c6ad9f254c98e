//! A context that records effects, to call the methods of a service directly.
//!
//! *Invariant:* effects are recorded in the order in which they were requested, until they are taken.
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::RoomClock;
use crate::{ClientId, MessagePayload, MessageRecipient, StateroomContext, messages::Effect};

/// A context that records the effects a service requests. Clones share one record.
///
/// ```
/// use stateroom::{testing::TestContext, *};
///
/// #[derive(Default)]
/// struct Echo;
///
/// impl StateroomService for Echo {
///     fn message(&mut self, client: ClientId, message: MessagePayload, context: &impl StateroomContext) {
///         context.send_message(client, message);
///     }
/// }
///
/// let context = TestContext::new("lobby");
/// Echo.message(ClientId(1), "hello".into(), &context);
/// assert_eq!(context.take_texts_for(ClientId(1)), ["hello"]);
/// ```
#[derive(Debug, Clone, Default)]
pub struct TestContext {
    room_id: Arc<str>,
    effects: Arc<Mutex<Vec<Effect>>>,
    clock: RoomClock,
}

impl TestContext {
    /// Creates a context of the room with this ID, with an empty record.
    #[must_use]
    pub fn new(room_id: &str) -> Self {
        TestContext { room_id: room_id.into(), ..TestContext::default() }
    }

    /// Advances the time that [`now`](StateroomContext::now) returns. It begins on January 1, 2026.
    pub fn advance(&self, time: Duration) {
        self.clock.advance_to(self.clock.timestamp().saturating_add(time));
    }

    /// Takes the effects recorded since the last `take`, in order.
    #[must_use]
    pub fn take(&self) -> Vec<Effect> {
        std::mem::take(&mut *self.record())
    }

    /// Returns the text messages sent to `client` since the last `take`, directly or by broadcast.
    #[must_use]
    pub fn texts_for(&self, client: ClientId) -> Vec<String> {
        let record = self.record();
        let texts = record.iter().filter_map(|effect| match effect {
            Effect::Message { recipient, message: MessagePayload::Text(text) } if recipient.includes(client) => {
                Some(text.clone())
            }
            _ => None,
        });
        texts.collect()
    }

    /// Like [`texts_for`](Self::texts_for), and clears the record, including messages to other clients.
    #[must_use]
    pub fn take_texts_for(&self, client: ClientId) -> Vec<String> {
        let texts = self.texts_for(client);
        self.record().clear();
        texts
    }

    fn record(&self) -> MutexGuard<'_, Vec<Effect>> {
        self.effects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StateroomContext for TestContext {
    fn send_message(&self, recipient: impl Into<MessageRecipient>, message: impl Into<MessagePayload>) {
        let effect = Effect::Message { recipient: recipient.into(), message: message.into() };
        self.record().push(effect);
    }

    fn set_timer(&self, ms_delay: u32) {
        self.record().push(Effect::SetTimer { ms_delay });
    }

    fn room_id(&self) -> &str {
        &self.room_id
    }

    fn now(&self) -> Duration {
        self.clock.wall_time()
    }

    fn close_client(&self, client: ClientId, code: u16, reason: &str) {
        self.record().push(Effect::CloseClient { client, code, reason: reason.to_owned() });
    }

    fn end_room(&self) {
        self.record().push(Effect::EndRoom);
    }
}
