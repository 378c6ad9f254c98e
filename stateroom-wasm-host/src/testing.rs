//! Tests of a compiled module without a server: the simulated room of [`stateroom::testing`] with a sandboxed guest.
//!
//! A test can use the room as it uses one of the native service, and run the same [`Script`](stateroom::testing::Script).
//! The guest's clocks are those of the room, and its random numbers are derived from a seed, so runs are reproducible.
//!
//! ```no_run
//! use stateroom::testing::Time;
//! use stateroom_wasm_host::testing::WasmRoom;
//!
//! let mut room = WasmRoom::of("target/wasm32-wasip1/release/counter_service.wasm")?;
//! let ann = room.connect();
//! room.send(ann, "increment");
//! room.expect(ann, ["new value: 1"]);
//! room.advance(1.minute());
//! room.expect_nothing(ann);
//! # Ok::<(), stateroom_wasm_host::WasmHostError>(())
//! ```
//!
//! A [`WasmModule`] is compiled once for many rooms. With the feature `proptest` of `stateroom`, random clients compare the
//! module with the native service (`Interleavings::check_same`).
//!
//! No time passes within an event: a guest that waits for its clock in a loop uses up its CPU budget.
//!
//! *Invariant:* a guest in a simulated room cannot observe the system's time or randomness.
use std::{
    future::{self, Future},
    ops::{Deref, DerefMut},
    path::Path,
    sync::Arc,
};

use stateroom::{
    StateroomContext, StateroomService, StateroomServiceFactory,
    event_batch::EventBatch,
    fault::{Fault, FaultKind},
    testing::{Room, RoomClock},
};

use crate::{
    config::WasmHostConfig, environment::SimulatedEnvironment, error::WasmHostError, factory::WasmHostFactory,
    host::WasmHost,
};

/// Default of [`WasmHostConfig::instances`] in tests, where space for 10 000 rooms is not needed.
const DEFAULT_INSTANCES: u32 = 64;

/// A module for any number of simulated rooms, compiled and checked once. Cheap to clone.
///
/// Modules of the same configuration share the space for their rooms: by default, at most 64 exist in a process at a time. A
/// room without space fails at its start, with [`FaultKind::NoSpace`].
#[derive(Debug, Clone)]
pub struct WasmModule(WasmHostFactory);

impl WasmModule {
    /// Loads the module in a file, with the default limits.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or does not contain a module that the host can run.
    pub fn of(path: impl AsRef<Path>) -> Result<Self, WasmHostError> {
        Self::with_config(path, &WasmHostConfig::default())
    }

    /// Loads the module in a file, with the given limits.
    ///
    /// # Errors
    ///
    /// As [`of`](Self::of).
    pub fn with_config(path: impl AsRef<Path>, config: &WasmHostConfig) -> Result<Self, WasmHostError> {
        WasmHostFactory::with_config(path, &for_tests(config)).map(WasmModule)
    }

    /// Loads a module in memory. `name` identifies it in messages.
    ///
    /// # Errors
    ///
    /// As [`of`](Self::of).
    pub fn from_bytes(name: impl Into<String>, bytes: &[u8], config: &WasmHostConfig) -> Result<Self, WasmHostError> {
        WasmHostFactory::from_bytes(name, bytes, &for_tests(config)).map(WasmModule)
    }

    /// Creates a room with the ID `room` and the seed 0.
    #[must_use]
    pub fn room(&self) -> WasmRoom {
        self.seeded_room(0)
    }

    /// Creates a room with the ID `room` and random numbers derived from a seed.
    #[must_use]
    pub fn seeded_room(&self, seed: u64) -> WasmRoom {
        let clock = RoomClock::default();
        let time = clock.clone();
        let environment = SimulatedEnvironment::new(move || time.now()).with_seed(seed);
        let factory = self.0.with_environment(environment);
        WasmRoom(Room::from_factory_with_clock("room", SimulatedFactory(factory), clock))
    }
}

fn for_tests(config: &WasmHostConfig) -> WasmHostConfig {
    config.clone().with_instances(config.instances.unwrap_or(DEFAULT_INSTANCES))
}

/// A simulated room whose service is a module. It dereferences to the [`Room`].
pub struct WasmRoom(Room<SimulatedGuest>);

impl WasmRoom {
    /// Creates a room with the module in a file, as [`WasmModule::room`] does.
    ///
    /// # Errors
    ///
    /// As [`WasmModule::of`].
    pub fn of(path: impl AsRef<Path>) -> Result<Self, WasmHostError> {
        WasmModule::of(path).map(|module| module.room())
    }

    /// Returns the room itself.
    #[must_use]
    pub fn into_room(self) -> Room<SimulatedGuest> {
        self.0
    }
}

impl Deref for WasmRoom {
    type Target = Room<SimulatedGuest>;

    fn deref(&self) -> &Room<SimulatedGuest> {
        &self.0
    }
}

impl DerefMut for WasmRoom {
    fn deref_mut(&mut self) -> &mut Room<SimulatedGuest> {
        &mut self.0
    }
}

/// The service of a [`WasmRoom`]: a guest driven by the test's thread.
pub struct SimulatedGuest(WasmHost);

impl StateroomService for SimulatedGuest {
    fn memory_bytes(&mut self) -> Option<usize> {
        self.0.memory_bytes()
    }

    fn deliver(
        &mut self,
        batch: &EventBatch,
        _: &impl StateroomContext,
    ) -> impl Future<Output = Result<(), Fault>> + Send {
        future::ready(self.0.process_blocking(batch))
    }
}

struct SimulatedFactory(WasmHostFactory);

impl StateroomServiceFactory for SimulatedFactory {
    type Service = SimulatedGuest;
    type Error = WasmHostError;

    fn build(&self, room_id: &str, context: Arc<impl StateroomContext>) -> Result<SimulatedGuest, WasmHostError> {
        self.0.build(room_id, context).map(SimulatedGuest)
    }

    async fn create(&self, room_id: &str, context: Arc<impl StateroomContext>) -> Result<SimulatedGuest, Fault> {
        self.build(room_id, context).map_err(|error| match error {
            WasmHostError::Start { fault, .. } => fault,
            other => Fault::new(FaultKind::Build, other.to_string()),
        })
    }
}
