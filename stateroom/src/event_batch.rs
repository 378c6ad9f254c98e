//! The events a room hands to its service together, and the effects it gets back.
//!
//! *Invariant:* effects are released by event and in order, and only for events that have returned. While the service
//! is handling an event, the room can already take the effects of the events before it.
use std::{
    collections::VecDeque,
    mem,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::messages::{Effect, Event, EventKind};

/// Events that wait for a service, and the effects of the finished ones.
///
/// The room appends events, [`deliver`](crate::StateroomService::deliver) handles them, and the room takes the
/// finished ones whenever `deliver` returns or yields. Both run in one task, so the lock is never contended.
#[derive(Debug, Default)]
pub struct EventBatch {
    state: Mutex<BatchState>,
    /// Number of waiting events. Updated with the state, read without its lock.
    waiting: AtomicUsize,
}

#[derive(Debug, Default)]
struct BatchState {
    waiting: VecDeque<Event>,
    /// Kinds of the events that were taken and have not returned.
    in_progress: VecDeque<EventKind>,
    finished: FinishedEvents,
}

/// Finished events and their effects, in order.
#[derive(Debug, Default)]
pub struct FinishedEvents {
    /// Effects of all these events.
    pub effects: VecDeque<Effect>,
    /// The number of effects of each event, or [`REJECTED`](Self::REJECTED).
    pub lengths: VecDeque<usize>,
    /// Why the rejected events were rejected, for their clients.
    pub rejections: VecDeque<Box<str>>,
}

impl FinishedEvents {
    /// Stands for an event that failed, and that the service has not seen: it was undone.
    pub const REJECTED: usize = usize::MAX;

    /// Appends an event that was rejected for this reason.
    pub fn reject(&mut self, reason: String) {
        self.lengths.push_back(Self::REJECTED);
        self.rejections.push_back(reason.into());
    }

    /// Appends an event with these effects, and leaves `effects` empty.
    pub fn push(&mut self, effects: &mut Vec<Effect>) {
        self.lengths.push_back(effects.len());
        self.effects.extend(effects.drain(..));
    }

    /// Appends later events, and leaves `later` empty.
    pub fn append(&mut self, later: &mut FinishedEvents) {
        if self.lengths.is_empty() && self.effects.is_empty() {
            mem::swap(self, later);
            return;
        }
        self.effects.append(&mut later.effects);
        self.lengths.append(&mut later.lengths);
        self.rejections.append(&mut later.rejections);
    }

    /// Keeps memory for at most `capacity` effects and events.
    pub fn shrink_to(&mut self, capacity: usize) {
        self.effects.shrink_to(capacity);
        self.lengths.shrink_to(capacity);
    }
}

impl EventBatch {
    /// Creates a batch of these events.
    #[must_use]
    pub fn new(events: impl IntoIterator<Item = Event>) -> Self {
        let batch = EventBatch::default();
        events.into_iter().for_each(|event| batch.push(event));
        batch
    }

    /// Appends an event.
    pub fn push(&self, event: Event) {
        let mut state = self.lock();
        state.waiting.push_back(event);
        self.waiting.store(state.waiting.len(), Ordering::Relaxed);
    }

    /// Takes the next event to handle.
    pub fn next_event(&self) -> Option<Event> {
        let mut state = self.lock();
        let event = state.waiting.pop_front()?;
        state.in_progress.push_back(event.kind());
        self.waiting.store(state.waiting.len(), Ordering::Relaxed);
        Some(event)
    }

    /// Takes events for as long as `take` accepts the next one, and returns their number.
    pub fn take_events(&self, mut take: impl FnMut(&Event) -> bool) -> usize {
        let mut state = self.lock();
        let mut taken = 0;
        while let Some(event) = state.waiting.front().filter(|event| take(event)) {
            let kind = event.kind();
            state.in_progress.push_back(kind);
            state.waiting.pop_front();
            taken += 1;
        }
        self.waiting.store(state.waiting.len(), Ordering::Relaxed);
        taken
    }

    /// Returns the label of the first event that was taken and has not returned: after a fault, the event that failed.
    pub fn in_progress_label(&self) -> Option<&'static str> {
        self.lock().in_progress.front().map(|kind| kind.label())
    }

    /// Returns the label of the first event that has not returned, whether it was taken or not.
    pub fn next_label(&self) -> Option<&'static str> {
        let state = self.lock();
        let next = state.in_progress.front().copied().or_else(|| state.waiting.front().map(Event::kind));
        next.map(EventKind::label)
    }

    /// Finishes the first event in progress with these effects, and leaves `effects` empty.
    pub fn finish_event(&self, effects: &mut Vec<Effect>) {
        let mut state = self.lock();
        state.in_progress.pop_front();
        state.finished.push(effects);
    }

    /// Finishes the first events in progress, and leaves `finished` empty.
    pub fn finish_events(&self, finished: &mut FinishedEvents) {
        let mut state = self.lock();
        let count = finished.lengths.len().min(state.in_progress.len());
        state.in_progress.drain(..count);
        state.finished.append(finished);
    }

    /// Moves the events that have finished since the last call to the end of `finished`.
    pub fn take_finished(&self, finished: &mut FinishedEvents) {
        finished.append(&mut self.lock().finished);
    }

    /// Keeps memory for at most `capacity` events.
    pub fn shrink_to(&self, capacity: usize) {
        let mut state = self.lock();
        state.waiting.shrink_to(capacity);
        state.in_progress.shrink_to(capacity);
    }

    /// Returns whether no event waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) == 0
    }

    fn lock(&self) -> MutexGuard<'_, BatchState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
