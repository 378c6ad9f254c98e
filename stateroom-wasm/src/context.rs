//! The way from a service in a module to its room.
//!
//! *Invariant:* nothing but protocol 0 is sent before the host has said that it understands more.
use std::sync::{Mutex, MutexGuard, PoisonError};

use stateroom::{
    ClientId, MessagePayload, MessageRecipient, StateroomContext,
    http::Response,
    messages::Effect,
    wire::{Greeting, batch, effect_kind, encode_effect},
};

/// What this side knows of its host, and has for it.
pub(crate) struct Host {
    /// What it has said about itself: nothing, until it greets.
    greeting: Mutex<Option<&'static Greeting>>,
    row: Mutex<Row>,
}

impl Host {
    pub(crate) const fn silent() -> Self {
        let row = Row { effects: Vec::new(), finished: 0, place: None };
        Host { greeting: Mutex::new(None), row: Mutex::new(row) }
    }

    /// Takes a greeting; a later one replaces it. It stays in memory, as a context lends the room's id out of it.
    pub(crate) fn greet(&self, greeting: Greeting) {
        *lock(&self.greeting) = Some(Box::leak(Box::new(greeting)));
    }

    pub(crate) fn greeting(&self) -> Option<&'static Greeting> {
        *lock(&self.greeting)
    }

    /// The effects of the row of events that it has handed over.
    pub(crate) fn row(&self) -> MutexGuard<'_, Row> {
        lock(&self.row)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where the host finds the effects of the events that are over. It may look at any time, between two instructions.
pub trait Place: Sync {
    /// Says where they are, and how many bytes.
    fn show(&self, effects: &[u8]);
}

/// The effects of a row of events, in the order in which they were asked for.
///
/// *Invariant:* what was shown stays as it is until something else is shown.
pub(crate) struct Row {
    /// Kept after the events, as the host reads it then, and for its memory.
    effects: Vec<u8>,
    /// The part of them that belongs to events which are over.
    finished: usize,
    /// Where they are shown, while a row of events is being handled.
    place: Option<&'static dyn Place>,
}

impl Row {
    /// What is kept for the next row; more, which a long one needed, is given back.
    const KEPT: usize = 64 << 10;

    /// Begins anew; the host has set the place to nothing. Says whether it can: not in the middle of another.
    pub(crate) fn begin(&mut self, place: &'static dyn Place) -> bool {
        self.finished = 0;
        self.effects.clear();
        self.effects.shrink_to(Self::KEPT);
        self.place.replace(place).is_none()
    }

    /// An event is over.
    pub(crate) fn end_event(&mut self) {
        self.reserve(batch::HEADER_BYTES);
        batch::put_end(&mut self.effects);
        self.finished = self.effects.len();
        self.show();
    }

    /// All events are over.
    pub(crate) fn end(&mut self) {
        self.place = None;
    }

    fn put(&mut self, effect: &Effect) {
        self.reserve(batch::effect_bytes(effect));
        batch::put_effect(effect, &mut self.effects);
    }

    /// Makes space: elsewhere, if there is none here. The old place is let go of when the new one is shown.
    fn reserve(&mut self, more: usize) {
        if self.effects.capacity() - self.effects.len() >= more {
            return;
        }
        let needed = self.effects.len().saturating_add(more);
        let mut larger = Vec::with_capacity(needed.max(self.effects.capacity().saturating_mul(2)).max(1024));
        larger.extend_from_slice(&self.effects);
        let old = std::mem::replace(&mut self.effects, larger);
        self.show();
        drop(old);
    }

    fn show(&self) {
        if let Some(place) = self.place {
            place.show(self.effects.get(..self.finished).unwrap_or_default());
        }
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
        let mut row = self.host.row();
        if row.place.is_some() {
            row.put(effect);
            return;
        }
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

    /// Answers a request.
    pub(crate) fn respond(&self, response: Response) {
        if self.understood(effect_kind::RESPOND) {
            self.ask(&Effect::Respond { response: Box::new(response) });
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
