//! The tokens by which returning clients keep their IDs.
//!
//! *Invariant:* never more than the limit. A token of a client in the room is never forgotten; of the others, the one
//! absent longest is forgotten first.
use std::{collections::HashMap, fmt};

use hashlink::LinkedHashMap;

use crate::ClientId;

/// The tokens a room remembers. They are secrets of the clients and never logged.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Tokens {
    present: HashMap<String, ClientId>,
    /// In the order in which they left.
    absent: LinkedHashMap<String, ClientId>,
    max: usize,
}

/// The result of remembering a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenOutcome {
    Remembered,
    /// The token replaced that of an absent client.
    ReplacedAbsent,
    /// Every remembered token belongs to a client in the room.
    NotRemembered,
}

impl Tokens {
    pub(crate) fn new(max: usize) -> Self {
        Tokens { present: HashMap::new(), absent: LinkedHashMap::new(), max }
    }

    /// Returns the client that used this token before, if it is remembered.
    pub(crate) fn client(&self, token: &str) -> Option<ClientId> {
        self.present.get(token).or_else(|| self.absent.get(token)).copied()
    }

    /// Marks a remembered token's client as present.
    pub(crate) fn mark_present(&mut self, token: &str) {
        if let Some((token, client)) = self.absent.remove_entry(token) {
            self.present.insert(token, client);
        }
    }

    /// Marks a remembered token's client as absent.
    pub(crate) fn mark_absent(&mut self, token: &str) {
        if let Some((token, client)) = self.present.remove_entry(token) {
            self.absent.insert(token, client);
        }
    }

    /// Remembers the token of a new client, which is present.
    pub(crate) fn remember(&mut self, token: &str, client: ClientId) -> TokenOutcome {
        let mut remembered = TokenOutcome::Remembered;
        if self.present.len() + self.absent.len() >= self.max {
            if self.absent.pop_front().is_none() {
                return TokenOutcome::NotRemembered;
            }
            remembered = TokenOutcome::ReplacedAbsent;
        }
        self.present.insert(token.to_owned(), client);
        remembered
    }

    /// All tokens: the absent ones first, in the order in which they left, then the present ones by client.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, ClientId)> {
        let mut present: Vec<_> = self.present.iter().map(|(token, client)| (token.as_str(), *client)).collect();
        present.sort_unstable_by_key(|(_, client)| *client);
        self.absent.iter().map(|(token, client)| (token.as_str(), *client)).chain(present)
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Tokens")
            .field("present", &self.present.len())
            .field("absent", &self.absent.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_returns_its_client() {
        let mut tokens = Tokens::new(2);
        assert_eq!(tokens.remember("a", ClientId(1)), TokenOutcome::Remembered);
        assert_eq!(tokens.client("b"), None);
        tokens.mark_absent("a");
        assert_eq!(tokens.client("a"), Some(ClientId(1)));
    }

    #[test]
    fn the_token_absent_longest_is_forgotten_first_and_never_a_present_one() {
        let mut tokens = Tokens::new(2);
        assert_eq!(tokens.remember("a", ClientId(1)), TokenOutcome::Remembered);
        assert_eq!(tokens.remember("b", ClientId(2)), TokenOutcome::Remembered);
        assert_eq!(tokens.remember("c", ClientId(3)), TokenOutcome::NotRemembered, "both are present");
        tokens.mark_absent("b");
        tokens.mark_absent("a");
        assert_eq!(tokens.remember("c", ClientId(3)), TokenOutcome::ReplacedAbsent);
        assert_eq!(tokens.client("b"), None);
        assert_eq!(tokens.client("a"), Some(ClientId(1)));
        tokens.mark_present("a");
        assert_eq!(tokens.remember("d", ClientId(4)), TokenOutcome::NotRemembered);
    }
}
