//! The limits of a guest's memory and tables.
//!
//! *Invariant:* a refusal is kept until the event ends, so that a failure caused by it is reported as such.
use wasmtime::ResourceLimiter;

use crate::{
    config::{Limit, WasmHostConfig},
    display::ByteSize,
};

/// A refused request for memory or table elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("an event needed more than a guest's limit of {} of memory", ByteSize(*.0))]
    Memory(usize),
    #[error("an event needed more than a guest's limit of {0} table elements")]
    Table(usize),
}

/// The limits of one guest's memory and tables.
#[derive(Debug)]
pub(crate) struct ResourceLimits {
    memory_bytes: usize,
    table_elements: usize,
    refusal: Option<Refusal>,
}

impl ResourceLimits {
    pub(crate) fn new(config: &WasmHostConfig) -> Self {
        ResourceLimits { memory_bytes: config.memory_bytes, table_elements: config.table_elements, refusal: None }
    }

    /// Forgets refusals in earlier events.
    pub(crate) fn begin_event(&mut self) {
        self.refusal = None;
    }

    /// Returns the last refusal in this event.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        self.refusal
    }
}

impl ResourceLimiter for ResourceLimits {
    fn memory_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let limit = maximum.map_or(self.memory_bytes, |maximum| maximum.min(self.memory_bytes));
        if desired > limit {
            self.refusal = Some(Refusal::Memory(limit));
            if limit == self.memory_bytes {
                Limit::MemoryBytes.count_exceeded();
            }
        }
        Ok(desired <= limit)
    }

    fn table_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let limit = maximum.map_or(self.table_elements, |maximum| maximum.min(self.table_elements));
        if desired > limit {
            self.refusal = Some(Refusal::Table(limit));
            if limit == self.table_elements {
                Limit::TableElements.count_exceeded();
            }
        }
        Ok(desired <= limit)
    }

    // The limits above apply to each memory and each table, so a guest has one of each.
    fn memories(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        1
    }
}
