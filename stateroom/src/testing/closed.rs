//! How a simulated room closes a client.
//!
//! *Invariant:* codes and reasons are those that a server sends.
use std::fmt;

use crate::room::CloseReason;

/// The close code and reason with which the room closed a client.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Closed {
    /// The WebSocket close code.
    pub code: u16,
    /// The reason in the close frame.
    pub reason: String,
}

impl From<&CloseReason> for Closed {
    fn from(reason: &CloseReason) -> Self {
        Closed { code: reason.code(), reason: reason.text().into_owned() }
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {:?}", self.code, self.reason)
    }
}
