//! The clock by which guests are interrupted.
//!
//! *Invariant:* it ticks while a guest runs, rests when none has for a while, and ends with its engine.
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, Thread},
};

use wasmtime::{Engine, EngineWeak};

use super::TICK;

/// Resting and waking costs more than a few ticks in vain.
const TICKS_IN_VAIN: u32 = 20;

/// A thread that ticks.
#[derive(Debug)]
pub(crate) struct Ticker {
    state: Arc<State>,
    thread: Thread,
}

#[derive(Debug, Default)]
struct State {
    running: AtomicUsize,
    resting: AtomicBool,
    ended: AtomicBool,
}

/// A guest runs, or may.
#[derive(Debug)]
pub(crate) struct Running<'a>(&'a State);

impl Ticker {
    pub(crate) fn start(engine: &Engine) -> io::Result<Self> {
        let state = Arc::new(State::default());
        let engine = engine.weak();
        let thread = thread::Builder::new().name("stateroom-ticker".to_owned()).spawn({
            let state = Arc::clone(&state);
            move || tick(&engine, &state)
        })?;
        Ok(Ticker { state, thread: thread.thread().clone() })
    }

    pub(crate) fn running(&self) -> Running<'_> {
        // Either this thread sees that the ticker rests, or the ticker sees that a guest runs: hence the one order
        // of all four accesses.
        self.state.running.fetch_add(1, Ordering::SeqCst);
        if self.state.resting.load(Ordering::SeqCst) {
            self.thread.unpark();
        }
        Running(&self.state)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

fn tick(engine: &EngineWeak, state: &State) {
    let mut in_vain = 0;
    while !state.ended.load(Ordering::SeqCst) {
        thread::sleep(TICK);
        let Some(engine) = engine.upgrade() else { return };
        engine.increment_epoch();
        drop(engine);
        in_vain = if state.running.load(Ordering::SeqCst) > 0 { 0 } else { in_vain + 1 };
        if in_vain >= TICKS_IN_VAIN {
            rest(state);
            in_vain = 0;
        }
    }
}

fn rest(state: &State) {
    state.resting.store(true, Ordering::SeqCst);
    while state.running.load(Ordering::SeqCst) == 0 && !state.ended.load(Ordering::SeqCst) {
        thread::park();
    }
    state.resting.store(false, Ordering::SeqCst);
}
