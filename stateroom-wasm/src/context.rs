//! The context of a service in a module: its effects on their way to the host.
//!
//! *Invariant:* only effects of protocol 0 are sent before the host has named others that it understands.
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use stateroom::{
    ClientId, MessagePayload, MessageRecipient, StateroomContext,
    messages::{Effect, EffectKind},
    system_time,
    wire::{Greeting, batch, encode_effect},
};

/// The state of this side of the connection to the host.
pub(crate) struct HostState {
    /// `None` until the host greets.
    greeting: Mutex<Option<&'static Greeting>>,
    batch: Mutex<BatchEffects>,
    /// The time of the current event, once the service has asked for it.
    event_time: Mutex<Option<Duration>>,
}

impl HostState {
    pub(crate) const fn new() -> Self {
        let batch = BatchEffects { encoded: Vec::new(), finished: 0, publisher: None };
        HostState { greeting: Mutex::new(None), batch: Mutex::new(batch), event_time: Mutex::new(None) }
    }

    /// Begins an event: time has passed.
    pub(crate) fn begin_event(&self) {
        *lock(&self.event_time) = None;
    }

    /// Stores a greeting; a later one replaces it. It is leaked, because a context lends the room's ID out of it.
    pub(crate) fn set_greeting(&self, greeting: Greeting) {
        *lock(&self.greeting) = Some(Box::leak(Box::new(greeting)));
    }

    pub(crate) fn greeting(&self) -> Option<&'static Greeting> {
        *lock(&self.greeting)
    }

    /// Returns the effects of the current batch of events.
    pub(crate) fn batch(&self) -> MutexGuard<'_, BatchEffects> {
        lock(&self.batch)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells the host where the effects of finished events are. The host may look at any time, between two instructions.
pub trait Publisher: Sync {
    /// Publishes the address and the length of the effects.
    fn publish(&self, effects: &[u8]);
}

/// The effects of a batch of events, in the order of request.
///
/// *Invariant:* published bytes stay unchanged at their address until others are published, or the host has taken them.
pub(crate) struct BatchEffects {
    /// Kept after the batch: the host reads it then, and its capacity is reused.
    encoded: Vec<u8>,
    /// The length of the part that belongs to finished events.
    finished: usize,
    /// `None` except while a batch of events is handled.
    publisher: Option<&'static dyn Publisher>,
}

impl BatchEffects {
    /// Capacity that is retained for the next batch, and the size from which effects are handed over to the host, so that no
    /// batch needs much more memory than its largest effect.
    const MAX_RETAINED: usize = 64 << 10;

    /// Begins a batch; the host has reset what was published. Returns false in the middle of another batch.
    pub(crate) fn begin(&mut self, publisher: &'static dyn Publisher) -> bool {
        self.finished = 0;
        self.encoded.clear();
        self.encoded.shrink_to(Self::MAX_RETAINED);
        self.publisher.replace(publisher).is_none()
    }

    /// Finishes an event and publishes its effects.
    pub(crate) fn end_event(&mut self, send: fn(&[u8])) {
        self.reserve(batch::HEADER_BYTES);
        batch::encode_end(&mut self.encoded);
        self.finished = self.encoded.len();
        self.publish();
        self.hand_over_excess(send);
    }

    /// Ends the batch.
    pub(crate) fn end(&mut self) {
        self.publisher = None;
    }

    fn push(&mut self, effect: &Effect, send: fn(&[u8])) {
        self.reserve(batch::effect_bytes(effect));
        batch::encode_effect(effect, &mut self.encoded);
        self.hand_over_excess(send);
    }

    /// Has the host take everything if it is large: what is published, and the effects of the event in progress.
    fn hand_over_excess(&mut self, send: fn(&[u8])) {
        if self.encoded.len() >= Self::MAX_RETAINED {
            send(self.encoded.get(self.finished..).unwrap_or_default());
            self.finished = 0;
            self.encoded.clear();
        }
    }

    /// Reserves space. If that takes a new allocation, the old one is freed only after the new one is published.
    fn reserve(&mut self, more: usize) {
        if self.encoded.capacity() - self.encoded.len() >= more {
            return;
        }
        let needed = self.encoded.len().saturating_add(more);
        let mut larger = Vec::with_capacity(needed.max(self.encoded.capacity().saturating_mul(2)).max(1024));
        larger.extend_from_slice(&self.encoded);
        let old = std::mem::replace(&mut self.encoded, larger);
        self.publish();
        drop(old);
    }

    fn publish(&self) {
        if let Some(publisher) = self.publisher {
            publisher.publish(self.encoded.get(..self.finished).unwrap_or_default());
        }
    }
}

/// The context passed to a service in a module.
#[derive(Clone, Copy)]
pub(crate) struct GuestContext {
    pub(crate) host: &'static HostState,
    /// Sends an encoded effect to the host.
    pub(crate) send: fn(&[u8]),
}

impl GuestContext {
    /// Requests an effect, unless the host does not understand it.
    pub(crate) fn request(&self, effect: &Effect) {
        if !self.is_understood(effect.kind()) {
            return;
        }
        let mut batch = self.host.batch();
        if batch.publisher.is_some() {
            batch.push(effect, self.send);
            return;
        }
        // The only allocation: an effect is larger in memory than encoded.
        let mut bytes = Vec::with_capacity(effect.size());
        encode_effect(effect, &mut bytes);
        (self.send)(&bytes);
    }

    /// Returns whether protocol 0 has this kind of effect, or the host named it in its greeting.
    fn is_understood(&self, kind: EffectKind) -> bool {
        let in_greeting = |greeting: &Greeting| greeting.effects.contains(&kind.number());
        kind.is_protocol_0() || self.host.greeting().is_some_and(in_greeting)
    }
}

impl StateroomContext for GuestContext {
    fn send_message(&self, recipient: impl Into<MessageRecipient>, message: impl Into<MessagePayload>) {
        self.request(&Effect::Message { recipient: recipient.into(), message: message.into() });
    }

    fn set_timer(&self, ms_delay: u32) {
        self.request(&Effect::SetTimer { ms_delay });
    }

    fn room_id(&self) -> &str {
        self.host.greeting().map_or("", |greeting| &greeting.room_id)
    }

    /// The host decides what its clock shows.
    fn now(&self) -> Duration {
        *lock(&self.host.event_time).get_or_insert_with(system_time::now)
    }

    fn close_client(&self, client: ClientId, code: u16, reason: &str) {
        self.request(&Effect::CloseClient { client, code, reason: reason.to_owned() });
    }

    fn end_room(&self) {
        self.request(&Effect::EndRoom);
    }
}
