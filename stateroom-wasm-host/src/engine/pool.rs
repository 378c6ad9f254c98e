//! How many instances are prepared for.
//!
//! *Invariant:* a full pool leaves the process enough memory mappings for all else.
use std::fs;

use tracing::info;
use wasmtime::{Enabled, PoolingAllocationConfig};

use crate::config::WasmHostConfig;

/// The size of a pool of instances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pool {
    pub(crate) instances: u32,
    table_elements: usize,
}

/// How many memory mappings a room takes: of its memory, its table and its stack.
const MAPPINGS_PER_INSTANCE: u64 = 6;
/// How many are left for the rest of the process.
const MAPPINGS_FOR_OTHERS: u64 = 5_000;
/// More do not fit in the address space, at the 4 GiB that are reserved for each.
const MOST_INSTANCES: u64 = 10_000;
/// Where the system has no such limit, or does not tell.
const INSTANCES_WITHOUT_LIMIT: u64 = 1_000;

impl Pool {
    pub(crate) fn new(config: &WasmHostConfig) -> Self {
        Pool { instances: config.instances.unwrap_or_else(default_instances), table_elements: config.table_elements }
    }

    pub(crate) fn allocation(&self) -> PoolingAllocationConfig {
        // One more than there can be rooms: a module is tried out before it is loaded, be the pool full or not.
        let instances = self.instances.saturating_add(1);
        let mut pool = PoolingAllocationConfig::new();
        // The guest, and the relay beside it.
        pool.total_core_instances(instances.saturating_mul(2))
            .total_memories(instances)
            .total_tables(instances)
            // An instance keeps its stack from one call to the next.
            .total_stacks(instances)
            .table_elements(self.table_elements);
        // Cleaning a used slot page by page is faster than giving its pages back, but only where the kernel can tell
        // which pages were used.
        if PoolingAllocationConfig::is_pagemap_scan_available() {
            pool.pagemap_scan(Enabled::Yes).linear_memory_keep_resident(256 << 10).table_keep_resident(16 << 10);
        }
        pool
    }

    pub(crate) fn log(&self) {
        info!("wasm engine ready, with space for {} rooms", self.instances);
    }
}

fn default_instances() -> u32 {
    let mappings = fs::read_to_string("/proc/sys/vm/max_map_count").ok().and_then(|text| text.trim().parse().ok());
    fitting(mappings)
}

/// How many instances fit into a number of memory mappings, if that is limited.
fn fitting(mappings: Option<u64>) -> u32 {
    let instances = mappings.map_or(INSTANCES_WITHOUT_LIMIT, |mappings| {
        mappings.saturating_sub(MAPPINGS_FOR_OTHERS) / MAPPINGS_PER_INSTANCE
    });
    u32::try_from(instances.clamp(16, MOST_INSTANCES)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::fitting;

    #[test]
    fn a_pool_is_as_large_as_the_system_allows() {
        assert_eq!(fitting(Some(65_530)), 10_000);
        assert_eq!(fitting(Some(35_000)), 5_000);
        assert_eq!(fitting(Some(0)), 16);
        assert_eq!(fitting(Some(1 << 30)), 10_000);
        assert_eq!(fitting(None), 1_000);
    }
}
