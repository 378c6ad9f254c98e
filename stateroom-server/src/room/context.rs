//! What a native service asks its room through.
//!
//! *Invariant:* what is asked during an event is collected and released when the event is over; what is asked outside
//! of one goes to the room's inbox. Which of the two it is, the thread tells: an event runs on one thread, to its end.
use std::{cell::RefCell, mem, sync::Arc};

use stateroom::{ClientId, MessagePayload, MessageRecipient, StateroomContext, messages::Effect};

use super::inbox::Inbox;

thread_local! {
    /// The event that this thread is in: the address of its room's inbox, and what it has asked for.
    static EVENT: RefCell<Option<(usize, Vec<Effect>)>> = const { RefCell::new(None) };
}

/// The context of one room. Does not keep the room alive.
#[derive(Debug, Clone)]
pub(crate) struct RoomContext {
    room_id: Arc<str>,
    inbox: Arc<Inbox>,
}

impl RoomContext {
    pub(crate) fn new(room_id: Arc<str>, inbox: Arc<Inbox>) -> Self {
        RoomContext { room_id, inbox }
    }

    fn key(&self) -> usize {
        Arc::as_ptr(&self.inbox).addr()
    }

    fn ask(&self, effect: Effect) {
        let outside = EVENT.with_borrow_mut(|event| match event {
            Some((room, effects)) if *room == self.key() => {
                effects.push(effect);
                None
            }
            _ => Some(effect),
        });
        if let Some(effect) = outside
            && !self.inbox.ask(effect)
        {
            tracing::warn!(
                room = &*self.room_id,
                "a service asks for more outside of its events than its room can take; dropped"
            );
        }
    }
}

impl StateroomContext for RoomContext {
    fn send_message(&self, recipient: impl Into<MessageRecipient>, message: impl Into<MessagePayload>) {
        self.ask(Effect::Message { recipient: recipient.into(), message: message.into() });
    }

    fn set_timer(&self, ms_delay: u32) {
        self.ask(Effect::SetTimer { ms_delay });
    }

    fn room_id(&self) -> &str {
        &self.room_id
    }

    fn close_client(&self, client: ClientId, code: u16, reason: &str) {
        self.ask(Effect::CloseClient { client, code, reason: reason.to_owned() });
    }

    fn collect_effects<R>(&self, effects: &mut Vec<Effect>, call: impl FnOnce() -> R) -> R {
        let outer = EVENT.replace(Some((self.key(), mem::take(effects))));
        let result = call();
        if let Some((_, collected)) = EVENT.replace(outer) {
            *effects = collected;
        }
        result
    }
}
