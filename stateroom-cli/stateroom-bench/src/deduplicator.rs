//! Classification of received markers: responses, duplicates, and markers of others.
//!
//! *Invariant:* a room delivers the messages of one sender in order, so the last number of each sender is all the state there
//! is. A marker that is not newer is never a response, or duplicates would make up for lost messages.
use std::collections::HashMap;

use crate::{config::Pattern, marker::Marker, run_state::RunState};

/// Meaning of a marker for the connection that receives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MarkerKind {
    /// A response to a message of this connection (`is_own`) or of another.
    Response { is_own: bool },
    /// A marker that was received before, or is older than one that was.
    Duplicate,
    /// An echo that was delivered to a connection other than the sender.
    Misdirected,
    /// A marker that this run did not send.
    Foreign,
}

/// Classifies the markers that one connection receives.
pub(crate) struct Deduplicator<'a> {
    state: &'a RunState,
    connection: u32,
    /// Highest number received from each sender.
    last: HashMap<u32, u64>,
}

impl<'a> Deduplicator<'a> {
    pub(crate) fn new(state: &'a RunState, connection: u32) -> Self {
        Deduplicator { state, connection, last: HashMap::new() }
    }

    /// Classifies a marker and remembers it.
    pub(crate) fn classify(&mut self, marker: &Marker) -> MarkerKind {
        // Bounds the map: a server may make up senders.
        if marker.run != self.state.run || marker.connection >= self.state.connections {
            return MarkerKind::Foreign;
        }
        let is_own = marker.connection == self.connection;
        if !is_own && self.state.pattern == Pattern::Echo {
            return MarkerKind::Misdirected;
        }
        // Numbers start at 1.
        let last = self.last.entry(marker.connection).or_default();
        if marker.number <= *last {
            return MarkerKind::Duplicate;
        }
        *last = marker.number;
        MarkerKind::Response { is_own }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn repeated_and_outdated_markers_are_duplicates() {
        let config = Config { pattern: Pattern::Broadcast, ..Config::new("ws://h/") };
        let state = RunState::new(&config).unwrap();
        let mut deduplicator = Deduplicator::new(&state, 1);
        let mut classify =
            |connection, number| deduplicator.classify(&Marker { run: state.run, connection, number, intended: 0 });
        for (number, kind) in [
            (1, MarkerKind::Response { is_own: true }),
            (1, MarkerKind::Duplicate),
            (3, MarkerKind::Response { is_own: true }),
            (2, MarkerKind::Duplicate),
            (4, MarkerKind::Response { is_own: true }),
        ] {
            assert_eq!(classify(1, number), kind, "{number}");
        }
        let other = [classify(2, 1), classify(2, 1)];
        assert_eq!(other, [MarkerKind::Response { is_own: false }, MarkerKind::Duplicate], "senders are independent");
    }

    #[test]
    fn markers_of_other_clients_and_runs_are_not_responses() {
        let state = RunState::new(&Config::new("ws://h/")).unwrap();
        let mut deduplicator = Deduplicator::new(&state, 1);
        let marker = Marker { run: state.run, connection: 1, number: 1, intended: 0 };
        assert_eq!(deduplicator.classify(&Marker { connection: 2, ..marker }), MarkerKind::Misdirected);
        assert_eq!(deduplicator.classify(&Marker { run: !state.run, ..marker }), MarkerKind::Foreign);
        assert_eq!(deduplicator.classify(&Marker { connection: state.connections, ..marker }), MarkerKind::Foreign);
        assert_eq!(deduplicator.classify(&marker), MarkerKind::Response { is_own: true });
        assert_eq!(deduplicator.last.len(), 1);
    }
}
