//! The limits and timeouts of a room, the phases of its life, and the requests to join it.
//!
//! *Invariant:* plain values without behavior.
use std::time::Duration;

use super::{close::CloseReason, roster::ConnectionId};
use crate::details::ClientDetails;

/// The limits and timeouts of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomConfig {
    /// Maximum number of connections.
    pub max_connections: usize,
    /// Maximum number of remembered tokens.
    pub max_tokens: usize,
    /// Minimum time between two timer events.
    pub min_timer_interval: Duration,
    /// Minimum time between two timer events while no client is in the room.
    pub min_empty_timer_interval: Duration,
    /// Time after which the room ends when its last client has left. `None` disables it.
    pub empty_timeout: Option<Duration>,
    /// Time after which the room ends when no client has ever joined. `None` disables it.
    pub unjoined_timeout: Option<Duration>,
    /// Whether the room ends with its last client. That client's `disconnect` is then not delivered.
    pub ends_with_last_client: bool,
    /// Whether the room outlives its process: its service does not hear that a server stops, and hears later that the clients
    /// have left.
    pub is_durable: bool,
}

impl Default for RoomConfig {
    /// No limits, except for 1 ms between two timer events, and 1 s in an empty room. An empty room never ends.
    fn default() -> Self {
        RoomConfig {
            max_connections: usize::MAX,
            max_tokens: usize::MAX,
            min_timer_interval: Duration::from_millis(1),
            min_empty_timer_interval: Duration::from_secs(1),
            empty_timeout: None,
            unjoined_timeout: None,
            ends_with_last_client: false,
            is_durable: false,
        }
    }
}

/// The phase of a room's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// Clients may join.
    Running,
    /// The server is about to stop. Clients may not join, and are closed one after the other.
    Draining,
    /// Another service is about to replace the current one. Clients stay.
    Restarting {
        /// Whether the room is also draining.
        draining: bool,
    },
    /// The room is ending, and its clients are closed with this reason.
    Stopping(CloseReason),
}

/// A connection that joins a room.
#[derive(Debug)]
pub struct JoinRequest<E> {
    /// The connection.
    pub connection: ConnectionId,
    /// The token by which the client keeps its ID. A secret.
    pub token: Option<String>,
    /// The client's details, if there are any.
    pub details: Option<Box<ClientDetails>>,
    /// The outbound side of the connection.
    pub egress: E,
}

/// A join that was rejected.
#[derive(Debug)]
pub struct Rejected<E> {
    /// The outbound side of the connection.
    pub egress: E,
    /// The reason to close it with.
    pub reason: CloseReason,
}
