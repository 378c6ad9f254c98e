//! The numbers a room goes by, the phases of its life, and the requests to join it.
use std::time::Duration;

use super::{close::CloseReason, roster::ConnectionId};
use crate::details::ClientDetails;

/// The numbers a room goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomRules {
    /// Maximum number of connections.
    pub max_connections: usize,
    /// Maximum number of remembered tokens.
    pub max_tokens: usize,
    /// Minimum time between two timer events.
    pub min_timer_interval: Duration,
    /// How long the room stays empty after its last client has left, before it ends; `None` is forever.
    pub empty_timeout: Option<Duration>,
    /// How long the room waits for its first client, before it ends; `None` is forever.
    pub unjoined_timeout: Option<Duration>,
    /// Whether the room ends with its last client. That client's `disconnect` is then not delivered.
    pub ends_with_last_client: bool,
}

impl Default for RoomRules {
    /// No limits, except for 1 ms between two timer events. The room never ends for being empty.
    fn default() -> Self {
        RoomRules {
            max_connections: usize::MAX,
            max_tokens: usize::MAX,
            min_timer_interval: Duration::from_millis(1),
            empty_timeout: None,
            unjoined_timeout: None,
            ends_with_last_client: false,
        }
    }
}

/// The phase of a room's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// Clients may join.
    Running,
    /// The server is about to stop: nobody may join, and the clients are closed one after the other.
    Draining,
    /// Another service is about to replace the current one. Clients stay.
    Restarting {
        /// Whether the room is also draining.
        draining: bool,
    },
    /// The room ends, and its clients are closed for this reason.
    Stopping(CloseReason),
}

/// A connection that joins a room.
#[derive(Debug)]
pub struct JoinRequest<E> {
    /// The connection.
    pub connection: ConnectionId,
    /// The token by which the client keeps its ID. A secret.
    pub token: Option<String>,
    /// What is known of the client besides its ID.
    pub details: Option<Box<ClientDetails>>,
    /// The way out to the client.
    pub egress: E,
}

/// A join that was rejected.
#[derive(Debug)]
pub struct Rejected<E> {
    /// The way out to the client.
    pub egress: E,
    /// The reason to close it with.
    pub reason: CloseReason,
}
