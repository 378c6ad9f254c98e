//! Violations of the guest interface by a guest.
//!
//! *Invariant:* each is an error of its own, so that it becomes the right kind of fault instead of a trap.
use stateroom::{fault::FaultKind, wire::WireError};

use crate::{config::Limit, display::ByteSize};

/// A violation of the guest interface by a guest.
///
/// A fault has one message, so causes are part of it instead of being sources.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProtocolViolation {
    #[error("the guest passed {length} bytes at address {address}, out of bounds: its memory has {size} bytes")]
    OutOfBounds { address: u32, length: u32, size: usize },
    #[error("`stateroom_malloc` failed to allocate {length} bytes")]
    AllocationFailed { length: u32 },
    #[error("the guest has no memory")]
    NoMemory,
    #[error("the guest sent an invalid message: {0}")]
    InvalidMessage(WireError),
    #[error("the guest's answer to `stateroom_hello` has {length} bytes; the limit is {limit}")]
    AnswerTooLong { length: u32, limit: u32 },
    #[error("the guest's answer to `stateroom_hello` is invalid: {0}")]
    InvalidAnswer(WireError),
    #[error("the guest retracted effects that it had published")]
    EffectsRetracted,
    #[error("the guest published effects after the end of the last finished event")]
    TrailingEffects,
    #[error("the guest finished {finished} events of a batch of {expected}")]
    EventCount { expected: usize, finished: usize },
    #[error("an event of {length} bytes does not fit in a guest's memory")]
    EventTooLong { length: usize },
    #[error("an event produced more than {} of effects", ByteSize(*limit))]
    EffectBytes { limit: usize },
    #[error("an event produced more than {limit} effects")]
    Effects { limit: usize },
}

impl From<WireError> for ProtocolViolation {
    fn from(error: WireError) -> Self {
        ProtocolViolation::InvalidMessage(error)
    }
}

impl ProtocolViolation {
    /// Returns the limit that was exceeded, if any.
    pub(crate) fn limit(&self) -> Option<Limit> {
        match self {
            ProtocolViolation::EffectBytes { .. } => Some(Limit::EffectBytes),
            ProtocolViolation::Effects { .. } => Some(Limit::Effects),
            _ => None,
        }
    }

    /// Returns the kind of fault that it leads to.
    pub(crate) fn kind(&self) -> FaultKind {
        match self {
            ProtocolViolation::OutOfBounds { .. }
            | ProtocolViolation::AllocationFailed { .. }
            | ProtocolViolation::NoMemory => FaultKind::BadPointer,
            ProtocolViolation::InvalidMessage(_)
            | ProtocolViolation::AnswerTooLong { .. }
            | ProtocolViolation::InvalidAnswer(_)
            | ProtocolViolation::EffectsRetracted
            | ProtocolViolation::TrailingEffects
            | ProtocolViolation::EventCount { .. } => FaultKind::BadMessage,
            ProtocolViolation::EventTooLong { .. } => FaultKind::Memory,
            ProtocolViolation::EffectBytes { .. } | ProtocolViolation::Effects { .. } => FaultKind::Effects,
        }
    }
}
