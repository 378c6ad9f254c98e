//! What a connection makes of the marks it hears.
//!
//! *Invariant:* a room tells what one sender said in the order it was said, so that of each sender the last number is all
//! there is to remember. Whatever is not above it is no answer: else what comes twice would make up for what is lost.
use std::collections::HashMap;

use super::{args::Pattern, board::Board, marker::Marker};

/// What a mark is to who hears it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
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
pub(crate) struct Ears<'a> {
    board: &'a Board,
    connection: u32,
    /// The highest number heard of each sender.
    last: HashMap<u32, u64>,
}

impl<'a> Ears<'a> {
    /// Of a connection that has heard nothing.
    pub(crate) fn new(board: &'a Board, connection: u32) -> Self {
        Ears { board, connection, last: HashMap::new() }
    }

    /// It hears that.
    pub(crate) fn hear(&mut self, marker: &Marker) -> Heard {
        // A server may make up senders, which are not to be remembered.
        if marker.run != self.board.run || marker.connection >= self.board.connections {
            return Heard::Foreign;
        }
        let own = marker.connection == self.connection;
        if !own && self.board.pattern == Pattern::Echo {
            return Heard::Astray;
        }
        // They count from 1.
        let last = self.last.entry(marker.connection).or_default();
        if marker.number <= *last {
            return Heard::Repeat;
        }
        *last = marker.number;
        Heard::Answer { own }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::args::Bench, *};

    #[test]
    fn what_is_heard_again_or_late_is_a_repeat() {
        let board = Board::new(&Bench::in_line(&["ws://h/", "--pattern", "broadcast"])).unwrap();
        let mut ears = Ears::new(&board, 1);
        let mut hear = |connection, number| ears.hear(&Marker { run: board.run, connection, number, intended: 0 });
        for (number, heard) in [
            (1, Heard::Answer { own: true }),
            (1, Heard::Repeat),
            (3, Heard::Answer { own: true }),
            (2, Heard::Repeat),
            (4, Heard::Answer { own: true }),
        ] {
            assert_eq!(hear(1, number), heard, "{number}");
        }
        assert_eq!((hear(2, 1), hear(2, 1)), (Heard::Answer { own: false }, Heard::Repeat), "each sender has its own");
    }

    #[test]
    fn others_answers_are_no_echo_and_other_runs_are_nobodys_business() {
        let board = Board::new(&Bench::in_line(&["ws://h/"])).unwrap();
        let mut ears = Ears::new(&board, 1);
        let marker = Marker { run: board.run, connection: 1, number: 1, intended: 0 };
        assert_eq!(ears.hear(&Marker { connection: 2, ..marker }), Heard::Astray);
        assert_eq!(ears.hear(&Marker { run: !board.run, ..marker }), Heard::Foreign);
        assert_eq!(ears.hear(&Marker { connection: board.connections, ..marker }), Heard::Foreign);
        assert_eq!(ears.hear(&marker), Heard::Answer { own: true });
        assert_eq!(ears.last.len(), 1);
    }
}
