//! The pool of instances that an engine allocates in advance.
use tracing::info;
use wasmtime::{Enabled, PoolingAllocationConfig};

use crate::config::WasmHostConfig;

/// Maximum memory that a slot keeps: what most guests write to.
const MAX_KEPT_BYTES: usize = 256 << 10;
const MAX_KEPT_TABLE_BYTES: usize = 16 << 10;
const MAX_KEPT_STACK_BYTES: usize = 16 << 10;
/// All slots together keep this fraction of the memory of the process.
const KEPT_FRACTION: usize = 16;
/// The unit in which memory is kept.
const PAGE_BYTES: usize = 4096;

/// The size of a pool of instances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PoolSize {
    pub(crate) instances: u32,
    table_elements: usize,
    /// Memory that a slot keeps when its guest is gone, in bytes.
    kept_bytes: usize,
}

impl PoolSize {
    pub(crate) fn new(config: &WasmHostConfig) -> Self {
        let instances = config.space();
        // Slots that were in use once are no reason for a shortage.
        let share = config.memory_budget.limit() / KEPT_FRACTION / instances.max(1) as usize;
        // Nor are those of rooms that sleep.
        let most = if config.durable { 0 } else { MAX_KEPT_BYTES.min(share) };
        let kept_bytes = most / PAGE_BYTES * PAGE_BYTES;
        PoolSize { instances, table_elements: config.table_elements, kept_bytes }
    }

    pub(crate) fn allocation(&self) -> PoolingAllocationConfig {
        // One more than the maximum number of rooms: loading a module instantiates it once, even while the pool is full.
        let instances = self.instances.saturating_add(1);
        let mut pool = PoolingAllocationConfig::new();
        // Two per room: the guest and its relay.
        pool.total_core_instances(instances.saturating_mul(2))
            .total_memories(instances)
            .total_tables(instances)
            // An instance keeps its stack between calls.
            .total_stacks(instances)
            .table_elements(self.table_elements);
        // Resetting a used slot page by page is faster than unmapping its pages, but only where the kernel reports the
        // pages that were written.
        if PoolingAllocationConfig::is_pagemap_scan_available() {
            pool.pagemap_scan(Enabled::Yes)
                .linear_memory_keep_resident(self.kept_bytes)
                .table_keep_resident(self.kept_bytes.min(MAX_KEPT_TABLE_BYTES))
                .async_stack_keep_resident(self.kept_bytes.min(MAX_KEPT_STACK_BYTES));
        }
        pool
    }

    pub(crate) fn log(&self) {
        info!("wasm engine ready, with space for {} rooms", self.instances);
    }
}
