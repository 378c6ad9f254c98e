//! What a guest asks for during its events, until they have returned.
//!
//! *Invariant:* it holds no more than an event may ask for, and of unknown bytes no more than their number. What belongs to
//! an event that is over is apart from what belongs to the one that is not.
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stateroom::{
    event_batch::FinishedEvents,
    messages::Effect,
    wire::{self, WireError, batch::Records},
};
use tracing::debug;

use crate::{config::WasmHostConfig, violation::Breach};

/// What events that are over asked for, until the room takes it: where a guest that goes on with others leaves it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Over(Arc<Mutex<FinishedEvents>>);

impl Over {
    pub(crate) fn lock(&self) -> MutexGuard<'_, FinishedEvents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The effects of the event that is under way, and of those that are over and were not taken yet.
///
/// What a guest sends before its first event is released together with what the first event asks for.
#[derive(Debug)]
pub(crate) struct Outbox {
    over: Over,
    effects: Vec<Effect>,
    /// The size of those.
    bytes: usize,
    /// The size of what those of this go asked for.
    bytes_in_this_go: usize,
    max_effects: usize,
    max_bytes: usize,
    extended: bool,
    row: Option<Row>,
}

/// How far the effects of a row of events were read.
#[derive(Debug)]
struct Row {
    events: usize,
    over: usize,
    bytes: usize,
}

impl Outbox {
    /// What an event rarely exceeds; what one did is given back.
    const KEEP: usize = 1024;

    pub(crate) fn new(config: &WasmHostConfig) -> Self {
        Outbox {
            over: Over::default(),
            effects: Vec::new(),
            bytes: 0,
            bytes_in_this_go: 0,
            max_effects: config.effects,
            max_bytes: config.effect_bytes,
            extended: false,
            row: None,
        }
    }

    /// From here on the guest knows that it may send more than protocol 0 has.
    pub(crate) fn extend(&mut self) {
        self.extended = true;
    }

    /// Takes what the guest sends.
    pub(crate) fn take_in(&mut self, bytes: &[u8]) -> Result<(), Breach> {
        if self.row.is_some() {
            return Err(Breach::SentInRow);
        }
        // Before decoding: that copies the message, which may be as long as the guest's memory.
        self.check(bytes.len())?;
        let effect = match wire::decode_effect(bytes) {
            Ok(Effect::CloseClient { .. }) if !self.extended => {
                return Err(WireError::UnknownKind(wire::effect_kind::CLOSE_CLIENT).into());
            }
            Ok(Effect::Answer { .. }) if !self.extended => {
                return Err(WireError::UnknownKind(wire::effect_kind::ANSWER).into());
            }
            Ok(Effect::Respond { .. }) if !self.extended => {
                return Err(WireError::UnknownKind(wire::effect_kind::RESPOND).into());
            }
            decoded => decoded,
        };
        self.put(effect)
    }

    /// Where the effects of the events that are over are.
    pub(crate) fn over(&self) -> Over {
        self.over.clone()
    }

    /// The event that the guest was told of has returned.
    pub(crate) fn end_event(&mut self) {
        put_down(&mut self.over.lock(), &mut self.effects);
        self.count_bytes();
    }

    fn count_bytes(&mut self) {
        self.bytes_in_this_go = self.bytes_in_this_go.saturating_add(std::mem::take(&mut self.bytes));
    }

    /// The room gets to write what there is; the next go begins.
    pub(crate) fn begin_go(&mut self) {
        self.trim();
        self.bytes_in_this_go = 0;
    }

    /// How much the events of this go have asked for, in bytes.
    pub(crate) fn bytes_in_this_go(&self) -> usize {
        self.bytes_in_this_go
    }

    /// The guest is told of a row of so many events.
    pub(crate) fn begin_row(&mut self, events: usize) {
        self.row = Some(Row { events, over: 0, bytes: 0 });
    }

    /// Whether the guest is handling a row of events.
    pub(crate) fn is_in_row(&self) -> bool {
        self.row.is_some()
    }

    /// Reads on in the effects that the guest shows. Says whether a further event is over.
    pub(crate) fn read_row(&mut self, shown: &[u8]) -> Result<bool, Breach> {
        let Some(mut row) = self.row.take() else { return Ok(false) };
        let before = row.over;
        let unread = shown.get(row.bytes..).ok_or(Breach::TookBack)?;
        let mut is_over = true;
        let over = self.over.clone();
        let mut over = over.lock();
        for record in Records::new(unread) {
            let record = record?;
            is_over = record.is_end();
            if !is_over {
                self.check(record.bytes())?;
                self.put(record.effect())?;
                continue;
            }
            row.over += 1;
            if row.over > row.events {
                return Err(Breach::Count { given: row.events, over: row.over });
            }
            put_down(&mut over, &mut self.effects);
            self.count_bytes();
        }
        if !is_over {
            return Err(Breach::NotOver);
        }
        row.bytes = shown.len();
        let advanced = row.over > before;
        self.row = Some(row);
        Ok(advanced)
    }

    /// The guest has returned from the row.
    pub(crate) fn end_row(&mut self) -> Result<(), Breach> {
        match self.row.take() {
            Some(Row { events, over, .. }) if over < events => Err(Breach::Count { given: events, over }),
            _ => Ok(()),
        }
    }

    /// Gives back what an extraordinary event took.
    fn trim(&mut self) {
        // So many effects have at least so many bytes.
        if self.bytes_in_this_go < Self::KEEP * size_of::<Effect>() {
            return;
        }
        if self.effects.is_empty() && self.effects.capacity() > Self::KEEP {
            self.effects = Vec::new();
        }
        let mut over = self.over.lock();
        if over.ends.is_empty() {
            over.clear(Self::KEEP);
        }
    }

    /// Whether the event may ask for something of so many bytes as well.
    fn check(&self, bytes: usize) -> Result<(), Breach> {
        if bytes > self.max_bytes.saturating_sub(self.bytes) {
            return Err(Breach::EffectBytes { limit: self.max_bytes });
        }
        if self.effects.len() >= self.max_effects {
            return Err(Breach::Effects { limit: self.max_effects });
        }
        Ok(())
    }

    fn put(&mut self, effect: Result<Effect, WireError>) -> Result<(), Breach> {
        match effect {
            Err(WireError::UnknownKind(kind)) if self.extended => {
                debug!(kind, "a guest asks for something unknown; it is left out");
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

/// Puts the effects of an event behind those of the ones before it.
fn put_down(over: &mut FinishedEvents, effects: &mut Vec<Effect>) {
    over.effects.append(effects);
    over.ends.push(over.effects.len());
}

#[cfg(test)]
mod tests {
    use stateroom::wire::batch;

    use super::*;

    /// The effects of so many events that are over, each one message.
    fn over(events: usize) -> Vec<u8> {
        let mut row = Vec::new();
        for _ in 0..events {
            let message = Effect::Message { recipient: stateroom::MessageRecipient::Broadcast, message: "x".into() };
            batch::put_effect(&message, &mut row);
            batch::put_end(&mut row);
        }
        row
    }

    fn in_row(events: usize) -> Outbox {
        let mut outbox = Outbox::new(&WasmHostConfig::default());
        outbox.begin_row(events);
        outbox
    }

    #[test]
    fn what_was_read_is_not_read_again() {
        let mut outbox = in_row(3);
        let row = over(3);
        let one = row.len() / 3;
        for (shown, is_new) in [(&row[..one], true), (&row[..one], false), (&row, true)] {
            assert_eq!(outbox.read_row(shown).unwrap(), is_new);
        }
        outbox.end_row().unwrap();
        assert_eq!(outbox.over().lock().ends, [1, 2, 3]);
    }

    #[test]
    fn what_was_shown_cannot_be_taken_back() {
        let mut outbox = in_row(2);
        outbox.read_row(&over(1)).unwrap();
        assert!(matches!(outbox.read_row(&[]), Err(Breach::TookBack)));
    }

    #[test]
    fn each_event_of_a_row_is_over_once() {
        let mut outbox = in_row(2);
        assert!(matches!(outbox.read_row(&over(3)), Err(Breach::Count { given: 2, over: 3 })));
        let mut outbox = in_row(2);
        outbox.read_row(&over(1)).unwrap();
        assert!(matches!(outbox.end_row(), Err(Breach::Count { given: 2, over: 1 })));
    }
}
