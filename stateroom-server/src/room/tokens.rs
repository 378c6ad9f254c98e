//! Who had which number: the tokens that a room remembers.
//!
//! *Invariant:* never more than the limit; of the absent, the one that left first is forgotten first.
use std::collections::HashMap;

use stateroom::ClientId;

use crate::limits;

/// The tokens of a room. They are secrets of their clients, and never logged.
#[derive(Default)]
pub(crate) struct Tokens {
    clients: HashMap<String, Entry>,
    most: usize,
    departures: u64,
}

struct Entry {
    client: ClientId,
    /// When it left, counted in departures; `None` while it is here.
    left: Option<u64>,
}

impl Tokens {
    pub(crate) fn new(most: usize) -> Self {
        Tokens { most, ..Tokens::default() }
    }

    /// The client that had this token before; it is here again.
    pub(crate) fn returning(&mut self, token: &str) -> Option<ClientId> {
        let entry = self.clients.get_mut(token)?;
        entry.left = None;
        Some(entry.client)
    }

    /// Remembers the token of a new client. Says no where all that may be remembered are here.
    pub(crate) fn remember(&mut self, token: &str, client: ClientId) -> bool {
        if self.clients.len() >= self.most {
            limits::exceeded("tokens");
            if !self.forget_one() {
                return false;
            }
        }
        self.clients.insert(token.to_owned(), Entry { client, left: None });
        true
    }

    /// The client with this token has left.
    pub(crate) fn absent(&mut self, token: &str) {
        if let Some(entry) = self.clients.get_mut(token) {
            self.departures += 1;
            entry.left = Some(self.departures);
        }
    }

    fn forget_one(&mut self) -> bool {
        let oldest = self.clients.iter().filter_map(|(token, entry)| Some((entry.left?, token))).min();
        let Some(token) = oldest.map(|(_, token)| token.clone()) else { return false };
        self.clients.remove(&token);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_brings_back_its_number() {
        let mut tokens = Tokens::new(2);
        assert!(tokens.remember("a", ClientId(1)));
        assert_eq!(tokens.returning("b"), None);
        tokens.absent("a");
        assert_eq!(tokens.returning("a"), Some(ClientId(1)));
    }

    #[test]
    fn the_one_absent_for_longest_is_forgotten_first_and_nobody_who_is_here() {
        let mut tokens = Tokens::new(2);
        assert!(tokens.remember("a", ClientId(1)) && tokens.remember("b", ClientId(2)));
        assert!(!tokens.remember("c", ClientId(3)), "both are here");
        tokens.absent("b");
        tokens.absent("a");
        assert!(tokens.remember("c", ClientId(3)));
        assert_eq!(tokens.returning("b"), None);
        assert_eq!(tokens.returning("a"), Some(ClientId(1)));
    }
}
