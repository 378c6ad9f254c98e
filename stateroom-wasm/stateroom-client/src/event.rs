//! The events of a room, and the errors of joining one.
use std::time::Duration;

/// An event of a [`Room`](crate::Room).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<T> {
    /// The room is joined, or joined again. Discard what is known of its state: it may have started afresh.
    Opened,
    /// A message from the room.
    Message(T),
    /// The connection is lost, or could not be established.
    Lost {
        /// The close code; 1006 without a close frame.
        code: u16,
        /// The server's reason, usually empty.
        reason: String,
        /// The delay until the next attempt, unless the browser comes online earlier.
        retry_in: Duration,
    },
    /// The connection was closed with a final code. No event follows.
    Over {
        /// The close code.
        code: u16,
        /// The server's reason.
        reason: String,
    },
}

/// An error that prevents even an attempt to join a room.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// The program does not run in a page of a browser, or runs in a worker.
    #[error("not running in a page of a browser")]
    NoPage,
    /// The name has no address beside the page: it is empty, `.` or `..`, or the page was not loaded over HTTP.
    #[error("`{0}` is not a valid room name")]
    Name(String),
    /// The browser rejects the address or a subprotocol.
    #[error("the browser rejects the room's address or a subprotocol")]
    Address,
}
