//! The way from a service in a module to its room.
//!
//! *Invariant:* nothing but protocol 0 is sent before the host has said that it understands more.
use std::sync::{Mutex, PoisonError};

use stateroom::{
    ClientId, MessagePayload, MessageRecipient, StateroomContext,
    messages::Effect,
    wire::{Greeting, effect_kind, encode_effect},
};

/// What the host has said about itself: nothing, until it greets.
pub(crate) struct Host {
    greeting: Mutex<Option<&'static Greeting>>,
}

impl Host {
    pub(crate) const fn silent() -> Self {
        Host { greeting: Mutex::new(None) }
    }

    /// Takes a greeting; a later one replaces it. It stays in memory, as a context lends the room's id out of it.
    pub(crate) fn greet(&self, greeting: Greeting) {
        let greeting = Box::leak(Box::new(greeting));
        *self.greeting.lock().unwrap_or_else(PoisonError::into_inner) = Some(greeting);
    }

    pub(crate) fn greeting(&self) -> Option<&'static Greeting> {
        *self.greeting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The context that a service in a module gets.
#[derive(Clone, Copy)]
pub(crate) struct GuestContext {
    pub(crate) host: &'static Host,
    /// Hands an encoded effect to the host.
    pub(crate) send: fn(&[u8]),
}

impl GuestContext {
    fn ask(&self, effect: &Effect) {
        // An effect is larger in memory than its numbers are when encoded, so this is the only allocation.
        let mut bytes = Vec::with_capacity(effect.size());
        encode_effect(effect, &mut bytes);
        (self.send)(&bytes);
    }

    /// Answers a call.
    pub(crate) fn answer(&self, message: MessagePayload) {
        if self.understood(effect_kind::ANSWER) {
            self.ask(&Effect::Answer { message });
        }
    }

    /// Whether the host has said that it knows such effects.
    fn understood(&self, kind: u32) -> bool {
        self.host.greeting().is_some_and(|greeting| greeting.effects.contains(&kind))
    }
}

impl StateroomContext for GuestContext {
    fn send_message(&self, recipient: impl Into<MessageRecipient>, message: impl Into<MessagePayload>) {
        self.ask(&Effect::Message { recipient: recipient.into(), message: message.into() });
    }

    fn set_timer(&self, ms_delay: u32) {
        self.ask(&Effect::SetTimer { ms_delay });
    }

    fn room_id(&self) -> &str {
        self.host.greeting().map_or("", |greeting| &greeting.room_id)
    }

    fn close_client(&self, client: ClientId, code: u16, reason: &str) {
        if self.understood(effect_kind::CLOSE_CLIENT) {
            self.ask(&Effect::CloseClient { client, code, reason: reason.to_owned() });
        }
    }
}
