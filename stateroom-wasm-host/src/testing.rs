//! Testing a compiled module without a server: the simulated room of [`stateroom::testing`], around a guest in the sandbox.
//!
//! What a test does to the native service, it can do to the module, the same [`Script`](stateroom::testing::Script) too. The
//! guest's clocks are the room's, and its random numbers are those of a seed: two runs are the same.
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
//! A [`WasmModule`] is compiled once for many rooms: with the feature `proptest` of `stateroom`, random clients find where
//! the module is not what its service is natively (`Interleavings::check_same`).
//!
//! Within an event no time passes: a guest that computes until a clock has moved on does so until its budget is used up.
//!
//! *Invariant:* nothing that a guest can ask for tells it that time passes outside, or how the last run went.
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

/// So many rooms of tests may there be at the same time.
const ROOMS: u32 = 64;

/// A module, compiled and checked once, for any number of simulated rooms. Cheap to clone.
///
/// Modules of the same configuration share the space for their rooms: unless that says otherwise, there are at most 64 at the
/// same time in a process. A room without space has failed from its beginning, with [`FaultKind::NoSpace`].
#[derive(Debug, Clone)]
pub struct WasmModule(WasmHostFactory);

impl WasmModule {
    /// The module in this file, under the default limits.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or does not hold a module that the host can run.
    pub fn of(path: impl AsRef<Path>) -> Result<Self, WasmHostError> {
        Self::with_config(path, &WasmHostConfig::default())
    }

    /// The same, under other limits.
    ///
    /// # Errors
    ///
    /// As [`of`](Self::of).
    pub fn with_config(path: impl AsRef<Path>, config: &WasmHostConfig) -> Result<Self, WasmHostError> {
        WasmHostFactory::with_config(path, &for_tests(config)).map(WasmModule)
    }

    /// The same, of a module in memory. `name` stands for it in messages.
    ///
    /// # Errors
    ///
    /// As [`of`](Self::of).
    pub fn from_bytes(name: impl Into<String>, bytes: &[u8], config: &WasmHostConfig) -> Result<Self, WasmHostError> {
        WasmHostFactory::from_bytes(name, bytes, &for_tests(config)).map(WasmModule)
    }

    /// A room with it, of the id `room`, whose seed is 0.
    #[must_use]
    pub fn room(&self) -> WasmRoom {
        self.seeded_room(0)
    }

    /// The same, with other random numbers.
    #[must_use]
    pub fn seeded_room(&self, seed: u64) -> WasmRoom {
        let clock = RoomClock::default();
        let time = clock.clone();
        let environment = SimulatedEnvironment::new(move || time.now()).with_seed(seed);
        let factory = self.0.with_environment(environment);
        WasmRoom(Room::from_factory_with_clock("room", ByThread(factory), clock))
    }
}

/// Space for ten thousand rooms is more than a test needs.
fn for_tests(config: &WasmHostConfig) -> WasmHostConfig {
    config.clone().with_instances(config.instances.unwrap_or(ROOMS))
}

/// A simulated room whose service is a module. All that can be done to a [`Room`] can be done to it.
pub struct WasmRoom(Room<Guest>);

impl WasmRoom {
    /// A room with the module in this file, as [`WasmModule::room`] makes it.
    ///
    /// # Errors
    ///
    /// As [`WasmModule::of`].
    pub fn of(path: impl AsRef<Path>) -> Result<Self, WasmHostError> {
        WasmModule::of(path).map(|module| module.room())
    }

    /// The room itself, for what takes such.
    #[must_use]
    pub fn into_room(self) -> Room<Guest> {
        self.0
    }
}

impl Deref for WasmRoom {
    type Target = Room<Guest>;

    fn deref(&self) -> &Room<Guest> {
        &self.0
    }
}

impl DerefMut for WasmRoom {
    fn deref_mut(&mut self) -> &mut Room<Guest> {
        &mut self.0
    }
}

/// The service of a [`WasmRoom`]: a guest that is driven by the thread of a test.
pub struct Guest(WasmHost);

impl StateroomService for Guest {
    fn memory_bytes(&mut self) -> Option<usize> {
        self.0.memory_bytes()
    }

    fn deliver(
        &mut self,
        turn: &EventBatch,
        _: &impl StateroomContext,
    ) -> impl Future<Output = Result<(), Fault>> + Send {
        future::ready(self.0.work_through(turn))
    }
}

struct ByThread(WasmHostFactory);

impl StateroomServiceFactory for ByThread {
    type Service = Guest;
    type Error = WasmHostError;

    fn build(&self, room_id: &str, context: Arc<impl StateroomContext>) -> Result<Guest, WasmHostError> {
        self.0.build(room_id, context).map(Guest)
    }

    async fn create(&self, room_id: &str, context: Arc<impl StateroomContext>) -> Result<Guest, Fault> {
        self.build(room_id, context).map_err(|error| match error {
            WasmHostError::Start { fault, .. } => fault,
            other => Fault::new(FaultKind::Build, other.to_string()),
        })
    }
}
