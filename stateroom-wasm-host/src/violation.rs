//! What a guest can do wrong in dealing with its host.
//!
//! *Invariant:* each is an error of its own type, so that it becomes the right kind of fault and not just a trap.
use stateroom::{fault::FaultKind, wire::WireError};

use crate::{config::Limit, limits::Size};

/// What a guest did wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Breach {
    #[error("the guest named {length} bytes at address {address}; its memory has {size} bytes")]
    OutOfBounds { address: u32, length: u32, size: usize },
    #[error("`stateroom_malloc` returned no memory for {length} bytes")]
    NoBuffer { length: u32 },
    #[error("the guest has no memory to give")]
    NoMemory,
    // The message of a fault is one text, so the cause is part of it and not a source.
    #[error("the guest sent what is no message: {0}")]
    Message(WireError),
    #[error("the guest's answer to `stateroom_hello` has {length} bytes; the limit is {limit}")]
    AnswerLength { length: u32, limit: u32 },
    #[error("the guest's answer to `stateroom_hello` is none: {0}")]
    Answer(WireError),
    #[error("the guest sent a message in the middle of a row of events")]
    SentInRow,
    #[error("the guest took back effects that it had shown")]
    TookBack,
    #[error("the guest showed effects behind the last event that is over")]
    NotOver,
    #[error("of a row of {given} events, the guest says that {over} are over")]
    Count { given: usize, over: usize },
    #[error("an event of {length} bytes does not fit in a guest's memory")]
    EventLength { length: usize },
    #[error("an event asked for more than {} of effects", Size(*limit))]
    EffectBytes { limit: usize },
    #[error("an event asked for more than {limit} effects")]
    Effects { limit: usize },
}

impl From<WireError> for Breach {
    fn from(error: WireError) -> Self {
        Breach::Message(error)
    }
}

impl Breach {
    /// Which limit it is about, if it is about one.
    pub(crate) fn limit(&self) -> Option<Limit> {
        match self {
            Breach::EffectBytes { .. } => Some(Limit::EffectBytes),
            Breach::Effects { .. } => Some(Limit::Effects),
            _ => None,
        }
    }

    /// What kind of fault it is.
    pub(crate) fn kind(&self) -> FaultKind {
        match self {
            Breach::OutOfBounds { .. } | Breach::NoBuffer { .. } | Breach::NoMemory => FaultKind::BadPointer,
            Breach::Message(_)
            | Breach::AnswerLength { .. }
            | Breach::Answer(_)
            | Breach::SentInRow
            | Breach::TookBack
            | Breach::NotOver
            | Breach::Count { .. } => FaultKind::BadMessage,
            // What an event asks for is kept for it in the host's memory until it returns.
            Breach::EventLength { .. } | Breach::EffectBytes { .. } | Breach::Effects { .. } => FaultKind::Memory,
        }
    }
}
