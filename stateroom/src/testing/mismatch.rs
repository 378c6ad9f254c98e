//! The error of an unmet expectation.
//!
//! *Invariant:* each message is shown on one line, whatever it contains.
use std::{error::Error, fmt};

use similar::{Algorithm, ChangeTag};

use crate::{ClientId, MessagePayload};

/// An unmet expectation. Its `Display` and `Debug` texts show the difference line by line.
#[derive(Clone, PartialEq, Eq)]
pub struct Mismatch(String);

impl Mismatch {
    /// Creates a mismatch that shows the difference between two lists of messages.
    pub(super) fn messages(client: ClientId, expected: &[MessagePayload], received: &[MessagePayload]) -> Self {
        let [expected, received] =
            [expected, received].map(|messages| messages.iter().map(literal).collect::<Vec<_>>());
        let mut text = format!("client {} received unexpected messages (- expected, + received):", client.0);
        for operation in similar::capture_diff_slices(Algorithm::Myers, &expected, &received) {
            for change in operation.iter_changes(&expected, &received) {
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

    /// Creates a mismatch with this text.
    pub(super) fn new(text: String) -> Self {
        Mismatch(text)
    }

    /// Adds a line before and after the text, unless it is empty.
    pub(super) fn with_lines(self, before: &str, after: &str) -> Self {
        let lines = [before, &self.0, after].into_iter().filter(|line| !line.is_empty());
        Mismatch(lines.collect::<Vec<_>>().join("\n"))
    }
}

/// Formats a message as a Rust literal.
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

// `unwrap` and the `?` of a test show the `Debug` text.
impl fmt::Debug for Mismatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Error for Mismatch {}
