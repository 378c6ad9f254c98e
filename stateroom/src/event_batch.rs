//! What a room hands its service in one go, and gets back.
//!
//! *Invariant:* effects come out by event and in order, and only of events that have returned. While a service still
//! works on one event, the room can already take the effects of those before it.
use std::{
    collections::VecDeque,
    mem,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::messages::{Effect, Event};

/// The events that wait for a service, and behind it the effects of those it has finished.
///
/// The room fills it, [`deliver`](crate::StateroomService::deliver) works through it, and the room takes what is finished
/// whenever `deliver` returns or waits. Both are one task, so the lock is never contended.
#[derive(Debug, Default)]
pub struct EventBatch {
    state: Mutex<State>,
    /// How many events wait; changed with the state, and looked at without it.
    waiting: AtomicUsize,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Event>,
    /// The labels of the events that were taken and have not returned.
    under_way: VecDeque<&'static str>,
    finished: FinishedEvents,
}

/// Effects of finished events, in order.
#[derive(Debug, Default)]
pub struct FinishedEvents {
    /// The effects of all these events.
    pub effects: Vec<Effect>,
    /// For each event, where in `effects` its own end.
    pub ends: Vec<usize>,
}

impl FinishedEvents {
    /// Puts others behind these; leaves `later` empty.
    pub fn append(&mut self, later: &mut FinishedEvents) {
        if self.ends.is_empty() && self.effects.is_empty() {
            mem::swap(self, later);
            return;
        }
        let before = self.effects.len();
        self.effects.append(&mut later.effects);
        self.ends.extend(later.ends.drain(..).map(|end| before + end));
    }

    /// Forgets all, and keeps memory for so many.
    pub fn clear(&mut self, kept: usize) {
        self.effects.clear();
        self.effects.shrink_to(kept);
        self.ends.clear();
        self.ends.shrink_to(kept);
    }
}

impl EventBatch {
    /// A turn of these events.
    #[must_use]
    pub fn new(events: impl IntoIterator<Item = Event>) -> Self {
        let turn = EventBatch::default();
        turn.add(events);
        turn
    }

    /// Puts further events behind those that wait.
    pub fn add(&self, events: impl IntoIterator<Item = Event>) {
        let mut state = self.lock();
        state.waiting.extend(events);
        self.waiting.store(state.waiting.len(), Ordering::Relaxed);
    }

    /// The next event to work on.
    pub fn next_event(&self) -> Option<Event> {
        let mut state = self.lock();
        let event = state.waiting.pop_front()?;
        state.under_way.push_back(event.label());
        self.waiting.store(state.waiting.len(), Ordering::Relaxed);
        Some(event)
    }

    /// Takes events for as long as `take` says yes to the next one; says how many.
    pub fn take_events(&self, mut take: impl FnMut(&Event) -> bool) -> usize {
        let mut state = self.lock();
        let mut taken = 0;
        while let Some(event) = state.waiting.front().filter(|event| take(event)) {
            let label = event.label();
            state.under_way.push_back(label);
            state.waiting.pop_front();
            taken += 1;
        }
        self.waiting.store(state.waiting.len(), Ordering::Relaxed);
        taken
    }

    /// The label of the first event that was taken and has not returned, if there is one: after a fault, the one that
    /// failed.
    pub fn in_progress_label(&self) -> Option<&'static str> {
        self.lock().under_way.front().copied()
    }

    /// The label of the first event that has not returned, whether it was taken or not.
    pub fn next_label(&self) -> Option<&'static str> {
        let state = self.lock();
        state.under_way.front().copied().or_else(|| state.waiting.front().map(Event::label))
    }

    /// Says that the first event under way has returned, and what it asked for; leaves `effects` empty.
    pub fn finish_event(&self, effects: &mut Vec<Effect>) {
        let mut state = self.lock();
        state.under_way.pop_front();
        state.finished.effects.append(effects);
        let end = state.finished.effects.len();
        state.finished.ends.push(end);
    }

    /// Says that the first events under way have returned, and what they asked for; leaves `finished` empty.
    pub fn finish_events(&self, finished: &mut FinishedEvents) {
        let mut state = self.lock();
        let count = finished.ends.len().min(state.under_way.len());
        state.under_way.drain(..count);
        state.finished.append(finished);
    }

    /// Exchanges `finished`, which must be empty, for what has finished since.
    pub fn take_finished(&self, finished: &mut FinishedEvents) {
        mem::swap(&mut self.lock().finished, finished);
    }

    /// Keeps memory for no more than so many events.
    pub fn shrink_to(&self, kept: usize) {
        let mut state = self.lock();
        state.waiting.shrink_to(kept);
        state.under_way.shrink_to(kept);
    }

    /// Whether no event waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) == 0
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
