//! Why a connection is closed: the one table of causes, their WebSocket close codes, labels and reasons.
//!
//! | cause | code | may the client try again? |
//! |-|-|-|
//! | asked for by the service | 1000, 3000 to 4999 | its own rule |
//! | the room was closed by the program around it | 1000, 1012, 3000 to 4999 | its own rule; 1012: yes, with jitter |
//! | closed by the client | its own, back to it | its own rule |
//! | bytes that are no WebSocket frames | 1002, 1007 for a text that is not UTF-8 | no |
//! | the room has just been forgotten | 1008 | no |
//! | messages too often, too slow in coming, or none for too long | 1008 | no |
//! | message too big | 1009 | no |
//! | the room's service failed | 1011 | yes |
//! | the server stops | 1012 | yes, with jitter |
//! | too slow to keep up; the room is backing off; no place in it, or for another room; no number for another client | 1013 | yes, later |
//! | replaced by a connection with the same token | 4000 | no |
//! | heartbeat lost | 4001 | yes |
//!
//! *Invariant:* no close frame leaves the server whose code and reason are not made here.
use std::{borrow::Cow, fmt, time::Duration};

use stateroom::ClientId;

/// A WebSocket close frame has room for this many bytes of reason.
const MAX_REASON: usize = 123;

/// Why a connection is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CloseCause {
    /// The client closed it.
    ByPeer,
    /// The room's service asked for it.
    Service { code: u16, reason: String },
    /// The program around the rooms closed the room.
    RoomClosed { code: u16, reason: String },
    /// What came is no WebSocket traffic.
    Protocol(String),
    /// A text that came is not UTF-8.
    NotUtf8,
    /// A message that came, or a frame, is larger than that many bytes.
    TooBig {
        /// Which limit that is.
        limit: &'static str,
        most: usize,
    },
    /// The room's service failed.
    Failed(String),
    /// The server stops.
    Stopping,
    /// More waits for the client than it reads.
    TooSlow {
        /// Which limit that is.
        limit: &'static str,
    },
    /// The client sends more each second than it may.
    TooFast {
        /// Which limit that is.
        limit: &'static str,
    },
    /// A message was under way for that long.
    MessageTime(Duration),
    /// The client has said nothing for that long.
    Idle(Duration),
    /// The room failed again and again, and rests for that long.
    BackingOff(Duration),
    /// The room was forgotten while the client was joining it.
    NotFound,
    /// There are as many rooms as there may be.
    RoomsFull,
    /// There are as many clients in the room as there may be.
    RoomFull,
    /// The room has no client numbers left.
    NumbersExhausted,
    /// Somebody joined with the same token.
    Replaced,
    /// Nothing was heard of the client for too long.
    HeartbeatLost,
}

impl CloseCause {
    /// What a service asks for: codes that are not a service's to send become 1000.
    pub(crate) fn service(room: &str, client: ClientId, code: u16, reason: String) -> Self {
        let allowed = code == 1000 || (3000..=4999).contains(&code);
        if !allowed {
            tracing::warn!(
                room,
                client = client.0,
                code,
                "a service asked to close a client with a code that is not its own; sent as 1000"
            );
        }
        CloseCause::Service { code: if allowed { code } else { 1000 }, reason }
    }

    /// What the program around the rooms asks for: as above, and 1012 besides, after which clients come back.
    pub(crate) fn room_closed(room: &str, code: u16, reason: String) -> Self {
        let allowed = matches!(code, 1000 | 1012 | 3000..=4999);
        if !allowed {
            tracing::warn!(room, code, "a room is closed with a code that is not the program's own; sent as 1000");
        }
        CloseCause::RoomClosed { code: if allowed { code } else { 1000 }, reason }
    }

    /// The code in the close frame.
    pub(crate) fn code(&self) -> u16 {
        match self {
            CloseCause::ByPeer => 1000,
            CloseCause::Service { code, .. } | CloseCause::RoomClosed { code, .. } => *code,
            CloseCause::Protocol(_) => 1002,
            CloseCause::NotUtf8 => 1007,
            CloseCause::NotFound | CloseCause::TooFast { .. } | CloseCause::MessageTime(_) | CloseCause::Idle(_) => {
                1008
            }
            CloseCause::TooBig { .. } => 1009,
            CloseCause::Failed(_) => 1011,
            CloseCause::Stopping => 1012,
            CloseCause::TooSlow { .. }
            | CloseCause::BackingOff(_)
            | CloseCause::RoomsFull
            | CloseCause::RoomFull
            | CloseCause::NumbersExhausted => 1013,
            CloseCause::Replaced => 4000,
            CloseCause::HeartbeatLost => 4001,
        }
    }

    /// Which limit of the connection was met, if it was one.
    pub(crate) fn limit(&self) -> Option<&'static str> {
        match self {
            CloseCause::TooBig { limit, .. } | CloseCause::TooSlow { limit } | CloseCause::TooFast { limit } => {
                Some(limit)
            }
            CloseCause::MessageTime(_) => Some("message_time"),
            CloseCause::Idle(_) => Some("idle_time"),
            _ => None,
        }
    }

    /// A short name, for logs and metrics.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            CloseCause::ByPeer => "by_peer",
            CloseCause::Service { .. } => "service",
            CloseCause::RoomClosed { .. } => "room_closed",
            CloseCause::Protocol(_) => "protocol",
            CloseCause::NotUtf8 => "not_utf8",
            CloseCause::TooBig { .. } => "too_big",
            CloseCause::Failed(_) => "failed",
            CloseCause::Stopping => "stopping",
            CloseCause::TooSlow { .. } => "too_slow",
            CloseCause::TooFast { .. } => "too_fast",
            CloseCause::MessageTime(_) => "message_time",
            CloseCause::Idle(_) => "idle",
            CloseCause::BackingOff(_) => "backing_off",
            CloseCause::NotFound => "not_found",
            CloseCause::RoomsFull => "rooms_full",
            CloseCause::RoomFull => "room_full",
            CloseCause::NumbersExhausted => "numbers_exhausted",
            CloseCause::Replaced => "replaced",
            CloseCause::HeartbeatLost => "heartbeat_lost",
        }
    }

    /// The reason in the close frame, cut where it does not fit.
    pub(crate) fn reason(&self) -> Cow<'_, str> {
        let reason = match self {
            CloseCause::Service { reason, .. }
            | CloseCause::RoomClosed { reason, .. }
            | CloseCause::Failed(reason)
            | CloseCause::Protocol(reason) => Cow::Borrowed(reason.as_str()),
            CloseCause::ByPeer => "".into(),
            CloseCause::NotUtf8 => "a text message is not UTF-8".into(),
            CloseCause::NotFound => "there is no such room".into(),
            CloseCause::TooBig { limit: "frame_bytes", most } => format!("a frame is larger than {most} bytes").into(),
            CloseCause::TooBig { most, .. } => format!("a message is larger than {most} bytes").into(),
            CloseCause::Stopping => "the server is stopping".into(),
            CloseCause::TooSlow { .. } => "too slow: more messages wait than may".into(),
            CloseCause::TooFast { limit: "bytes_per_second" } => "too many bytes a second".into(),
            CloseCause::TooFast { .. } => "too many messages a second".into(),
            CloseCause::MessageTime(time) => format!("a message took longer than {} s", time.as_secs_f64()).into(),
            CloseCause::Idle(time) => format!("nothing was said for {} s", time.as_secs_f64()).into(),
            CloseCause::BackingOff(wait) => {
                format!("the room keeps failing; try again in {} s", wait.as_secs().max(1)).into()
            }
            CloseCause::RoomsFull => "the server has no place for another room; try again later".into(),
            CloseCause::RoomFull => "the room is full; try again later".into(),
            CloseCause::NumbersExhausted => "the room can count no further clients".into(),
            CloseCause::Replaced => "replaced by a connection with the same token".into(),
            CloseCause::HeartbeatLost => "no sign of life".into(),
        };
        cut(reason)
    }
}

impl fmt::Display for CloseCause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.label(), self.code())
    }
}

/// At most 123 bytes of `reason`, without cutting a character in two.
fn cut(reason: Cow<'_, str>) -> Cow<'_, str> {
    if reason.len() <= MAX_REASON {
        return reason;
    }
    let end = (0..=MAX_REASON).rev().find(|at| reason.is_char_boundary(*at)).unwrap_or(0);
    reason.get(..end).unwrap_or_default().to_owned().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(code: u16, reason: String) -> CloseCause {
        CloseCause::service("a", ClientId(1), code, reason)
    }

    #[test]
    fn a_service_sends_its_own_codes_and_no_others() {
        for (asked, sent) in
            [(1000, 1000), (3000, 3000), (4999, 4999), (1006, 1000), (1011, 1000), (0, 1000), (5000, 1000)]
        {
            assert_eq!(service(asked, String::new()).code(), sent, "asked for {asked}");
        }
    }

    #[test]
    fn a_closed_room_may_be_worth_coming_back_to() {
        for (asked, sent) in [(1000, 1000), (1012, 1012), (4999, 4999), (1011, 1000), (1013, 1000), (5000, 1000)] {
            assert_eq!(CloseCause::room_closed("a", asked, String::new()).code(), sent, "asked for {asked}");
        }
    }

    #[test]
    fn a_reason_is_cut_between_characters() {
        let long = "é".repeat(100);
        let cause = service(1000, long);
        assert_eq!(cause.reason(), "é".repeat(61));
        assert_eq!(service(1000, "x".repeat(200)).reason().len(), 123);
        assert_eq!(service(1000, "x".repeat(123)).reason().len(), 123);
    }
}
