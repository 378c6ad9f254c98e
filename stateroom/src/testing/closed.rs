//! How a simulated room closes a client, in the words of a server.
//!
//! *Invariant:* no code and no reason but those that a server would send.
use std::fmt;

use crate::fault::{Fault, FaultKind};

/// A WebSocket close frame has room for this many bytes of reason.
const MOST_REASON: usize = 123;

/// How the room closed a client.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Closed {
    /// The WebSocket close code.
    pub code: u16,
    /// The reason beside it.
    pub reason: String,
}

impl Closed {
    fn new(code: u16, reason: impl Into<String>) -> Self {
        let mut reason = reason.into();
        let end = (0..=MOST_REASON.min(reason.len())).rev().find(|at| reason.is_char_boundary(*at));
        reason.truncate(end.unwrap_or(0));
        Closed { code, reason }
    }

    /// The service asked for it: a code that is not a service's to send becomes 1000.
    pub(super) fn by_service(code: u16, reason: String) -> Self {
        Closed::new(if matches!(code, 1000 | 3000..=4999) { code } else { 1000 }, reason)
    }

    /// The room's service failed.
    pub(super) fn failed(fault: &Fault) -> Self {
        match fault.kind() {
            FaultKind::NoSpace => Closed::new(1013, "the server has no place for another room; try again later"),
            _ => Closed::new(1011, fault.public_reason()),
        }
    }

    /// The server stops.
    pub(super) fn stopping() -> Self {
        Closed::new(1012, "the server is stopping")
    }

    /// Somebody joined with the same token.
    pub(super) fn replaced() -> Self {
        Closed::new(4000, "replaced by a connection with the same token")
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {:?}", self.code, self.reason)
    }
}
