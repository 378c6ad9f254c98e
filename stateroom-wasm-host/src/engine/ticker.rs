//! The clock that interrupts guests.
//!
//! *Invariant:* it ticks while a guest runs, parks after a while without one, and stops when its engine is dropped. A guest that
//! runs after a pause finds a new tick: it is not charged for what its thread computed during the pause.
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread::{self, Thread},
    time::Duration,
};

use wasmtime::{Engine, EngineWeak};

/// The interval at which a computing guest is interrupted to let others run.
pub(crate) const TICK: Duration = Duration::from_millis(1);

/// Number of ticks so far, of all engines. The end of a pause counts as one.
static TICKS: AtomicU64 = AtomicU64::new(1);

/// Returns the number of ticks so far, which is never 0.
pub(crate) fn ticks() -> u64 {
    TICKS.load(Ordering::Relaxed)
}

/// Ticks without a running guest before the thread parks. Parking and unparking costs more than a few idle ticks.
const MAX_IDLE_TICKS: u32 = 20;

/// A thread that advances the engine's epoch.
#[derive(Debug)]
pub(crate) struct Ticker {
    state: Arc<TickerState>,
    thread: Thread,
}

#[derive(Debug, Default)]
struct TickerState {
    running: AtomicUsize,
    parked: AtomicBool,
    stopped: AtomicBool,
}

/// Held while a guest may run.
#[derive(Debug)]
pub(crate) struct RunningGuard<'a>(&'a TickerState);

impl Ticker {
    pub(crate) fn start(engine: &Engine) -> io::Result<Self> {
        let state = Arc::new(TickerState::default());
        let engine = engine.weak();
        let thread = thread::Builder::new().name("stateroom-ticker".to_owned()).spawn({
            let state = Arc::clone(&state);
            move || tick(&engine, &state)
        })?;
        Ok(Ticker { state, thread: thread.thread().clone() })
    }

    pub(crate) fn running(&self) -> RunningGuard<'_> {
        // Either this thread sees that the ticker is parked, or the ticker sees that a guest runs: hence one total order
        // of all four accesses.
        self.state.running.fetch_add(1, Ordering::SeqCst);
        if self.state.parked.load(Ordering::SeqCst) {
            // The first tick comes too late for this guest.
            TICKS.fetch_add(1, Ordering::Relaxed);
            self.thread.unpark();
        }
        RunningGuard(&self.state)
    }
}

impl Drop for RunningGuard<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.state.stopped.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

fn tick(engine: &EngineWeak, state: &TickerState) {
    let mut idle_ticks = 0;
    while !state.stopped.load(Ordering::SeqCst) {
        thread::sleep(TICK);
        let Some(engine) = engine.upgrade() else { return };
        TICKS.fetch_add(1, Ordering::Relaxed);
        engine.increment_epoch();
        drop(engine);
        idle_ticks = if state.running.load(Ordering::SeqCst) > 0 { 0 } else { idle_ticks + 1 };
        if idle_ticks >= MAX_IDLE_TICKS {
            park(state);
            idle_ticks = 0;
        }
    }
}

fn park(state: &TickerState) {
    state.parked.store(true, Ordering::SeqCst);
    while state.running.load(Ordering::SeqCst) == 0 && !state.stopped.load(Ordering::SeqCst) {
        thread::park();
    }
    // For guests that find the ticker no longer parked.
    TICKS.fetch_add(1, Ordering::Relaxed);
    state.parked.store(false, Ordering::SeqCst);
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_guest_that_ends_a_pause_finds_a_new_tick() {
        let engine = Engine::default();
        let ticker = Ticker::start(&engine).expect("failed to start a thread");
        let start = Instant::now();
        while !ticker.state.parked.load(Ordering::SeqCst) {
            assert!(start.elapsed() < Duration::from_secs(60), "the ticker does not park");
            thread::yield_now();
        }
        let before = ticks();
        let _running = ticker.running();
        assert_ne!(ticks(), before);
    }
}
