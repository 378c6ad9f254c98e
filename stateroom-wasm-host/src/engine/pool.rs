//! The pool of instances that an engine allocates in advance.
use tracing::info;
use wasmtime::{Enabled, PoolingAllocationConfig};

use crate::config::WasmHostConfig;

/// The size of a pool of instances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PoolSize {
    pub(crate) instances: u32,
    table_elements: usize,
}

impl PoolSize {
    pub(crate) fn new(config: &WasmHostConfig) -> Self {
        PoolSize { instances: config.space(), table_elements: config.table_elements }
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
            pool.pagemap_scan(Enabled::Yes).linear_memory_keep_resident(256 << 10).table_keep_resident(16 << 10);
        }
        pool
    }

    pub(crate) fn log(&self) {
        info!("wasm engine ready, with space for {} rooms", self.instances);
    }
}
