//! The effects of a guest's events, until the events return.
//!
//! *Invariant:* it holds no more than the limits of an event permit, and effects of finished events are apart from those of
//! the event in progress.
mod finished;
#[cfg(test)]
mod tests;

use stateroom::{
    messages::Effect,
    wire::{self, WireError, batch::Records},
};
use tracing::debug;

pub(crate) use self::finished::FinishedEffects;
use crate::{config::WasmHostConfig, violation::ProtocolViolation};

/// Size of the effects, in bytes, after which the room takes them before the next event.
pub(crate) const FLUSH_BYTES: usize = 256 << 10;

/// The effects of the event in progress, and of finished events that the room has not taken.
///
/// Effects that a guest sends before its first event are released with those of the first event.
#[derive(Debug)]
pub(crate) struct EffectBuffer {
    finished: FinishedEffects,
    effects: Vec<Effect>,
    /// Size of `effects`, in bytes.
    bytes: usize,
    /// Size of the effects of events finished since the room last flushed, in bytes.
    bytes_since_flush: usize,
    /// Size of the largest effects of one event so far, in bytes.
    largest_event: usize,
    max_effects: usize,
    max_bytes: usize,
    extensions: bool,
    batch: Option<BatchProgress>,
}

/// The position up to which a batch's effects are read.
#[derive(Debug)]
struct BatchProgress {
    events: usize,
    finished: usize,
    /// Length of the part of the published effects that is read.
    bytes: usize,
    /// The number of events that were seen to have finished, and the length of the part of the published effects that was
    /// looked at for that.
    seen: usize,
    seen_bytes: usize,
}

impl EffectBuffer {
    /// Capacity that is retained between events, in effects: few events exceed it.
    const MAX_RETAINED: usize = 1024;

    pub(crate) fn new(config: &WasmHostConfig) -> Self {
        EffectBuffer {
            finished: FinishedEffects::default(),
            effects: Vec::new(),
            bytes: 0,
            bytes_since_flush: 0,
            largest_event: 0,
            max_effects: config.effects,
            max_bytes: config.effect_bytes,
            extensions: false,
            batch: None,
        }
    }

    /// Accepts effects beyond protocol 0 from now on: the guest has been greeted.
    pub(crate) fn enable_extensions(&mut self) {
        self.extensions = true;
    }

    /// Returns whether effects beyond protocol 0 are accepted.
    pub(crate) fn has_extensions(&self) -> bool {
        self.extensions
    }

    /// Returns the effects that are released with those of the next event.
    pub(crate) fn pending(&self) -> &[Effect] {
        &self.effects
    }

    /// Sets the size of the largest effects of one event so far.
    pub(crate) fn set_largest_event(&mut self, bytes: usize) {
        self.largest_event = bytes;
    }

    /// Accepts an effect that the guest sends.
    pub(crate) fn receive(&mut self, bytes: &[u8]) -> Result<(), ProtocolViolation> {
        // Before decoding, which copies the message: it may be as long as the guest's memory.
        self.check_limits(bytes.len())?;
        let effect = match wire::decode_effect(bytes) {
            Ok(effect) if !self.extensions && !effect.kind().is_protocol_0() => {
                return Err(WireError::UnknownKind(effect.kind().number()).into());
            }
            decoded => decoded,
        };
        self.push(effect)
    }

    /// Returns the shared effects of finished events.
    pub(crate) fn finished(&self) -> FinishedEffects {
        self.finished.clone()
    }

    /// Finishes the event in progress.
    pub(crate) fn end_event(&mut self) {
        self.finished.lock().push(&mut self.effects);
        self.count_bytes();
    }

    fn count_bytes(&mut self) {
        self.largest_event = self.largest_event.max(self.bytes);
        self.bytes_since_flush = self.bytes_since_flush.saturating_add(std::mem::take(&mut self.bytes));
    }

    /// Records that the room takes the effects so far.
    pub(crate) fn flush(&mut self) {
        self.release_memory();
        self.bytes_since_flush = 0;
    }

    /// Returns whether the room should take the effects so far before the next event.
    pub(crate) fn needs_flush(&self) -> bool {
        self.bytes_since_flush >= FLUSH_BYTES
    }

    /// Returns the size of the effects of events finished since the room last flushed, in bytes.
    pub(crate) fn bytes_since_flush(&self) -> usize {
        self.bytes_since_flush
    }

    /// Returns the size of the largest effects of one event so far, in bytes.
    pub(crate) fn largest_event(&self) -> usize {
        self.largest_event
    }

    /// Begins a batch of that many events.
    pub(crate) fn begin_batch(&mut self, events: usize) {
        self.batch = Some(BatchProgress { events, finished: 0, bytes: 0, seen: 0, seen_bytes: 0 });
    }

    /// Returns whether the guest is handling a batch of events.
    pub(crate) fn is_in_batch(&self) -> bool {
        self.batch.is_some()
    }

    /// Reads the effects that the guest has published since the last call. Returns whether an event has finished since.
    pub(crate) fn read_published(&mut self, published: &[u8]) -> Result<bool, ProtocolViolation> {
        let Some(mut batch) = self.batch.take() else { return Ok(false) };
        let before = batch.finished;
        let unread = published.get(batch.bytes..).ok_or(ProtocolViolation::EffectsRetracted)?;
        if !self.read_records(unread, &mut batch)? {
            return Err(ProtocolViolation::TrailingEffects);
        }
        batch.bytes = published.len();
        let advanced = batch.finished > before;
        self.batch = Some(batch);
        Ok(advanced)
    }

    /// Looks at the effects that the guest has published, without reading them. Returns whether an event has finished since
    /// the last look.
    ///
    /// The guest can still change them, so what it published must not matter at a time that is different in a replay.
    pub(crate) fn look_at_published(&mut self, published: &[u8]) -> bool {
        let Some(batch) = &mut self.batch else { return false };
        let unseen = published.get(batch.seen_bytes.max(batch.bytes)..).unwrap_or_default();
        let ends = Records::new(unseen).map_while(Result::ok).filter(|record| record.is_end()).count();
        batch.seen_bytes = published.len();
        // No more often than there are events: each begins with new budgets.
        let seen = batch.seen.saturating_add(ends).min(batch.events);
        std::mem::replace(&mut batch.seen, seen) < seen
    }

    /// Takes effects of the event in progress, after those that the guest has published. It publishes later ones anew.
    pub(crate) fn hand_over(&mut self, effects: &[u8]) -> Result<(), ProtocolViolation> {
        let Some(mut batch) = self.batch.take() else { return Ok(()) };
        self.read_records(effects, &mut batch)?;
        (batch.bytes, batch.seen_bytes) = (0, 0);
        self.batch = Some(batch);
        Ok(())
    }

    /// Reads records of a batch. Returns whether the last one ends an event.
    fn read_records(&mut self, bytes: &[u8], batch: &mut BatchProgress) -> Result<bool, ProtocolViolation> {
        let mut ends_with_event = true;
        let finished = self.finished.clone();
        let mut finished = finished.lock();
        for record in Records::new(bytes) {
            let record = record?;
            ends_with_event = record.is_end();
            if !ends_with_event {
                self.check_limits(record.bytes())?;
                self.push(record.effect())?;
                continue;
            }
            batch.finished += 1;
            if batch.finished > batch.events {
                return Err(ProtocolViolation::EventCount { expected: batch.events, finished: batch.finished });
            }
            finished.push(&mut self.effects);
            self.count_bytes();
        }
        Ok(ends_with_event)
    }

    /// Ends the batch: the guest has returned.
    pub(crate) fn end_batch(&mut self) -> Result<(), ProtocolViolation> {
        match self.batch.take() {
            Some(BatchProgress { events, finished, .. }) if finished < events => {
                Err(ProtocolViolation::EventCount { expected: events, finished })
            }
            _ => Ok(()),
        }
    }

    /// Frees memory beyond the retained capacity.
    fn release_memory(&mut self) {
        // Cheaper than looking at the capacities: that many effects have at least that many bytes.
        if self.bytes_since_flush < Self::MAX_RETAINED * size_of::<Effect>() {
            return;
        }
        if self.effects.is_empty() && self.effects.capacity() > Self::MAX_RETAINED {
            self.effects = Vec::new();
        }
        self.finished.lock().shrink_to(Self::MAX_RETAINED);
    }

    /// Checks the limits of the event in progress for one more effect of that size.
    fn check_limits(&self, bytes: usize) -> Result<(), ProtocolViolation> {
        if bytes > self.max_bytes.saturating_sub(self.bytes) {
            return Err(ProtocolViolation::EffectBytes { limit: self.max_bytes });
        }
        if self.effects.len() >= self.max_effects {
            return Err(ProtocolViolation::Effects { limit: self.max_effects });
        }
        Ok(())
    }

    fn push(&mut self, effect: Result<Effect, WireError>) -> Result<(), ProtocolViolation> {
        match effect {
            Err(WireError::UnknownKind(kind)) if self.extensions => {
                debug!(kind, "ignoring an effect of an unknown kind");
            }
            effect => {
                let effect = effect?;
                self.bytes = self.bytes.saturating_add(effect.size());
                self.effects.push(effect);
            }
        }
        Ok(())
    }
}
