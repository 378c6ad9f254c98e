//! What a guest may use, and how many guests there may be.
//!
//! *Invariant:* every limit has a finite default; nothing a guest can ask for is unlimited.
use std::{path::PathBuf, time::Duration};

use crate::engine::pool::Pool;

/// The limits under which guests run.
///
/// ```
/// use stateroom_wasm_host::WasmHostConfig;
/// use std::time::Duration;
///
/// let config = WasmHostConfig { cpu_budget: Duration::from_millis(200), ..WasmHostConfig::default() };
/// assert_eq!(config.memory_bytes, 128 << 20);
/// ```
///
/// `instances`, `slow_lane`, `table_elements` and `wasm_stack_bytes` belong to the engine: factories that agree in these
/// share one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WasmHostConfig {
    /// How far a guest's memory may grow, in bytes. Default: 134 217 728 (128 MiB). More than 4 GiB has no effect.
    pub memory_bytes: usize,
    /// How many elements each of a guest's tables may have. Default: 20 000; a large Rust service needs about a thousand.
    pub table_elements: usize,
    /// How much stack a guest's calls may use, in bytes. Default: 131 072 (128 KiB), about 2 700 calls deep. What Rust
    /// and C keep in memory of their own, such as arrays on the stack, does not count here.
    pub wasm_stack_bytes: usize,
    /// How long an event may compute, counted in milliseconds. Default: 2 s.
    pub cpu_budget: Duration,
    /// How long an event may take in all, computing or asleep, not counting the time it has to wait because other rooms
    /// compute for long. Default: 10 s.
    pub time_budget: Duration,
    /// How much of a processor a room may use over time, in percent, on top of a tenth of a second at a stretch. One that
    /// uses more needs a place in the `slow_lane` for all it computes, and shares these with others of its kind; while
    /// nobody else wants one, it does not notice. Default: 10.
    pub cpu_percent: u32,
    /// How many bytes of effects (messages, mostly) one event may ask for. Default: 67 108 864 (64 MiB).
    pub effect_bytes: usize,
    /// How many effects one event may ask for. Default: 100 000.
    pub effects: usize,
    /// How many bytes a second of a room's stdout and stderr are logged; the rest is left out. Default: 65 536.
    pub log_bytes_per_second: usize,
    /// How many lines a second of a room's stdout and stderr are logged; the rest is left out. Default: 200.
    pub log_lines_per_second: usize,
    /// How many random bytes a guest may ask for in one call; asking for more is a trap. Default: 1 048 576 (1 MiB).
    pub random_bytes: u64,
    /// How many guests can live at once, which is how many rooms. Default (`None`): what the system's limit on memory
    /// mappings allows (`vm.max_map_count`, of which a room takes six), at most 10 000; the log says how many.
    pub instances: Option<u32>,
    /// How many of the events that have computed for longer than a millisecond may compute at the same time. The others
    /// of them wait, in turns of a millisecond, so that short events of other rooms do not. Default (`None`): one less
    /// than the async runtime has workers, at least 1.
    pub slow_lane: Option<usize>,
    /// Where compiled modules are kept, so that one that was seen before starts in milliseconds: a directory of its own,
    /// which is made for this user alone if it is not there. What is found in it is used only if nobody else could have
    /// written it. It holds no more than 64 modules and 512 MiB; those that were not used for longest go first. Default
    /// (`None`): nothing is kept, and each start compiles.
    pub cache: Option<PathBuf>,
}

impl WasmHostConfig {
    /// How many rooms there is space for: [`Self::instances`], or what the machine allows.
    #[must_use]
    pub fn space(&self) -> u32 {
        Pool::new(self).instances
    }
}

impl Default for WasmHostConfig {
    fn default() -> Self {
        WasmHostConfig {
            memory_bytes: 128 << 20,
            table_elements: 20_000,
            wasm_stack_bytes: 128 << 10,
            cpu_budget: Duration::from_secs(2),
            time_budget: Duration::from_secs(10),
            cpu_percent: 10,
            effect_bytes: 64 << 20,
            effects: 100_000,
            log_bytes_per_second: 64 << 10,
            log_lines_per_second: 200,
            random_bytes: 1 << 20,
            instances: None,
            slow_lane: None,
            cache: None,
        }
    }
}
