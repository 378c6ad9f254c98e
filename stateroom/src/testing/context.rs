//! What a service asks a simulated room through.
//!
//! *Invariant:* what is asked during an event is released when the event is over; what is asked outside of one (by a thread
//! of the service's, say) waits for the room to look. Which of the two it is, the thread tells.
use std::{
    cell::RefCell,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{ClientId, MessagePayload, MessageRecipient, StateroomContext, messages::Effect};

thread_local! {
    /// The event that this thread is in: whose it is, and what it has asked for.
    static EVENT: RefCell<Option<(usize, Vec<Effect>)>> = const { RefCell::new(None) };
}

/// The context of one room.
#[derive(Debug, Clone)]
pub(super) struct RoomContext {
    room_id: Arc<str>,
    outside: Arc<Mutex<Vec<Effect>>>,
}

impl RoomContext {
    pub(super) fn new(room_id: Arc<str>) -> Self {
        RoomContext { room_id, outside: Arc::default() }
    }

    /// What was asked outside of events since the last time.
    pub(super) fn take_outside(&self) -> Vec<Effect> {
        mem::take(&mut *self.outside())
    }

    fn ask(&self, effect: Effect) {
        let outside = EVENT.with_borrow_mut(|event| match event {
            Some((room, effects)) if *room == self.key() => {
                effects.push(effect);
                None
            }
            _ => Some(effect),
        });
        self.outside().extend(outside);
    }

    fn key(&self) -> usize {
        Arc::as_ptr(&self.outside).addr()
    }

    fn outside(&self) -> MutexGuard<'_, Vec<Effect>> {
        self.outside.lock().unwrap_or_else(PoisonError::into_inner)
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
