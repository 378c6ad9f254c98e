//! The events of a room that its service has not finished, each with the change that follows it.
//!
//! *Invariant:* an event and its change are added and removed together, so a change is never paired with another event.
use std::{collections::VecDeque, iter::Take, mem, sync::Arc, vec::Drain};

use crate::{
    event_batch::{EventBatch, FinishedEvents},
    messages::{Effect, Event, EventKind},
};

/// A queue of events for a service, each with the change `C` that the room makes once the event has returned.
#[derive(Debug)]
pub struct PendingEvents<C> {
    batch: Arc<EventBatch>,
    changes: VecDeque<Pending<C>>,
    /// Empty between calls; kept for its memory.
    finished: FinishedEvents,
}

#[derive(Debug)]
struct Pending<C> {
    kind: EventKind,
    change: C,
}

/// The effects of one finished event, in order.
#[derive(Debug)]
pub struct FinishedEffects<'a, 'b>(Take<&'a mut Drain<'b, Effect>>);

impl<C> PendingEvents<C> {
    /// Appends an event, and the change that follows it.
    pub fn push(&mut self, event: Event, change: C) {
        self.changes.push_back(Pending { kind: event.kind(), change });
        self.batch.push(event);
    }

    /// Returns the events for the service to handle.
    #[must_use]
    pub fn batch(&self) -> &Arc<EventBatch> {
        &self.batch
    }

    /// Returns whether the service has taken every event.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    /// Calls `apply` for each event that has finished since the last call, in order, with the event's kind, its change
    /// and its effects. `apply` may append events.
    pub fn apply_finished(&mut self, mut apply: impl FnMut(&mut Self, EventKind, C, FinishedEffects<'_, '_>)) {
        let mut finished = mem::take(&mut self.finished);
        self.batch.take_finished(&mut finished);
        let mut effects = finished.effects.drain(..);
        let mut start = 0;
        for end in &finished.ends {
            let Some(Pending { kind, change }) = self.changes.pop_front() else { break };
            let left = effects.len().saturating_sub(end - start);
            apply(self, kind, change, FinishedEffects(effects.by_ref().take(end - start)));
            // Effects that `apply` did not take are dropped with their event.
            let not_taken = effects.len().saturating_sub(left);
            effects.by_ref().take(not_taken).for_each(drop);
            start = *end;
        }
        drop(effects);
        finished.clear(Self::KEPT);
        self.finished = finished;
    }

    /// Removes the changes of all events that have not finished. The service must not handle these events anymore.
    pub fn abandon(&mut self) -> impl Iterator<Item = C> {
        self.batch = Arc::default();
        self.changes.drain(..).map(|pending| pending.change)
    }

    /// Releases excess memory.
    pub fn shrink(&mut self) {
        self.changes.shrink_to(Self::KEPT);
        self.batch.shrink_to(Self::KEPT);
    }

    /// Number of events and effects an idle room keeps memory for.
    const KEPT: usize = 512;
}

impl<C> Default for PendingEvents<C> {
    fn default() -> Self {
        PendingEvents { batch: Arc::default(), changes: VecDeque::new(), finished: FinishedEvents::default() }
    }
}

impl Iterator for FinishedEffects<'_, '_> {
    type Item = Effect;

    fn next(&mut self) -> Option<Effect> {
        self.0.next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timer(ms_delay: u32) -> Effect {
        Effect::SetTimer { ms_delay }
    }

    /// Finishes the next event with these effects.
    fn finish(pending: &PendingEvents<&'static str>, mut effects: Vec<Effect>) {
        pending.batch().next_event().unwrap();
        pending.batch().finish_event(&mut effects);
    }

    fn applied(pending: &mut PendingEvents<&'static str>) -> Vec<(EventKind, &'static str, Vec<Effect>)> {
        let mut applied = Vec::new();
        pending.apply_finished(|_, kind, change, effects| applied.push((kind, change, effects.collect())));
        applied
    }

    #[test]
    fn an_event_leaves_with_its_change_and_its_effects() {
        let mut pending = PendingEvents::default();
        pending.push(Event::Init, "first");
        pending.push(Event::Timer, "second");
        pending.push(Event::Shutdown, "third");
        finish(&pending, vec![timer(1), timer(2)]);
        finish(&pending, vec![]);
        assert_eq!(
            applied(&mut pending),
            [(EventKind::Init, "first", vec![timer(1), timer(2)]), (EventKind::Timer, "second", vec![])]
        );
        finish(&pending, vec![timer(3)]);
        assert_eq!(applied(&mut pending), [(EventKind::Shutdown, "third", vec![timer(3)])]);
        assert_eq!(applied(&mut pending), []);
    }

    #[test]
    fn effects_that_are_not_taken_do_not_reach_the_next_event() {
        let mut pending = PendingEvents::default();
        pending.push(Event::Init, "first");
        pending.push(Event::Timer, "second");
        finish(&pending, vec![timer(1), timer(2), timer(3)]);
        finish(&pending, vec![timer(4)]);
        let mut taken = Vec::new();
        pending.apply_finished(|_, _, change, mut effects| taken.push((change, effects.next())));
        assert_eq!(taken, [("first", Some(timer(1))), ("second", Some(timer(4)))]);
    }

    #[test]
    fn an_event_appended_while_another_is_applied_comes_last() {
        let mut pending = PendingEvents::default();
        pending.push(Event::Init, "first");
        pending.push(Event::Timer, "second");
        finish(&pending, vec![]);
        pending.apply_finished(|pending, _, _, _| pending.push(Event::Shutdown, "third"));
        finish(&pending, vec![]);
        finish(&pending, vec![]);
        let changes: Vec<_> = applied(&mut pending).into_iter().map(|(_, change, _)| change).collect();
        assert_eq!(changes, ["second", "third"]);
    }

    #[test]
    fn abandoned_events_give_back_their_changes_once() {
        let mut pending = PendingEvents::default();
        pending.push(Event::Init, "first");
        pending.push(Event::Timer, "second");
        assert_eq!(pending.abandon().collect::<Vec<_>>(), ["first", "second"]);
        assert!(pending.is_empty());
        assert_eq!(applied(&mut pending), []);
    }
}
