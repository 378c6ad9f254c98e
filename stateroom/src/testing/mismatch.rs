//! What a failed expectation says.
//!
//! *Invariant:* one message is one line, whatever is in it.
use std::{error::Error, fmt};

use similar::{Algorithm, ChangeTag};

use crate::{ClientId, MessagePayload};

/// Something in a room is not as it was expected. Its text, also as `Debug`, shows the difference line by line.
#[derive(Clone, PartialEq, Eq)]
pub struct Mismatch(String);

impl Mismatch {
    /// Something else than these messages.
    pub(super) fn messages(client: ClientId, expected: &[MessagePayload], got: &[MessagePayload]) -> Self {
        let [expected, got] = [expected, got].map(|messages| messages.iter().map(literal).collect::<Vec<_>>());
        let mut text = format!("client {} got something else than was expected (- expected, + got):", client.0);
        for operation in similar::capture_diff_slices(Algorithm::Myers, &expected, &got) {
            for change in operation.iter_changes(&expected, &got) {
                let sign = match change.tag() {
                    ChangeTag::Equal => ' ',
                    ChangeTag::Delete => '-',
                    ChangeTag::Insert => '+',
                };
                text.push_str(&format!("\n  {sign} {}", change.value()));
            }
        }
        Mismatch(text)
    }

    /// Something that one sentence tells.
    pub(super) fn of(text: String) -> Self {
        Mismatch(text)
    }

    /// The same, with what is said of it on a line before or behind.
    pub(super) fn and(self, before: &str, behind: &str) -> Self {
        let lines = [before, &self.0, behind].into_iter().filter(|line| !line.is_empty());
        Mismatch(lines.collect::<Vec<_>>().join("\n"))
    }
}

/// A message as a literal of Rust.
pub(super) fn literal(message: &MessagePayload) -> String {
    match message {
        MessagePayload::Text(text) => format!("{text:?}"),
        MessagePayload::Bytes(bytes) => format!("b\"{}\"", bytes.escape_ascii()),
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

// As `unwrap` and a test's `?` show it.
impl fmt::Debug for Mismatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Error for Mismatch {}
