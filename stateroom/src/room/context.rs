//! The context that a room passes to its service.
//!
//! *Invariant:* effects requested during an event are collected, and released when the event has returned. Effects
//! requested outside of one go to the sink at once. The two are distinguished by thread, because an event is handled on
//! a single thread.
use std::{cell::RefCell, mem, sync::Arc};

use crate::{ClientId, MessagePayload, MessageRecipient, StateroomContext, messages::Effect};

thread_local! {
    /// The event that this thread is handling: the address of its room's sink, and the effects so far.
    static CURRENT_EVENT: RefCell<Option<(usize, Vec<Effect>)>> = const { RefCell::new(None) };
}

/// Takes the effects that a service requests outside of its events.
pub trait EffectSink: Send + Sync + 'static {
    /// Takes an effect of this room.
    fn request(&self, room_id: &str, effect: Effect);
}

/// The context of one room. Does not keep the room alive.
#[derive(Debug)]
pub struct RoomContext<S> {
    room_id: Arc<str>,
    sink: Arc<S>,
}

impl<S: EffectSink> RoomContext<S> {
    /// Creates the context of a room.
    #[must_use]
    pub fn new(room_id: Arc<str>, sink: Arc<S>) -> Self {
        RoomContext { room_id, sink }
    }

    fn key(&self) -> usize {
        Arc::as_ptr(&self.sink).addr()
    }

    fn request(&self, effect: Effect) {
        let outside = CURRENT_EVENT.with_borrow_mut(|event| match event {
            Some((room, effects)) if *room == self.key() => {
                effects.push(effect);
                None
            }
            _ => Some(effect),
        });
        if let Some(effect) = outside {
            self.sink.request(&self.room_id, effect);
        }
    }
}

impl<S> Clone for RoomContext<S> {
    fn clone(&self) -> Self {
        RoomContext { room_id: self.room_id.clone(), sink: self.sink.clone() }
    }
}

impl<S: EffectSink> StateroomContext for RoomContext<S> {
    fn send_message(&self, recipient: impl Into<MessageRecipient>, message: impl Into<MessagePayload>) {
        self.request(Effect::Message { recipient: recipient.into(), message: message.into() });
    }

    fn set_timer(&self, ms_delay: u32) {
        self.request(Effect::SetTimer { ms_delay });
    }

    fn room_id(&self) -> &str {
        &self.room_id
    }

    fn close_client(&self, client: ClientId, code: u16, reason: &str) {
        self.request(Effect::CloseClient { client, code, reason: reason.to_owned() });
    }

    fn collect_effects<R>(&self, effects: &mut Vec<Effect>, call: impl FnOnce() -> R) -> R {
        let outer = CURRENT_EVENT.replace(Some((self.key(), mem::take(effects))));
        let result = call();
        if let Some((_, collected)) = CURRENT_EVENT.replace(outer) {
            *effects = collected;
        }
        result
    }
}
