//! The reasons for which a room closes a client: their WebSocket close codes, labels and texts.
//!
//! *Invariant:* every code and text with which a room closes a client is defined here.
use std::borrow::Cow;

use crate::fault::{Fault, FaultKind};

/// Longest reason in a WebSocket close frame, in bytes (RFC 6455, section 5.5).
pub const MAX_REASON_BYTES: usize = 123;

/// The reason for which a room closes a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CloseReason {
    /// The service closed the client.
    Service {
        /// The close code.
        code: u16,
        /// The text.
        reason: String,
    },
    /// The room was closed through its handle.
    RoomClosed {
        /// The close code.
        code: u16,
        /// The text.
        reason: String,
    },
    /// The service ended the room.
    RoomEnded,
    /// The room's service failed.
    ServiceFailed(String),
    /// The server is stopping.
    Stopping,
    /// The server has no capacity for another room.
    NoCapacity,
    /// The server's disk does not answer, and something of the client waits for it.
    DiskStalled,
    /// The room has reached its maximum number of connections.
    RoomFull,
    /// The room has no client IDs left.
    ClientIdsExhausted,
    /// Another connection joined with the same token.
    Replaced,
}

impl CloseReason {
    /// Returns whether a service may close a client with this code: 1000, or 3000 to 4999.
    #[must_use]
    pub fn is_service_code(code: u16) -> bool {
        matches!(code, 1000 | 3000..=4999)
    }

    /// Returns whether the program that embeds the server may close a room with this code: a service's codes, and 1012,
    /// after which clients reconnect.
    #[must_use]
    pub fn is_room_code(code: u16) -> bool {
        code == 1012 || Self::is_service_code(code)
    }

    /// Creates the reason for a close that a service requested. Codes that it may not use become 1000.
    #[must_use]
    pub fn by_service(code: u16, reason: String) -> Self {
        CloseReason::Service { code: if Self::is_service_code(code) { code } else { 1000 }, reason }
    }

    /// Creates the reason for a room closed through its handle. Codes that are not allowed become 1000.
    #[must_use]
    pub fn room_closed(code: u16, reason: String) -> Self {
        CloseReason::RoomClosed { code: if Self::is_room_code(code) { code } else { 1000 }, reason }
    }

    /// Returns the close code.
    #[must_use]
    pub fn code(&self) -> u16 {
        match self {
            CloseReason::Service { code, .. } | CloseReason::RoomClosed { code, .. } => *code,
            CloseReason::RoomEnded => 1000,
            CloseReason::ServiceFailed(_) => 1011,
            CloseReason::Stopping => 1012,
            CloseReason::NoCapacity
            | CloseReason::DiskStalled
            | CloseReason::RoomFull
            | CloseReason::ClientIdsExhausted => 1013,
            CloseReason::Replaced => 4000,
        }
    }

    /// Returns a short name, for logs and metrics.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            CloseReason::Service { .. } => "service",
            CloseReason::RoomClosed { .. } => "room_closed",
            CloseReason::RoomEnded => "room_ended",
            CloseReason::ServiceFailed(_) => "failed",
            CloseReason::Stopping => "stopping",
            CloseReason::NoCapacity => "rooms_full",
            CloseReason::DiskStalled => "disk_stalled",
            CloseReason::RoomFull => "room_full",
            CloseReason::ClientIdsExhausted => "numbers_exhausted",
            CloseReason::Replaced => "replaced",
        }
    }

    /// Returns the text in the close frame, truncated to [`MAX_REASON_BYTES`].
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        let text = match self {
            CloseReason::Service { reason, .. }
            | CloseReason::RoomClosed { reason, .. }
            | CloseReason::ServiceFailed(reason) => reason,
            CloseReason::RoomEnded => "the room has ended",
            CloseReason::Stopping => "the server is stopping",
            CloseReason::NoCapacity => "the server has no capacity for another room; try again later",
            CloseReason::DiskStalled => {
                "the server's disk does not answer; what was not confirmed may be lost; try again later"
            }
            CloseReason::RoomFull => "the room is full; try again later",
            CloseReason::ClientIdsExhausted => "the room has no client IDs left",
            CloseReason::Replaced => "replaced by a connection with the same token",
        };
        truncate(text.into())
    }
}

impl From<&Fault> for CloseReason {
    fn from(fault: &Fault) -> Self {
        match fault.kind() {
            FaultKind::NoSpace | FaultKind::DiskFull => CloseReason::NoCapacity,
            _ => CloseReason::ServiceFailed(fault.public_reason()),
        }
    }
}

/// Truncates a text to [`MAX_REASON_BYTES`], between characters.
#[must_use]
pub fn truncate(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.len() <= MAX_REASON_BYTES {
        return text;
    }
    let end = (0..=MAX_REASON_BYTES).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.get(..end).unwrap_or_default().to_owned().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_closes_with_its_own_codes_only() {
        for (requested, sent) in [
            (1000, 1000),
            (3000, 3000),
            (4999, 4999),
            (1006, 1000),
            (1011, 1000),
            (1012, 1000),
            (0, 1000),
            (5000, 1000),
        ] {
            assert_eq!(CloseReason::by_service(requested, String::new()).code(), sent, "{requested}");
        }
    }

    #[test]
    fn a_room_may_also_be_closed_with_1012() {
        for (requested, sent) in [(1000, 1000), (1012, 1012), (4999, 4999), (1011, 1000), (1013, 1000), (5000, 1000)] {
            assert_eq!(CloseReason::room_closed(requested, String::new()).code(), sent, "{requested}");
        }
    }

    #[test]
    fn a_text_is_truncated_between_characters() {
        let text = |text: String| CloseReason::by_service(1000, text).text().into_owned();
        assert_eq!(text("é".repeat(100)), "é".repeat(61));
        assert_eq!(text("x".repeat(200)).len(), 123);
        assert_eq!(text("x".repeat(123)).len(), 123);
    }
}
