//! How calls and requests to a room are answered.
//!
//! *Invariant:* each is answered once, or its room has ended.
use thiserror::Error;
use tokio::sync::oneshot;

/// The room ended before completing the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the room has ended")]
pub struct RoomEnded;

/// The reason why a call or a request has no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CallError {
    /// The room ended before it answered.
    #[error(transparent)]
    RoomEnded(#[from] RoomEnded),
    /// The service failed, and the event was undone: the room goes on as if it had not received it. Only rooms with a
    /// [store](crate::Server::with_store) do so. With the reason that clients are told.
    #[error("the service failed: {0}")]
    Failed(String),
}

/// Receives the outcome of a call or a request.
pub(crate) type Reply<T> = oneshot::Sender<Result<Option<T>, CallError>>;
