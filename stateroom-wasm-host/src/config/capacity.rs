//! The number of guests that a machine has memory mappings for.
//!
//! *Invariant:* a full pool of instances leaves the process enough memory mappings for everything else.
use std::fs;

/// Memory mappings of one room: its memory, its table and its stack.
const MAPPINGS_PER_INSTANCE: u64 = 6;
/// Memory mappings reserved for the rest of the process.
const RESERVED_MAPPINGS: u64 = 5_000;
/// Maximum number of instances in the address space, at 4 GiB reserved for each.
const MAX_INSTANCES: u64 = 10_000;
/// Used where the system has no such limit, or does not report it.
const INSTANCES_WITHOUT_LIMIT: u64 = 1_000;

/// Returns the number of instances that fit in this machine's limit on memory mappings.
pub(super) fn instances() -> u32 {
    let mappings = fs::read_to_string("/proc/sys/vm/max_map_count").ok().and_then(|text| text.trim().parse().ok());
    fitting(mappings)
}

fn fitting(mappings: Option<u64>) -> u32 {
    let instances = mappings
        .map_or(INSTANCES_WITHOUT_LIMIT, |mappings| mappings.saturating_sub(RESERVED_MAPPINGS) / MAPPINGS_PER_INSTANCE);
    u32::try_from(instances.clamp(16, MAX_INSTANCES)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::fitting;

    #[test]
    fn capacity_follows_the_limit_on_memory_mappings() {
        assert_eq!(fitting(Some(65_530)), 10_000);
        assert_eq!(fitting(Some(35_000)), 5_000);
        assert_eq!(fitting(Some(0)), 16);
        assert_eq!(fitting(Some(1 << 30)), 10_000);
        assert_eq!(fitting(None), 1_000);
    }
}
