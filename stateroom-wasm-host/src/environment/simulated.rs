//! The environment of tests: time passes when the program says so, and a seed determines the random numbers.
//!
//! *Invariant:* nothing in it depends on the system's time or randomness.
use std::{fmt, sync::Arc, time::Duration};

use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtxBuilder};

use super::random;

/// The initial time of a simulated wall clock, since 1970: January 1, 2026, in UTC.
const START: Duration = Duration::from_secs(1_767_225_600);

/// Simulated clocks, and random numbers derived from a seed.
///
/// Clones read the same clock. Each guest has a generator of its own that begins with the seed, so two guests with the same
/// events compute the same. No time passes within an event unless the clock advances: a guest that waits for its clock in a
/// loop uses up its CPU budget.
#[derive(Clone)]
pub struct SimulatedEnvironment {
    clock: Arc<dyn Fn() -> Duration + Send + Sync>,
    seed: u64,
}

impl SimulatedEnvironment {
    /// Creates an environment with the seed 0. `clock` returns the time since the simulation began, which is January 1,
    /// 2026, for the guest's wall clock; it must not go backwards.
    pub fn new(clock: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        SimulatedEnvironment { clock: Arc::new(clock), seed: 0 }
    }

    /// Sets the seed of the random numbers.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    pub(super) fn install(&self, wasi: &mut WasiCtxBuilder) {
        let seed = random::seed(self.seed);
        wasi.wall_clock(SimulatedClock(Arc::clone(&self.clock)))
            .monotonic_clock(SimulatedClock(Arc::clone(&self.clock)))
            .secure_random(random::generator(seed, 0))
            .insecure_random(random::generator(seed, 0))
            .insecure_random_seed(self.seed.into());
    }
}

impl fmt::Debug for SimulatedEnvironment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SimulatedEnvironment").field("seed", &self.seed).finish_non_exhaustive()
    }
}

struct SimulatedClock(Arc<dyn Fn() -> Duration + Send + Sync>);

impl HostWallClock for SimulatedClock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        START.saturating_add((self.0)())
    }
}

impl HostMonotonicClock for SimulatedClock {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        u64::try_from((self.0)().as_nanos()).unwrap_or(u64::MAX)
    }
}
