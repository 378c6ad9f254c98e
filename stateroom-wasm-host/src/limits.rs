//! What a guest may take: memory and tables here, time in [`scheduler`], effects in [`outbox`].
//!
//! *Invariant:* a refusal is remembered until the event is over, so that a guest that dies of it is said to have died of it.
mod cpu_share;
pub(crate) mod outbox;
pub(crate) mod scheduler;

use wasmtime::ResourceLimiter;

use crate::config::{Limit, WasmHostConfig};

/// What a guest was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("an event needed more than the {} of memory that a guest may have", Size(*.0))]
    Memory(usize),
    #[error("an event needed a table of more than the {0} elements that a guest may have")]
    Table(usize),
}

/// The limits of one guest's memory and tables.
#[derive(Debug)]
pub(crate) struct Limits {
    memory_bytes: usize,
    table_elements: usize,
    refused: Option<Refusal>,
}

impl Limits {
    pub(crate) fn new(config: &WasmHostConfig) -> Self {
        Limits { memory_bytes: config.memory_bytes, table_elements: config.table_elements, refused: None }
    }

    /// Forgets what was refused in earlier events.
    pub(crate) fn begin_event(&mut self) {
        self.refused = None;
    }

    /// What was refused in this event, the last of it.
    pub(crate) fn refused(&self) -> Option<Refusal> {
        self.refused
    }
}

impl ResourceLimiter for Limits {
    fn memory_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let limit = maximum.map_or(self.memory_bytes, |maximum| maximum.min(self.memory_bytes));
        if desired > limit {
            self.refused = Some(Refusal::Memory(limit));
            if limit == self.memory_bytes {
                Limit::MemoryBytes.count_exceeded();
            }
        }
        Ok(desired <= limit)
    }

    fn table_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let limit = maximum.map_or(self.table_elements, |maximum| maximum.min(self.table_elements));
        if desired > limit {
            self.refused = Some(Refusal::Table(limit));
            if limit == self.table_elements {
                Limit::TableElements.count_exceeded();
            }
        }
        Ok(desired <= limit)
    }

    // The limits above are for each memory and each table, so there is one of each.
    fn memories(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        1
    }
}

/// A number of bytes, as a person reads it.
pub(crate) struct Size(pub(crate) usize);

impl std::fmt::Display for Size {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            bytes if bytes > 0 && bytes.trailing_zeros() >= 20 => write!(formatter, "{} MiB", bytes >> 20),
            bytes if bytes > 0 && bytes.trailing_zeros() >= 10 => write!(formatter, "{} KiB", bytes >> 10),
            bytes => write!(formatter, "{bytes} bytes"),
        }
    }
}
