//! The limits of guests and of the host: one list, of which the fields of the configuration, their builder methods, and
//! the labels in metrics are made.
//!
//! *Invariant:* every limit has a finite default; a guest cannot request an unlimited amount of anything.
mod capacity;

use std::{path::PathBuf, time::Duration};

use stateroom_memory::MemoryBudget;

use crate::compiler::CompilerProcess;

/// Makes [`WasmHostConfig`] and [`Limit`] of one list of limits.
macro_rules! limits {
    ($(
        $(#[doc = $doc:literal])+
        $field:ident: $type:ty = $default:expr, $limit:ident, $with:ident($argument:ty);
    )+) => {
        /// The limits of guests, and the settings of the host that runs them.
        ///
        /// Further limits may be added, so a configuration starts with the defaults:
        ///
        /// ```
        /// use stateroom_wasm_host::WasmHostConfig;
        /// use std::time::Duration;
        ///
        /// let config = WasmHostConfig::default().with_cpu_budget(Duration::from_millis(200)).with_instances(100);
        /// assert_eq!(config.memory_bytes, 128 << 20);
        /// ```
        ///
        /// `durable`, `instances`, `slow_lane`, `table_elements`, `total_log_bytes_per_second`, `total_log_lines_per_second` and
        /// `wasm_stack_bytes`, and the size of the memory budget, are settings of the engine: factories with equal values share one
        /// engine.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct WasmHostConfig {
            $($(#[doc = $doc])+ pub $field: $type,)+
            /// Directory for compiled modules, so that a module compiled earlier loads in milliseconds. It is created for
            /// the current user alone if it is missing, and its files are used only if no other user can have written
            /// them. It holds at most 64 modules and 512 MiB; the least recently used are removed first. Default
            /// (`None`): modules are compiled at each start.
            pub cache: Option<PathBuf>,
            /// The memory of the process, of which the memory of guests counts beyond the first 2 MiB that each starts with. Over
            /// seven eighths of it, guests cannot grow. Share one with the server. Default: that of the process, three quarters of
            /// the memory of the machine or of the process's control group.
            pub memory_budget: MemoryBudget,
            /// Program that compiles modules in a process of its own, which the limits `compile_time` and
            /// `compile_memory_bytes` require: a small module can take the compiler minutes and gigabytes. Default (`None`):
            /// modules are compiled in this process, without these limits; load only modules that you trust that far.
            pub compiler: Option<CompilerProcess>,
            /// Whether rooms can be durable: an image of their guest can be stored, and a guest of the image continues where it
            /// was, with the same results for the same events. Default: false.
            ///
            /// It is a setting of the engine. Computing with floating-point numbers takes up to half as long again, because
            /// results that depend on the processor (of NaN, and of relaxed SIMD) are made the same everywhere; other code is
            /// as fast. The host keeps one copy of the module's initial memory, which for Rust is about a megabyte. A module in
            /// text form is converted in this process, whether or not there is a [`compiler`](Self::compiler).
            ///
            /// Modules with state outside of their memory and their globals are rejected: see
            /// [`durability`](crate::durability). Guests have their own clock, which shows the time of each batch of events,
            /// and their own random numbers. An event fails if it exceeds `memory_bytes`, `random_bytes` or the memory
            /// budget: a guest cannot handle the refusal, because it may not observe limits that can change.
            pub durable: bool,
        }

        impl Default for WasmHostConfig {
            fn default() -> Self {
                let memory_budget = MemoryBudget::shared();
                WasmHostConfig { $($field: $default,)+ cache: None, memory_budget, compiler: None, durable: false }
            }
        }

        impl WasmHostConfig {
            /// The names of all limits: those of the fields, and of the label `limit` in the metric
            /// `stateroom_limit_exceeded_total`.
            pub const LIMITS: &[&str] = &[$(Limit::$limit.name()),+];

            $(
                #[doc = concat!("Sets [`", stringify!($field), "`](Self::", stringify!($field), ").")]
                #[must_use]
                pub fn $with(mut self, $field: $argument) -> Self {
                    self.$field = $field.into();
                    self
                }
            )+
        }

        /// A limit of [`WasmHostConfig`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Limit {
            $($limit,)+
        }

        impl Limit {
            /// The name of the configuration's field.
            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Limit::$limit => stringify!($field),)+
                }
            }
        }
    };
}

limits! {
    /// Maximum size of a guest's memory, in bytes. Default: 134 217 728 (128 MiB). Values above 4 GiB have no effect.
    memory_bytes: usize = 128 << 20, MemoryBytes, with_memory_bytes(usize);
    /// Maximum number of elements in each of a guest's tables. Default: 20 000; a large Rust service needs about 1 000.
    table_elements: usize = 20_000, TableElements, with_table_elements(usize);
    /// Maximum size of a guest's call stack, in bytes. Default: 1 048 576 (1 MiB), about 5 000 to 20 000 nested calls. Data
    /// that Rust and C keep on a stack in linear memory, such as arrays, counts as memory instead. A stack takes memory
    /// only as far as it was used. Above 1.8 MiB, Linux may back it with huge pages, of 2 MiB each.
    wasm_stack_bytes: usize = 1 << 20, WasmStackBytes, with_wasm_stack_bytes(usize);
    /// Maximum CPU time of an event, with a resolution of one millisecond: the time of the thread's CPU clock. An instruction
    /// that fills or copies memory is not interrupted, but counted. Default: 2 s.
    cpu_budget: Duration = Duration::from_secs(2), CpuBudget, with_cpu_budget(Duration);
    /// Maximum wall-clock time of an event, computing or asleep, not counting time in which it waits for the CPU.
    /// Default: 10 s.
    time_budget: Duration = Duration::from_secs(10), TimeBudget, with_time_budget(Duration);
    /// A room's share of one CPU over time, in percent, with bursts of up to 100 ms. A room above its share needs a permit
    /// of the [`slow_lane`](Self::slow_lane) whenever it computes, and competes for it with other such rooms; while there
    /// are permits, it is not slowed down. Default: 10.
    cpu_percent: u32 = 10, CpuPercent, with_cpu_percent(u32);
    /// Maximum size of the effects (mostly messages) of one event, in bytes. Default: 67 108 864 (64 MiB).
    effect_bytes: usize = 64 << 20, EffectBytes, with_effect_bytes(usize);
    /// Maximum number of effects of one event. Default: 100 000.
    effects: usize = 100_000, Effects, with_effects(usize);
    /// Maximum number of bytes per second logged from a room's stdout and stderr; the rest is dropped. Default: 65 536.
    log_bytes_per_second: usize = 64 << 10, LogBytesPerSecond, with_log_bytes_per_second(usize);
    /// Maximum number of lines per second logged from a room's stdout and stderr; the rest is dropped. Default: 200.
    log_lines_per_second: usize = 200, LogLinesPerSecond, with_log_lines_per_second(usize);
    /// Maximum number of bytes per second logged from stdout and stderr of all rooms together; the rest is dropped. One room
    /// gets at most an eighth of what the others left. Default: 1 048 576 (1 MiB).
    total_log_bytes_per_second: usize = 1 << 20, TotalLogBytesPerSecond, with_total_log_bytes_per_second(usize);
    /// Maximum number of lines per second logged from stdout and stderr of all rooms together; the rest is dropped. One room
    /// gets at most an eighth of what the others left. Default: 2 000.
    total_log_lines_per_second: usize = 2_000, TotalLogLinesPerSecond, with_total_log_lines_per_second(usize);
    /// Maximum number of random bytes requested by one call; a larger request fails in the guest. Default: 1 048 576 (1 MiB).
    random_bytes: u64 = 1 << 20, RandomBytes, with_random_bytes(u64);
    /// Maximum number of live guests, which is the number of rooms. Default (`None`): what the system's limit on memory
    /// mappings permits (`vm.max_map_count`, six per room), at most 10 000; the number is logged.
    instances: Option<u32> = None, Instances, with_instances(u32);
    /// Maximum number of events computing in parallel of those that have computed for more than a millisecond. The other
    /// such events take turns of one millisecond, so that short events of other rooms are not delayed. Default (`None`):
    /// the number of workers of the async runtime minus one, at least 1.
    slow_lane: Option<usize> = None, SlowLane, with_slow_lane(usize);
    /// Maximum time to compile a module in a process of its own ([`compiler`](Self::compiler)). Default: 60 s; a large service
    /// takes a second or two.
    compile_time: Duration = Duration::from_secs(60), CompileTime, with_compile_time(Duration);
    /// Maximum memory that the process may take, in bytes, on Unix. Default: 2 147 483 648 (2 GiB).
    compile_memory_bytes: usize = 2 << 30, CompileMemoryBytes, with_compile_memory_bytes(usize);
}

impl WasmHostConfig {
    /// Sets [`cache`](Self::cache).
    #[must_use]
    pub fn with_cache(mut self, cache: impl Into<PathBuf>) -> Self {
        self.cache = Some(cache.into());
        self
    }

    /// Sets [`memory_budget`](Self::memory_budget).
    #[must_use]
    pub fn with_memory_budget(mut self, memory_budget: MemoryBudget) -> Self {
        self.memory_budget = memory_budget;
        self
    }

    /// Sets [`compiler`](Self::compiler).
    #[must_use]
    pub fn with_compiler(mut self, compiler: CompilerProcess) -> Self {
        self.compiler = Some(compiler);
        self
    }

    /// Sets [`durable`](Self::durable).
    #[must_use]
    pub fn with_durable(mut self, durable: bool) -> Self {
        self.durable = durable;
        self
    }

    /// Returns this configuration for a new load.
    pub(crate) fn begin_load(&self) -> Self {
        WasmHostConfig { compiler: self.compiler.as_ref().map(CompilerProcess::begin_load), ..self.clone() }
    }

    /// Returns this configuration for a load that does not replace another.
    pub(crate) fn load_apart(&self) -> Self {
        WasmHostConfig { compiler: self.compiler.as_ref().map(CompilerProcess::apart), ..self.clone() }
    }

    /// Returns the maximum number of rooms: [`instances`](Self::instances), or what the machine permits.
    #[must_use]
    pub fn space(&self) -> u32 {
        self.instances.unwrap_or_else(capacity::instances)
    }
}

impl Limit {
    /// Returns the advice to someone who exceeds it: its name, and its flag of the command line.
    pub(crate) fn hint(self) -> String {
        let name = self.name();
        format!("limit `{name}`: raise it with `--{}`", name.replace('_', "-"))
    }

    /// Counts an event in which the limit was reached.
    pub(crate) fn count_exceeded(self) {
        metrics::counter!("stateroom_limit_exceeded_total", "limit" => self.name()).increment(1);
    }
}
