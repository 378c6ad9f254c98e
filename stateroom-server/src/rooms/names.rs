//! Short names for new rooms.
//!
//! *Invariant:* names do not repeat until all names of their length have been used, and cannot be guessed from each other.
use std::hash::{BuildHasher, RandomState};

use crate::settings::ShortLength;

/// Generates short names: all words of a number of letters, each once, in a random order.
#[derive(Debug)]
pub(crate) struct ShortNames {
    letters: u8,
    next: u64,
    /// The random key of the order.
    key: RandomState,
}

impl ShortNames {
    pub(crate) fn new(length: ShortLength) -> Self {
        ShortNames { letters: length.letters(), next: 0, key: RandomState::new() }
    }

    /// Returns the number of names.
    pub(crate) fn count(&self) -> u64 {
        26_u64.pow(self.letters.into())
    }

    /// Returns the next name. After the last one, names repeat.
    pub(crate) fn next_name(&mut self) -> String {
        let number = self.shuffle(self.next);
        self.next = (self.next + 1) % self.count();
        self.spell(number)
    }

    /// Permutes the numbers below `count`: a Feistel network over the two halves of the number's bits, repeated until the
    /// result is in range.
    fn shuffle(&self, number: u64) -> u64 {
        let half = (u64::BITS - (self.count() - 1).leading_zeros()).div_ceil(2);
        let mask = (1_u64 << half) - 1;
        let mut number = number;
        loop {
            let (mut left, mut right) = (number >> half, number & mask);
            for round in 0..4_u8 {
                (left, right) = (right, left ^ (self.key.hash_one((round, right)) & mask));
            }
            number = left << half | right;
            if number < self.count() {
                return number;
            }
        }
    }

    fn spell(&self, mut number: u64) -> String {
        let mut letter = || {
            let letter = char::from(b'A' + (number % 26) as u8);
            number /= 26;
            letter
        };
        (0..self.letters).map(|_| letter()).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn names(letters: u8) -> ShortNames {
        ShortNames::new(ShortLength::new(letters).unwrap())
    }

    #[test]
    fn all_names_of_three_letters_occur_once_before_they_repeat() {
        let mut names = names(3);
        let all: Vec<String> = (0..17_576).map(|_| names.next_name()).collect();
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), 17_576);
        assert_eq!(names.next_name(), all[0]);
    }

    #[test]
    fn names_have_their_length_and_letters() {
        for letters in 3..=12 {
            let mut names = names(letters);
            for _ in 0..100 {
                let name = names.next_name();
                assert_eq!(name.len(), usize::from(letters));
                assert!(name.bytes().all(|letter| letter.is_ascii_uppercase()), "{name}");
            }
        }
    }

    #[test]
    fn two_servers_use_different_orders() {
        let first = |mut names: ShortNames| (0..5).map(|_| names.next_name()).collect::<Vec<_>>();
        assert_ne!(first(names(12)), first(names(12)));
    }
}
