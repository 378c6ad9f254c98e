//! What hosts need of services whose rooms outlive their process.
//!
//! A host runs a batch of events, stores them, and only then releases their effects. After a crash it wakes the service from the
//! last image of its state, and has it handle the stored events again.
//!
//! *Invariant:* the origin of a service, the stamps of its batches and its events determine its effects and its state.
use std::{error::Error, fmt, time::Duration};

/// Identifies the code of a service. Stored events are handled again only by the code that has handled them before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CodeHash(pub [u8; 32]);

impl fmt::Display for CodeHash {
    /// Writes the hash in hexadecimal.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for CodeHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "CodeHash({self})")
    }
}

/// The reason why the rooms of a factory cannot be durable: a sentence for the author of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotDurable(pub String);

impl fmt::Display for NotDurable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Error for NotDurable {}

/// What a durable service begins from.
#[derive(Debug, Clone, Copy)]
pub enum Origin<'a> {
    /// Nothing: the room is new.
    New {
        /// The time at which it begins, since 1970.
        stamp: Duration,
        /// The seed of its random numbers.
        seed: [u8; 32],
    },
    /// The [image](crate::StateroomService::image) of an earlier service of the room, made by the same code.
    Image(&'a [u8]),
}

/// How the events of the following batch are handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchStart {
    /// The time of the events, since 1970.
    pub stamp: Duration,
    /// Whether they were handled before, so that what the service prints was printed.
    pub is_replay: bool,
}

/// What happens to a durable room when its service ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It sleeps: a later service continues it.
    Sleeps,
    /// It ends, and what is stored of it is deleted.
    Ends,
}
