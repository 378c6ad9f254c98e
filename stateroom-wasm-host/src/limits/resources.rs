//! The limits of what a guest may request: memory, table elements and random bytes.
//!
//! *Invariant:* a refusal is kept until the event ends, so that a failure caused by it is reported as such.
use stateroom_memory::Reservation;
use wasmtime::ResourceLimiter;

use crate::{
    config::{Limit, WasmHostConfig},
    display::ByteSize,
};

/// A refused request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("an event needed more than a guest's limit of {} of memory", ByteSize(*.0))]
    Memory(usize),
    #[error("an event needed more than the module's own maximum of {} of memory", ByteSize(*.0))]
    ModuleMemory(usize),
    #[error("an event needed more memory than is left of the {} for the whole process", ByteSize(*.0))]
    TotalMemory(usize),
    #[error("an event needed more than a guest's limit of {0} table elements")]
    Table(usize),
    #[error("an event needed more than the module's own maximum of {0} table elements")]
    ModuleTable(usize),
    #[error("an event requested more than {} of random numbers at once", ByteSize(usize::try_from(*.0).unwrap_or(usize::MAX)))]
    RandomBytes(u64),
}

impl Refusal {
    /// Returns whether space was refused, for memory or a table.
    pub(crate) fn is_space(self) -> bool {
        !matches!(self, Refusal::RandomBytes(_))
    }

    /// Returns the advice to the author of the guest.
    pub(crate) fn hint(self) -> String {
        match self {
            Refusal::Memory(_) => Limit::MemoryBytes.hint(),
            Refusal::TotalMemory(_) => format!("limit `{TOTAL_MEMORY}`: raise it with `--total-memory`"),
            Refusal::Table(_) => Limit::TableElements.hint(),
            Refusal::RandomBytes(_) => Limit::RandomBytes.hint(),
            Refusal::ModuleMemory(_) => "link the module with a larger `--max-memory`".to_owned(),
            Refusal::ModuleTable(_) => "link the module with `--growable-table`".to_owned(),
        }
    }
}

/// Most guests use little of the memory with which they start: of that, only what exceeds this is reserved.
const FREE_BYTES: usize = 2 << 20;

/// The name of the limit of the process, in metrics and in the configuration of the command line.
const TOTAL_MEMORY: &str = "total_memory_bytes";

/// The limits of one guest.
#[derive(Debug)]
pub(crate) struct ResourceLimits {
    memory_bytes: usize,
    table_elements: usize,
    random_bytes: u64,
    wasm_stack_bytes: usize,
    /// Whether an event fails if it exceeds a limit that can change, so that its guest cannot observe the limit.
    fails_events: bool,
    refusal: Option<Refusal>,
    /// The memory by which the guest has grown since it started.
    growth: Reservation,
    /// The part of its memory that is not reserved; `None` before it started.
    free_bytes: Option<usize>,
}

impl ResourceLimits {
    pub(crate) fn new(config: &WasmHostConfig) -> Self {
        let WasmHostConfig { memory_bytes, table_elements, random_bytes, wasm_stack_bytes, .. } = *config;
        let growth = Reservation::empty(&config.memory_budget);
        ResourceLimits {
            memory_bytes,
            table_elements,
            random_bytes,
            wasm_stack_bytes,
            fails_events: config.durable,
            refusal: None,
            growth,
            free_bytes: None,
        }
    }

    pub(crate) fn random_bytes(&self) -> u64 {
        self.random_bytes
    }

    /// Returns whether an event fails if it exceeds a limit that can change.
    pub(crate) fn fails_events(&self) -> bool {
        self.fails_events
    }

    /// Returns the size of its stack, which the engine enforces.
    pub(crate) fn wasm_stack_bytes(&self) -> usize {
        self.wasm_stack_bytes
    }

    /// Records and counts a refusal.
    pub(crate) fn refuse(&mut self, refusal: Refusal) {
        self.refusal = Some(refusal);
        match refusal {
            Refusal::Memory(_) => Limit::MemoryBytes.count_exceeded(),
            Refusal::TotalMemory(_) => {
                metrics::counter!("stateroom_limit_exceeded_total", "limit" => TOTAL_MEMORY).increment(1);
            }
            Refusal::Table(_) => Limit::TableElements.count_exceeded(),
            Refusal::RandomBytes(_) => Limit::RandomBytes.count_exceeded(),
            Refusal::ModuleMemory(_) | Refusal::ModuleTable(_) => {}
        }
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
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let refusal = match maximum {
            Some(maximum) if desired > maximum && (maximum < self.memory_bytes || self.fails_events) => {
                // It is part of the module, so it is observed whatever the limits are.
                self.refuse(Refusal::ModuleMemory(maximum));
                return Ok(false);
            }
            _ if desired > self.memory_bytes => Refusal::Memory(self.memory_bytes),
            _ => {
                let free = *self.free_bytes.get_or_insert(desired.min(FREE_BYTES));
                // The system may have refused the last growth.
                self.growth.shrink_to(current.saturating_sub(free));
                if self.growth.try_grow(desired.saturating_sub(current.max(free))) {
                    return Ok(true);
                }
                Refusal::TotalMemory(self.growth.budget().limit())
            }
        };
        self.refuse(refusal);
        if self.fails_events { Err(refusal.into()) } else { Ok(false) }
    }

    /// Called if the system refuses memory that the limits permit.
    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        if self.fails_events { Err(error) } else { Ok(()) }
    }

    fn table_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        match maximum {
            Some(maximum) if maximum < self.table_elements && desired > maximum => {
                self.refuse(Refusal::ModuleTable(maximum));
            }
            _ if desired > self.table_elements => self.refuse(Refusal::Table(self.table_elements)),
            _ => return Ok(true),
        }
        Ok(false)
    }

    // The limits above apply to each memory and each table, so a guest has one of each.
    fn memories(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        1
    }
}
