//! The secret by which a room recognizes a returning client.
//!
//! *Invariant:* servers accept it, and it cannot be guessed.
use std::fmt::Write;

/// Maximum length of a token that servers accept by default, in bytes.
const MAX_BYTES: usize = 512;

/// Returns the stored token if it is valid, or else a new one made of random bytes.
pub(crate) fn stored_or_new(stored: Option<String>, random: [u8; 16]) -> String {
    stored.filter(|token| (1..=MAX_BYTES).contains(&token.len())).unwrap_or_else(|| {
        random.iter().fold(String::new(), |mut token, byte| {
            let _ = write!(token, "{byte:02x}");
            token
        })
    })
}

/// Returns whether a token is a valid subprotocol (RFC 9110, section 5.6.2).
pub(crate) fn is_subprotocol(token: &str) -> bool {
    let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !token.is_empty() && token.bytes().all(is_valid)
}

/// Returns the storage key of a room's token. Each room has its own, so that none sees another's token.
pub(crate) fn name(address: &str) -> String {
    format!("stateroom-token {address}")
}

/// Returns the storage key of the mark that the last page of the tab has released the token.
pub(crate) fn released_name(address: &str) -> String {
    format!("stateroom-token-released {address}")
}

/// Returns the name of a token's lock. Pages of the same origin see it, so it contains the last characters only.
pub(crate) fn lock_name(token: &str) -> String {
    let end = token.char_indices().rev().nth(7).and_then(|(index, _)| token.get(index..)).unwrap_or(token);
    format!("stateroom token {end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_token_is_reused_unless_invalid() {
        let new = "0001ff00000000000000000000000000";
        let random = [0, 1, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let long = "x".repeat(512);
        for (stored, taken) in [(None, new), (Some("s"), "s"), (Some(""), new), (Some(&long), &long)] {
            assert_eq!(stored_or_new(stored.map(str::to_owned), random), taken);
        }
        assert_eq!(stored_or_new(Some(long + "x"), random), new);
    }

    #[test]
    fn the_name_of_a_lock_does_not_reveal_the_token() {
        assert_eq!(lock_name("0001ff000000000000000000deadbeef"), "stateroom token deadbeef");
        assert_eq!(lock_name("é"), "stateroom token é");
    }

    #[test]
    fn rooms_do_not_share_a_token() {
        assert_ne!(name("ws://x/ws/a"), name("ws://x/ws/b"));
    }
}
