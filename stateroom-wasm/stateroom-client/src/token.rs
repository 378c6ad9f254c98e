//! The secret by which a room knows a client again.
//!
//! *Invariant:* one that a server takes, and that nobody guesses.
use std::fmt::Write;

/// How long a server lets a token be unless told otherwise, in bytes.
const MOST_BYTES: usize = 512;

/// The one that is in the store, if it can be one; else a new one, of these random bytes.
pub(crate) fn stored_or_new(stored: Option<String>, random: [u8; 16]) -> String {
    stored.filter(|token| (1..=MOST_BYTES).contains(&token.len())).unwrap_or_else(|| {
        random.iter().fold(String::new(), |mut token, byte| {
            let _ = write!(token, "{byte:02x}");
            token
        })
    })
}

/// Under which name a room's token is in the store: no room gets to see that of another.
pub(crate) fn name(address: &str) -> String {
    format!("stateroom-token {address}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_one_is_taken_again_unless_it_cannot_be_one() {
        let new = "0001ff00000000000000000000000000";
        let random = [0, 1, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let long = "x".repeat(512);
        for (stored, taken) in [(None, new), (Some("s"), "s"), (Some(""), new), (Some(&long), &long)] {
            assert_eq!(stored_or_new(stored.map(str::to_owned), random), taken);
        }
        assert_eq!(stored_or_new(Some(long + "x"), random), new);
    }

    #[test]
    fn rooms_do_not_share_one() {
        assert_ne!(name("ws://x/ws/a"), name("ws://x/ws/b"));
    }
}
