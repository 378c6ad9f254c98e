//! From steps that break a service to the fewest and simplest that do.
//!
//! *Invariant:* what comes out breaks it, and taking away any one or two of its steps, or any client, does not.
use super::generate::{Move, times};
use crate::{ClientId, testing::Step};

/// After so many runs it is left at what was found.
const MOST_RUNS: usize = 20_000;

/// The fewest and simplest moves found that still break it.
pub(super) fn shrink(moves: Vec<Move>, breaks: impl Fn(&[Move]) -> bool) -> Vec<Move> {
    let mut shrinking = Shrinking { moves, breaks, runs: 0 };
    while shrinking.remove_rows() || shrinking.merge_clients() || shrinking.remove_pairs() || shrinking.simplify() {}
    shrinking.moves
}

struct Shrinking<F> {
    moves: Vec<Move>,
    breaks: F,
    runs: usize,
}

impl<F: Fn(&[Move]) -> bool> Shrinking<F> {
    /// Takes other moves instead, if they break it as well.
    fn accept(&mut self, moves: Vec<Move>) -> bool {
        self.runs += 1;
        let is_accepted = self.runs <= MOST_RUNS && (self.breaks)(&moves);
        if is_accepted {
            self.moves = moves;
        }
        is_accepted
    }

    fn accept_without(&mut self, is_out: impl Fn(usize) -> bool) -> bool {
        let rest = self.moves.iter().enumerate().filter(|(index, _)| !is_out(*index));
        let rest = rest.map(|(_, it)| it.clone()).collect();
        self.accept(rest)
    }

    /// Takes away steps that stand in a row: long rows first, from the end, as later ones matter less.
    fn remove_rows(&mut self) -> bool {
        let before = self.moves.len();
        let mut length = before;
        while length > 0 {
            let mut end = self.moves.len();
            while end > 0 {
                let start = end.saturating_sub(length);
                self.accept_without(|index| (start..end).contains(&index));
                end = start;
            }
            length /= 2;
        }
        self.moves.len() < before
    }

    /// Takes away two steps that need each other, as leaving and coming back do.
    fn remove_pairs(&mut self) -> bool {
        let pairs = (0..self.moves.len()).flat_map(|one| (0..one).map(move |other| (one, other)));
        let pairs: Vec<_> = pairs.collect();
        pairs.into_iter().any(|(one, other)| self.accept_without(|index| index == one || index == other))
    }

    /// Has one client do what two did.
    fn merge_clients(&mut self) -> bool {
        let mut clients: Vec<_> = self.moves.iter().filter_map(|it| client_of(&it.step)).collect();
        clients.sort_unstable();
        clients.dedup();
        let pairs = clients.iter().flat_map(|into| clients.iter().map(move |from| (*from, *into)));
        let pairs: Vec<_> = pairs.filter(|(from, into)| from != into).collect();
        pairs.into_iter().any(|(from, into)| {
            let others = self.moves.iter().filter(
                |it| !matches!(it.step, Step::Connect { client, .. } | Step::Disconnect { client } if client == from),
            );
            let mut merged: Vec<_> = others.cloned().collect();
            for it in &mut merged {
                match &mut it.step {
                    Step::Send { client, .. } if *client == from => *client = into,
                    _ => {}
                }
            }
            self.accept(merged)
        })
    }

    /// Makes single steps simpler: no token, less time, a simpler message.
    fn simplify(&mut self) -> bool {
        (0..self.moves.len()).any(|index| self.simplify_one(index))
    }

    fn simplify_one(&mut self, index: usize) -> bool {
        let Some(Move { step, message }) = self.moves.get(index).cloned() else { return false };
        match step {
            Step::Connect { client, token: Some(_), details } => {
                self.accept_step(index, Step::Connect { client, token: None, details })
            }
            Step::Advance { time } => {
                times(time).take_while(|less| *less < time).any(|time| self.accept_step(index, Step::Advance { time }))
            }
            Step::Send { client, .. } => {
                let Some(message) = message else { return false };
                let mut is_simpler = false;
                let mut goes_on = message.borrow_mut().simplify();
                while goes_on && self.runs < MOST_RUNS {
                    let simpler = message.borrow().current();
                    let is_accepted = self.accept_step(index, Step::Send { client, message: simpler });
                    is_simpler |= is_accepted;
                    let mut message = message.borrow_mut();
                    goes_on = if is_accepted { message.simplify() } else { message.complicate() };
                }
                is_simpler
            }
            _ => false,
        }
    }

    fn accept_step(&mut self, index: usize, step: Step) -> bool {
        let mut moves = self.moves.clone();
        if let Some(it) = moves.get_mut(index) {
            it.step = step;
        }
        self.accept(moves)
    }
}

fn client_of(step: &Step) -> Option<ClientId> {
    match step {
        Step::Connect { client, .. } | Step::Send { client, .. } | Step::Disconnect { client } => Some(*client),
        _ => None,
    }
}
