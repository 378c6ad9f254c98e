//! What a connection makes of the marks it hears.
//!
//! *Invariant:* a room tells what one sender said in the order it was said, so that of each sender the last number is all
//! there is to remember. Whatever is not above it is no answer: else what comes twice would make up for what is lost.
use std::collections::HashMap;

use super::{args::Pattern, marker::Marker, run_state::RunState};

/// What a mark is to who hears it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MarkerKind {
    /// An answer, to what it has said itself or to another.
    Answer { own: bool },
    /// What has been heard already, or is older than that.
    Repeat,
    /// An echo that went to another than its sender.
    Astray,
    /// Nothing that this run has said.
    Foreign,
}

/// One connection's.
pub(crate) struct Deduplicator<'a> {
    state: &'a RunState,
    connection: u32,
    /// The highest number heard of each sender.
    last: HashMap<u32, u64>,
}

impl<'a> Deduplicator<'a> {
    /// Of a connection that has heard nothing.
    pub(crate) fn new(state: &'a RunState, connection: u32) -> Self {
        Deduplicator { state, connection, last: HashMap::new() }
    }

    /// It hears that.
    pub(crate) fn hear(&mut self, marker: &Marker) -> MarkerKind {
        // A server may make up senders, which are not to be remembered.
        if marker.run != self.state.run || marker.connection >= self.state.connections {
            return MarkerKind::Foreign;
        }
        let own = marker.connection == self.connection;
        if !own && self.state.pattern == Pattern::Echo {
            return MarkerKind::Astray;
        }
        // They count from 1.
        let last = self.last.entry(marker.connection).or_default();
        if marker.number <= *last {
            return MarkerKind::Repeat;
        }
        *last = marker.number;
        MarkerKind::Answer { own }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::args::Bench, *};

    #[test]
    fn what_is_heard_again_or_late_is_a_repeat() {
        let state = RunState::new(&Bench::in_line(&["ws://h/", "--pattern", "broadcast"])).unwrap();
        let mut deduplicator = Deduplicator::new(&state, 1);
        let mut hear =
            |connection, number| deduplicator.hear(&Marker { run: state.run, connection, number, intended: 0 });
        for (number, heard) in [
            (1, MarkerKind::Answer { own: true }),
            (1, MarkerKind::Repeat),
            (3, MarkerKind::Answer { own: true }),
            (2, MarkerKind::Repeat),
            (4, MarkerKind::Answer { own: true }),
        ] {
            assert_eq!(hear(1, number), heard, "{number}");
        }
        assert_eq!(
            (hear(2, 1), hear(2, 1)),
            (MarkerKind::Answer { own: false }, MarkerKind::Repeat),
            "each sender has its own"
        );
    }

    #[test]
    fn others_answers_are_no_echo_and_other_runs_are_nobodys_business() {
        let state = RunState::new(&Bench::in_line(&["ws://h/"])).unwrap();
        let mut deduplicator = Deduplicator::new(&state, 1);
        let marker = Marker { run: state.run, connection: 1, number: 1, intended: 0 };
        assert_eq!(deduplicator.hear(&Marker { connection: 2, ..marker }), MarkerKind::Astray);
        assert_eq!(deduplicator.hear(&Marker { run: !state.run, ..marker }), MarkerKind::Foreign);
        assert_eq!(deduplicator.hear(&Marker { connection: state.connections, ..marker }), MarkerKind::Foreign);
        assert_eq!(deduplicator.hear(&marker), MarkerKind::Answer { own: true });
        assert_eq!(deduplicator.last.len(), 1);
    }
}
