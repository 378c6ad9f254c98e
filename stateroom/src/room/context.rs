//! The context that a room passes to its service.
//!
//! *Invariant:* effects requested during an event are collected, and released when the event has returned. Effects
//! requested outside of one go to the sink at once. The two are distinguished by thread, because an event is handled on
//! a single thread.
use std::{cell::RefCell, mem, sync::Arc, time::Duration};

use crate::{ClientId, MessagePayload, MessageRecipient, StateroomContext, messages::Effect, system_time};

thread_local! {
    /// The event that this thread is handling.
    static CURRENT_EVENT: RefCell<Option<CurrentEvent>> = const { RefCell::new(None) };
}

struct CurrentEvent {
    /// The address of its room's sink.
    room: usize,
    /// The effects so far.
    effects: Vec<Effect>,
    /// Its time, once the service has asked for it.
    time: Option<Duration>,
}

/// Takes the effects that a service requests outside of its events, and has the room's clock.
pub trait EffectSink: Send + Sync + 'static {
    /// Takes an effect of this room.
    fn request(&self, room_id: &str, effect: Effect);

    /// Returns the wall-clock time, since January 1, 1970.
    fn now(&self) -> Duration {
        system_time::now()
    }
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
            Some(event) if event.room == self.key() => {
                event.effects.push(effect);
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

    fn end_room(&self) {
        self.request(Effect::EndRoom);
    }

    fn now(&self) -> Duration {
        CURRENT_EVENT.with_borrow_mut(|event| match event {
            Some(event) if event.room == self.key() => *event.time.get_or_insert_with(|| self.sink.now()),
            _ => self.sink.now(),
        })
    }

    fn collect_effects<R>(&self, effects: &mut Vec<Effect>, call: impl FnOnce() -> R) -> R {
        let event = CurrentEvent { room: self.key(), effects: mem::take(effects), time: None };
        let outer = CURRENT_EVENT.replace(Some(event));
        let result = call();
        if let Some(event) = CURRENT_EVENT.replace(outer) {
            *effects = event.effects;
        }
        result
    }
}
