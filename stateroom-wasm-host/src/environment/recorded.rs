//! The environment of a room whose events can be replayed: its state is a small value that can be stored.
//!
//! *Invariant:* the state, the stamps of the batches, and the guest's reads determine all that the guest reads. Time never
//! goes backwards, and reads advance it whether or not a batch begins between them.
use std::{convert::Infallible, sync::Arc, time::Duration};

use chacha20::rand_core::TryRng;
use parking_lot::Mutex;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtxBuilder};

use super::random::{self, Generator};

/// The time that passes with each read of a clock, so that a guest that waits for its clock makes progress.
const READ_TIME: Duration = Duration::from_micros(1);

/// The clock and the random numbers of one room, reproducible from their [`RecordedState`].
///
/// Within a batch of events the clock shows the batch's stamp, plus a microsecond for each read. Clones share the state.
///
/// ```
/// use std::time::Duration;
/// use stateroom_wasm_host::environment::{RecordedEnvironment, RecordedState};
///
/// let stamp = Duration::from_secs(1_767_225_600);
/// let environment = RecordedEnvironment::new(RecordedState::new(stamp, [7; 32]));
/// environment.begin_batch(stamp + Duration::from_secs(1));
/// let stored = environment.state();
/// let again = RecordedEnvironment::new(stored);
/// assert_eq!(again.state(), stored);
/// ```
#[derive(Debug, Clone)]
pub struct RecordedEnvironment(Arc<Mutex<Recorder>>);

/// The state of a [`RecordedEnvironment`] between two events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordedState {
    /// The time of the wall clock when the room began, since 1970: the zero of the monotonic clock.
    pub started: Duration,
    /// The time of the wall clock now.
    pub now: Duration,
    /// The seed of the random numbers.
    pub seed: [u8; 32],
    /// Position in the stream of random numbers, in words of 32 bits.
    pub word_position: u128,
}

impl RecordedState {
    /// The state of a room that begins now. The seed must be secret and chosen at random for each room.
    #[must_use]
    pub fn new(now: Duration, seed: [u8; 32]) -> Self {
        RecordedState { started: now, now, seed, word_position: 0 }
    }
}

#[derive(Debug)]
struct Recorder {
    started: Duration,
    now: Duration,
    seed: [u8; 32],
    generator: Generator,
}

impl RecordedEnvironment {
    /// Creates the environment in that state.
    #[must_use]
    pub fn new(state: RecordedState) -> Self {
        let RecordedState { started, now, seed, word_position } = state;
        let generator = random::generator(seed, word_position);
        RecordedEnvironment(Arc::new(Mutex::new(Recorder { started, now, seed, generator })))
    }

    /// Advances the clock to a batch's stamp, in time since 1970. An earlier stamp leaves the clock as it is.
    pub fn begin_batch(&self, stamp: Duration) {
        let mut recorder = self.0.lock();
        recorder.now = recorder.now.max(stamp);
    }

    /// Advances the clock by the time for which the guest has slept.
    pub(crate) fn pass(&self, time: Duration) {
        let mut recorder = self.0.lock();
        recorder.now = recorder.now.saturating_add(time);
    }

    /// Returns the state, from which [`new`](Self::new) continues.
    #[must_use]
    pub fn state(&self) -> RecordedState {
        let recorder = self.0.lock();
        let Recorder { started, now, seed, ref generator } = *recorder;
        RecordedState { started, now, seed, word_position: generator.get_word_pos() }
    }

    pub(super) fn install(&self, wasi: &mut WasiCtxBuilder) {
        wasi.wall_clock(self.clone())
            .monotonic_clock(self.clone())
            .secure_random(RecordedRandom(self.clone()))
            .insecure_random(RecordedRandom(self.clone()))
            .insecure_random_seed(0);
    }

    /// Reads the clock: the time since 1970, and since the room began.
    fn read(&self) -> (Duration, Duration) {
        let mut recorder = self.0.lock();
        recorder.now = recorder.now.saturating_add(READ_TIME);
        (recorder.now, recorder.now.saturating_sub(recorder.started))
    }
}

impl HostWallClock for RecordedEnvironment {
    fn resolution(&self) -> Duration {
        READ_TIME
    }

    fn now(&self) -> Duration {
        self.read().0
    }
}

impl HostMonotonicClock for RecordedEnvironment {
    fn resolution(&self) -> u64 {
        u64::try_from(READ_TIME.as_nanos()).unwrap_or(u64::MAX)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.read().1.as_nanos()).unwrap_or(u64::MAX)
    }
}

struct RecordedRandom(RecordedEnvironment);

impl TryRng for RecordedRandom {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.0.0.lock().generator.try_next_u32()
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0.0.lock().generator.try_next_u64()
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.0.lock().generator.try_fill_bytes(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: Duration = Duration::from_secs(1_000);

    fn environment() -> RecordedEnvironment {
        RecordedEnvironment::new(RecordedState::new(STAMP, [9; 32]))
    }

    fn bytes(environment: &RecordedEnvironment, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        let Ok(()) = RecordedRandom(environment.clone()).try_fill_bytes(&mut bytes);
        bytes
    }

    #[test]
    fn reads_advance_the_clock_and_stamps_do_not_set_it_back() {
        let environment = environment();
        assert_eq!(HostWallClock::now(&environment), STAMP + READ_TIME);
        assert_eq!(HostMonotonicClock::now(&environment), 2_000);
        environment.begin_batch(STAMP);
        assert_eq!(HostMonotonicClock::now(&environment), 3_000);
        environment.begin_batch(STAMP * 2);
        assert_eq!(HostWallClock::now(&environment), STAMP * 2 + READ_TIME);
    }

    #[test]
    fn continues_from_a_stored_state() {
        for count in [0, 1, 3, 4, 63, 64, 65, 255, 256, 257, 5_000] {
            let environment = environment();
            bytes(&environment, count);
            HostWallClock::now(&environment);
            let restored = RecordedEnvironment::new(environment.state());
            assert_eq!(restored.state(), environment.state(), "{count}");
            assert_eq!(bytes(&restored, 300), bytes(&environment, 300), "{count}");
            assert_eq!(HostWallClock::now(&restored), HostWallClock::now(&environment));
        }
    }

    #[test]
    fn grouping_of_reads_into_batches_is_not_observable() {
        let (one, many) = (environment(), environment());
        let read = |environment: &RecordedEnvironment| (HostWallClock::now(environment), bytes(environment, 8));
        let expected = [read(&one), read(&one), read(&one)];
        let found = [0, 1, 2].map(|_| {
            many.begin_batch(STAMP);
            read(&many)
        });
        assert_eq!(found, expected);
    }
}
