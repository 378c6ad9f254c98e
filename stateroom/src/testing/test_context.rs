//! A context that records, to call a service's methods one by one.
//!
//! *Invariant:* what was asked for is in the record, in order, until it is taken.
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{ClientId, MessagePayload, MessageRecipient, StateroomContext, messages::Effect};

/// A context that records what a service asks for. Clones share one record.
#[derive(Debug, Clone, Default)]
pub struct TestContext {
    room_id: Arc<str>,
    effects: Arc<Mutex<Vec<Effect>>>,
}

impl TestContext {
    /// A context of a room with this id, with nothing recorded.
    #[must_use]
    pub fn new(room_id: &str) -> Self {
        TestContext { room_id: room_id.into(), effects: Arc::default() }
    }

    /// What was asked for since the last `take`, in order.
    #[must_use]
    pub fn take(&self) -> Vec<Effect> {
        std::mem::take(&mut *self.record())
    }

    /// The texts that `client` was sent since the last `take`, to it alone or among others.
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

    /// The same, and empties the record: also of what others were sent.
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

    fn close_client(&self, client: ClientId, code: u16, reason: &str) {
        self.record().push(Effect::CloseClient { client, code, reason: reason.to_owned() });
    }
}
