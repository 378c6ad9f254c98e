//! The kinds of events that a guest understands.
//!
//! *Invariant:* it contains only kinds that the guest named.
use stateroom::messages::{Event, EventKind};

/// A set of kinds of events, by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EventKinds(u64);

impl EventKinds {
    /// The kinds of protocol 0.
    pub(crate) const PROTOCOL_0: EventKinds = EventKinds((1 << (EventKind::Timer.number() + 1)) - 1);

    /// Returns the kinds in a guest's answer to the greeting. Numbers that this host never sends have no effect.
    pub(crate) fn of(numbers: &[u32]) -> Self {
        EventKinds(numbers.iter().filter_map(|number| 1_u64.checked_shl(*number)).fold(0, |set, bit| set | bit))
    }

    /// Returns the set as the bits of a number.
    pub(crate) fn bits(self) -> u64 {
        self.0
    }

    /// Returns the set with these bits.
    pub(crate) fn from_bits(bits: u64) -> Self {
        EventKinds(bits)
    }

    /// Returns whether the event's kind is in the set.
    pub(crate) fn contain(self, event: &Event) -> bool {
        self.contain_number(event.kind().number())
    }

    fn contain_number(self, number: u32) -> bool {
        1_u64.checked_shl(number).is_some_and(|bit| self.0 & bit != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contains_the_kinds_that_were_named() {
        let kinds = EventKinds::of(&[0, 3, 63, 64, u32::MAX]);
        for (number, known) in [(0, true), (1, false), (3, true), (63, true), (64, false), (u32::MAX, false)] {
            assert_eq!(kinds.contain_number(number), known, "{number}");
        }
        assert!(EventKinds::PROTOCOL_0.contain(&Event::Timer));
        assert!(!EventKinds::PROTOCOL_0.contain(&Event::Call { message: "why?".into() }));
    }
}
