//! The clocks and random numbers of guests.
//!
//! *Invariant:* a guest reads time and random numbers from its [`Environment`] only.
mod random;
mod real;
mod recorded;
mod simulated;

use wasmtime_wasi::WasiCtxBuilder;

pub(crate) use self::real::EventClock;
pub use self::{
    recorded::{RecordedEnvironment, RecordedState},
    simulated::SimulatedEnvironment,
};

/// The source of a guest's clocks and random numbers.
///
/// Set it with [`WasmHostFactory::with_environment`](crate::WasmHostFactory::with_environment).
///
/// ```
/// use std::time::Duration;
/// use stateroom_wasm_host::environment::{Environment, SimulatedEnvironment};
///
/// let frozen = SimulatedEnvironment::new(|| Duration::from_secs(5)).with_seed(7);
/// let environment = Environment::from(frozen);
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum Environment {
    /// The system's clocks and its random number generator.
    #[default]
    Real,
    /// A clock that the program controls, and random numbers derived from a seed.
    Simulated(SimulatedEnvironment),
    /// The reproducible clock and random numbers of one room.
    Recorded(RecordedEnvironment),
}

impl Environment {
    /// Installs the clocks and generators into a guest's WASI context. Returns the wall clock if it is the system's.
    pub(crate) fn install(&self, wasi: &mut WasiCtxBuilder) -> Option<EventClock> {
        match self {
            // Otherwise the defaults of wasmtime-wasi.
            Environment::Real => {
                let clock = EventClock::default();
                wasi.wall_clock(clock.clone());
                return Some(clock);
            }
            Environment::Simulated(simulated) => simulated.install(wasi),
            Environment::Recorded(recorded) => recorded.install(wasi),
        }
        None
    }
}

impl From<SimulatedEnvironment> for Environment {
    fn from(simulated: SimulatedEnvironment) -> Self {
        Environment::Simulated(simulated)
    }
}

impl From<RecordedEnvironment> for Environment {
    fn from(recorded: RecordedEnvironment) -> Self {
        Environment::Recorded(recorded)
    }
}
