//! Which kinds of events a guest understands.
//!
//! *Invariant:* a kind that the guest did not name is not in it.
use stateroom::{
    messages::Event,
    wire::{self, event_kind},
};

/// A set of kinds of events, by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kinds(u64);

impl Kinds {
    /// Those of protocol 0.
    pub(crate) const PROTOCOL_0: Kinds = Kinds((1 << (event_kind::TIMER + 1)) - 1);

    /// Those in a guest's answer. Numbers that this host never sends do not matter.
    pub(crate) fn of(numbers: &[u32]) -> Self {
        Kinds(numbers.iter().filter_map(|number| 1_u64.checked_shl(*number)).fold(0, |set, bit| set | bit))
    }

    /// Whether the event is one of them.
    pub(crate) fn contain(self, event: &Event) -> bool {
        self.contain_number(wire::number_of(event))
    }

    fn contain_number(self, number: u32) -> bool {
        1_u64.checked_shl(number).is_some_and(|bit| self.0 & bit != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_found_by_their_number() {
        let kinds = Kinds::of(&[0, 3, 63, 64, u32::MAX]);
        for (number, known) in [(0, true), (1, false), (3, true), (63, true), (64, false), (u32::MAX, false)] {
            assert_eq!(kinds.contain_number(number), known, "{number}");
        }
        assert!(Kinds::PROTOCOL_0.contain(&Event::Timer));
        assert!(!Kinds::PROTOCOL_0.contain(&Event::Call { message: "why?".into() }));
    }
}
