//! The causes for which a connection is closed: their WebSocket close codes, labels and reasons, in one table.
//!
//! | cause | code | may the client reconnect? |
//! |-|-|-|
//! | closed by the service | 1000, 3000 to 4999 | up to the service |
//! | room ended by the service | 1000 | up to the service |
//! | room closed through its handle | 1000, 1012, 3000 to 4999 | up to the program; 1012: yes, with jitter |
//! | closed by the client | the client's own, echoed | up to the client |
//! | malformed frames | 1002, 1007 for a text that is not UTF-8 | no |
//! | rate exceeded, message too slow, or idle for too long | 1008 | no |
//! | message too big | 1009 | no |
//! | service of the room failed | 1011 | yes |
//! | server stopping | 1012 | yes, with jitter |
//! | too slow; room full; server without capacity or memory; disk stalled; no client IDs left | 1013 | yes, later |
//! | replaced by a connection with the same token | 4000 | no |
//! | heartbeat lost | 4001 | yes |
//!
//! The causes that a room decides itself are [`CloseReason`]s.
//!
//! *Invariant:* no close frame leaves the server whose code and reason are not made here.
use std::{borrow::Cow, fmt, time::Duration};

use stateroom::room::{CloseReason, truncate};

use crate::settings::Limit;

/// The cause for which a connection is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CloseCause {
    /// The client closed it.
    ByPeer,
    /// The room closed it.
    Room(CloseReason),
    /// The client sent malformed frames.
    Protocol(String),
    /// The client sent a text that is not UTF-8.
    NotUtf8,
    /// The client sent a message or a frame of more than `max` bytes.
    TooBig { limit: Limit, max: usize },
    /// More is queued for the client than it reads.
    TooSlow { limit: Limit },
    /// The client sends more per second than it may.
    TooFast { limit: Limit },
    /// A message was incomplete for this long.
    MessageTime(Duration),
    /// The client sent nothing for this long.
    Idle(Duration),
    /// The client did not answer pings.
    HeartbeatLost,
    /// The server is short of memory, of which the client held much.
    NoMemory,
}

impl CloseCause {
    /// The close code.
    pub(crate) fn code(&self) -> u16 {
        match self {
            CloseCause::ByPeer => 1000,
            CloseCause::Room(reason) => reason.code(),
            CloseCause::Protocol(_) => 1002,
            CloseCause::NotUtf8 => 1007,
            CloseCause::TooFast { .. } | CloseCause::MessageTime(_) | CloseCause::Idle(_) => 1008,
            CloseCause::TooBig { .. } => 1009,
            CloseCause::TooSlow { .. } | CloseCause::NoMemory => 1013,
            CloseCause::HeartbeatLost => 4001,
        }
    }

    /// The limit of the connection that was exceeded, if any.
    pub(crate) fn limit(&self) -> Option<Limit> {
        match self {
            CloseCause::TooBig { limit, .. } | CloseCause::TooSlow { limit } | CloseCause::TooFast { limit } => {
                Some(*limit)
            }
            CloseCause::MessageTime(_) => Some(Limit::MessageTime),
            CloseCause::Idle(_) => Some(Limit::IdleTime),
            CloseCause::NoMemory => Some(Limit::TotalMemoryBytes),
            _ => None,
        }
    }

    /// A short name, for logs and metrics.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            CloseCause::ByPeer => "by_peer",
            CloseCause::Room(reason) => reason.label(),
            CloseCause::Protocol(_) => "protocol",
            CloseCause::NotUtf8 => "not_utf8",
            CloseCause::TooBig { .. } => "too_big",
            CloseCause::TooSlow { .. } => "too_slow",
            CloseCause::TooFast { .. } => "too_fast",
            CloseCause::MessageTime(_) => "message_time",
            CloseCause::Idle(_) => "idle",
            CloseCause::HeartbeatLost => "heartbeat_lost",
            CloseCause::NoMemory => "no_memory",
        }
    }

    /// The reason in the close frame, truncated to what fits.
    pub(crate) fn reason(&self) -> Cow<'_, str> {
        let reason = match self {
            CloseCause::Room(reason) => return reason.text(),
            CloseCause::Protocol(reason) => Cow::Borrowed(reason.as_str()),
            CloseCause::ByPeer => "".into(),
            CloseCause::NotUtf8 => "a text message is not valid UTF-8".into(),
            CloseCause::TooBig { limit: Limit::FrameBytes, max } => {
                format!("a frame is larger than {max} bytes").into()
            }
            CloseCause::TooBig { max, .. } => format!("a message is larger than {max} bytes").into(),
            CloseCause::TooSlow { .. } => "too slow: too much is queued".into(),
            CloseCause::TooFast { limit: Limit::BytesPerSecond } => "too many bytes per second".into(),
            CloseCause::TooFast { .. } => "too many messages per second".into(),
            CloseCause::MessageTime(time) => format!("a message took longer than {} s", time.as_secs_f64()).into(),
            CloseCause::Idle(time) => format!("no message for {} s", time.as_secs_f64()).into(),
            CloseCause::HeartbeatLost => "heartbeat lost".into(),
            CloseCause::NoMemory => "the server is short of memory".into(),
        };
        truncate(reason)
    }
}

impl From<CloseReason> for CloseCause {
    fn from(reason: CloseReason) -> Self {
        CloseCause::Room(reason)
    }
}

impl fmt::Display for CloseCause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.label(), self.code())
    }
}
