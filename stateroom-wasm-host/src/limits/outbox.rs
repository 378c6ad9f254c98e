//! What a guest asks for during an event, until the event has returned.
//!
//! *Invariant:* it holds no more than an event may ask for, and of unknown bytes no more than their number.
use stateroom::{
    messages::Effect,
    wire::{self, WireError},
};
use tracing::debug;

use crate::{config::WasmHostConfig, instance::breach::Breach};

/// The effects of the event that is under way.
///
/// What a guest sends before its first event is released together with what the first event asks for.
#[derive(Debug)]
pub(crate) struct Outbox {
    effects: Vec<Effect>,
    bytes: usize,
    max_effects: usize,
    max_bytes: usize,
    extended: bool,
}

impl Outbox {
    /// What an event rarely exceeds; what one did is given back.
    const KEEP: usize = 1024;

    pub(crate) fn new(config: &WasmHostConfig) -> Self {
        Outbox {
            effects: Vec::new(),
            bytes: 0,
            max_effects: config.effects,
            max_bytes: config.effect_bytes,
            extended: false,
        }
    }

    /// From here on the guest knows that it may send more than protocol 0 has.
    pub(crate) fn extend(&mut self) {
        self.extended = true;
    }

    /// Takes what the guest sends.
    pub(crate) fn take_in(&mut self, bytes: &[u8]) -> Result<(), Breach> {
        // Before decoding: that copies the message, which may be as long as the guest's memory.
        if bytes.len() > self.max_bytes.saturating_sub(self.bytes) {
            return Err(Breach::EffectBytes { limit: self.max_bytes });
        }
        if self.effects.len() >= self.max_effects {
            return Err(Breach::Effects { limit: self.max_effects });
        }
        let effect = match wire::decode_effect(bytes) {
            Ok(Effect::CloseClient { .. }) if !self.extended => {
                return Err(WireError::UnknownKind(wire::effect_kind::CLOSE_CLIENT).into());
            }
            Ok(Effect::Answer { .. }) if !self.extended => {
                return Err(WireError::UnknownKind(wire::effect_kind::ANSWER).into());
            }
            Err(WireError::UnknownKind(kind)) if self.extended => {
                debug!(kind, "a guest asks for something unknown; it is left out");
                return Ok(());
            }
            decoded => decoded?,
        };
        self.bytes = self.bytes.saturating_add(effect.size());
        self.effects.push(effect);
        Ok(())
    }

    /// The effects of an event that has returned, to be emptied.
    pub(crate) fn finished(&mut self) -> &mut Vec<Effect> {
        self.bytes = 0;
        &mut self.effects
    }

    /// Gives back what an extraordinary event took.
    pub(crate) fn trim(&mut self) {
        if self.effects.is_empty() && self.effects.capacity() > Self::KEEP {
            self.effects = Vec::new();
        }
    }
}
