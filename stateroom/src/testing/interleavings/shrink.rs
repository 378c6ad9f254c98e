//! Shrinks failing steps to the fewest and simplest that still fail.
//!
//! *Invariant:* the result fails. Unless `MAX_RUNS` is reached, it passes when any one or two steps, or any client, are
//! removed.
use super::generate::{GeneratedStep, times};
use crate::{ClientId, testing::Step};

/// Maximum number of runs. Shrinking then stops at its best result.
const MAX_RUNS: usize = 20_000;

/// Returns the fewest and simplest steps found for which `fails` still holds.
pub(super) fn shrink(steps: Vec<GeneratedStep>, fails: impl Fn(&[GeneratedStep]) -> bool) -> Vec<GeneratedStep> {
    let mut shrinker = Shrinker { steps, fails, runs: 0 };
    while shrinker.remove_ranges() || shrinker.merge_clients() || shrinker.remove_pairs() || shrinker.simplify() {}
    shrinker.steps
}

struct Shrinker<F> {
    steps: Vec<GeneratedStep>,
    fails: F,
    runs: usize,
}

impl<F: Fn(&[GeneratedStep]) -> bool> Shrinker<F> {
    /// Replaces the steps if these fail, too. Returns whether they do.
    fn accept(&mut self, steps: Vec<GeneratedStep>) -> bool {
        self.runs += 1;
        let is_accepted = self.runs <= MAX_RUNS && (self.fails)(&steps);
        if is_accepted {
            self.steps = steps;
        }
        is_accepted
    }

    fn accept_without(&mut self, is_removed: impl Fn(usize) -> bool) -> bool {
        let rest = self.steps.iter().enumerate().filter(|(index, _)| !is_removed(*index));
        let rest = rest.map(|(_, step)| step.clone()).collect();
        self.accept(rest)
    }

    /// Removes ranges of steps: long ranges first, and from the end, because later steps matter less.
    fn remove_ranges(&mut self) -> bool {
        let before = self.steps.len();
        let mut length = before;
        while length > 0 {
            let mut end = self.steps.len();
            while end > 0 {
                let start = end.saturating_sub(length);
                self.accept_without(|index| (start..end).contains(&index));
                end = start;
            }
            length /= 2;
        }
        self.steps.len() < before
    }

    /// Removes two steps that depend on each other, such as a disconnect and the reconnect after it.
    fn remove_pairs(&mut self) -> bool {
        let pairs = (0..self.steps.len()).flat_map(|one| (0..one).map(move |other| (one, other)));
        let pairs: Vec<_> = pairs.collect();
        pairs.into_iter().any(|(one, other)| self.accept_without(|index| index == one || index == other))
    }

    /// Lets one client send the messages of two.
    fn merge_clients(&mut self) -> bool {
        let mut clients: Vec<_> = self.steps.iter().filter_map(|step| client_of(&step.step)).collect();
        clients.sort_unstable();
        clients.dedup();
        let pairs = clients.iter().flat_map(|into| clients.iter().map(move |from| (*from, *into)));
        let pairs: Vec<_> = pairs.filter(|(from, into)| from != into).collect();
        pairs.into_iter().any(|(from, into)| {
            let others = self.steps.iter().filter(
                |other| !matches!(other.step, Step::Connect { client, .. } | Step::Disconnect { client } if client == from),
            );
            let mut merged: Vec<_> = others.cloned().collect();
            for step in &mut merged {
                match &mut step.step {
                    Step::Send { client, .. } if *client == from => *client = into,
                    _ => {}
                }
            }
            self.accept(merged)
        })
    }

    /// Simplifies single steps: no token, less time, a simpler message.
    fn simplify(&mut self) -> bool {
        (0..self.steps.len()).any(|index| self.simplify_one(index))
    }

    fn simplify_one(&mut self, index: usize) -> bool {
        let Some(GeneratedStep { step, message }) = self.steps.get(index).cloned() else { return false };
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
                let mut can_simplify = message.borrow_mut().simplify();
                while can_simplify && self.runs < MAX_RUNS {
                    let simpler = message.borrow().current();
                    let is_accepted = self.accept_step(index, Step::Send { client, message: simpler });
                    is_simpler |= is_accepted;
                    let mut message = message.borrow_mut();
                    can_simplify = if is_accepted { message.simplify() } else { message.complicate() };
                }
                is_simpler
            }
            _ => false,
        }
    }

    fn accept_step(&mut self, index: usize, step: Step) -> bool {
        let mut steps = self.steps.clone();
        if let Some(replaced) = steps.get_mut(index) {
            replaced.step = step;
        }
        self.accept(steps)
    }
}

fn client_of(step: &Step) -> Option<ClientId> {
    match step {
        Step::Connect { client, .. } | Step::Send { client, .. } | Step::Disconnect { client } => Some(*client),
        _ => None,
    }
}
