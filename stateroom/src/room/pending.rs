//! The events of a room that its service has not finished, each with the change that follows it.
//!
//! *Invariant:* an event and its change are added and removed together, so a change is never paired with another event.
use std::{collections::VecDeque, mem, sync::Arc};

use crate::{
    event_batch::{EventBatch, FinishedEvents},
    messages::{Effect, Event, EventKind},
};

/// A queue of events for a service, each with the change `C` that the room makes once the event has returned.
#[derive(Debug)]
pub struct PendingEvents<C> {
    batch: Arc<EventBatch>,
    changes: VecDeque<Pending<C>>,
    /// The finished events that are not applied.
    finished: FinishedEvents,
    /// The event of which a part is applied, and the number of its further effects.
    begun: Option<(EventKind, usize)>,
}

/// How far an event is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It is applied, and the next one follows.
    Event,
    /// It is applied, and the others wait for the next call.
    EventThenPause,
    /// Its further effects wait for the next call.
    Part,
}

/// Applies a finished event. There is no change if a part of it has been applied before.
pub trait Apply<C>: FnMut(&mut PendingEvents<C>, EventKind, Option<C>, &mut FinishedEffects<'_>) -> Applied {}

impl<C, F: FnMut(&mut PendingEvents<C>, EventKind, Option<C>, &mut FinishedEffects<'_>) -> Applied> Apply<C> for F {}

#[derive(Debug)]
struct Pending<C> {
    kind: EventKind,
    change: C,
}

/// The effects of one finished event, in order.
#[derive(Debug)]
pub struct FinishedEffects<'a> {
    effects: &'a mut VecDeque<Effect>,
    left: usize,
    rejection: Option<Box<str>>,
}

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
    /// and its effects. `apply` may append events. Returns whether all of them are applied: when `apply` pauses, the next
    /// call continues at the same effect, without the change.
    pub fn apply_finished(&mut self, mut apply: impl Apply<C>) -> bool {
        let mut finished = mem::take(&mut self.finished);
        self.batch.take_finished(&mut finished);
        let is_done = self.apply_events(&mut finished, &mut apply);
        if is_done {
            finished.shrink_to(Self::KEPT);
        }
        self.finished = finished;
        is_done
    }

    fn apply_events(&mut self, finished: &mut FinishedEvents, apply: &mut impl Apply<C>) -> bool {
        loop {
            let mut rejection = None;
            let (kind, change, left) = match self.begun.take() {
                Some((kind, left)) => (kind, None, left),
                None => {
                    let Some(mut length) = finished.lengths.pop_front() else { return true };
                    let Some(Pending { kind, change }) = self.changes.pop_front() else { return true };
                    if length == FinishedEvents::REJECTED {
                        rejection = finished.rejections.pop_front();
                        length = 0;
                    }
                    (kind, Some(change), length)
                }
            };
            let mut effects = FinishedEffects { effects: &mut finished.effects, left, rejection };
            let applied = apply(self, kind, change, &mut effects);
            if applied == Applied::Part {
                self.begun = Some((kind, effects.left));
                return false;
            }
            // Effects that `apply` did not take are dropped with their event.
            effects.for_each(drop);
            if applied == Applied::EventThenPause {
                return false;
            }
        }
    }

    /// Returns the changes of all events that have not finished.
    pub fn changes(&self) -> impl Iterator<Item = &C> {
        self.changes.iter().map(|pending| &pending.change)
    }

    /// Removes the changes of all events that have not finished. The service must not handle these events anymore.
    pub fn abandon(&mut self) -> impl Iterator<Item = C> {
        self.batch = Arc::default();
        self.finished = FinishedEvents::default();
        self.begun = None;
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
        PendingEvents {
            batch: Arc::default(),
            changes: VecDeque::new(),
            finished: FinishedEvents::default(),
            begun: None,
        }
    }
}

impl FinishedEffects<'_> {
    /// Returns why the event was rejected, if it was. It has no effects then.
    pub fn rejection(&mut self) -> Option<Box<str>> {
        self.rejection.take()
    }
}

impl Iterator for FinishedEffects<'_> {
    type Item = Effect;

    fn next(&mut self) -> Option<Effect> {
        self.left = self.left.checked_sub(1)?;
        self.effects.pop_front()
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
        assert!(pending.apply_finished(|_: &mut _, kind, change: Option<_>, effects: &mut FinishedEffects<'_>| {
            applied.push((kind, change.unwrap(), effects.collect()));
            Applied::Event
        }));
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
        pending.apply_finished(|_: &mut _, _, change: Option<_>, effects: &mut FinishedEffects<'_>| {
            taken.push((change.unwrap(), effects.next()));
            Applied::Event
        });
        assert_eq!(taken, [("first", Some(timer(1))), ("second", Some(timer(4)))]);
    }

    #[test]
    fn an_event_appended_while_another_is_applied_comes_last() {
        let mut pending = PendingEvents::default();
        pending.push(Event::Init, "first");
        pending.push(Event::Timer, "second");
        finish(&pending, vec![]);
        pending.apply_finished(|pending: &mut PendingEvents<_>, _, _, _: &mut FinishedEffects<'_>| {
            pending.push(Event::Shutdown, "third");
            Applied::Event
        });
        finish(&pending, vec![]);
        finish(&pending, vec![]);
        let changes: Vec<_> = applied(&mut pending).into_iter().map(|(_, change, _)| change).collect();
        assert_eq!(changes, ["second", "third"]);
    }

    #[test]
    fn continues_after_a_pause_at_the_same_effect() {
        let mut pending = PendingEvents::default();
        for change in ["first", "second", "third"] {
            pending.push(Event::Timer, change);
        }
        finish(&pending, vec![timer(1), timer(2)]);
        finish(&pending, vec![]);
        let mut steps = Vec::new();
        let mut calls = 0;
        loop {
            calls += 1;
            let is_done = pending.apply_finished(|_: &mut _, _, change, effects: &mut FinishedEffects<'_>| {
                let effect = effects.next();
                let is_last = effect.is_none();
                steps.push((change, effect));
                if is_last { Applied::EventThenPause } else { Applied::Part }
            });
            if is_done {
                break;
            }
            if calls == 2 {
                finish(&pending, vec![timer(3)]);
            }
        }
        let expected = [
            (Some("first"), Some(timer(1))),
            (None, Some(timer(2))),
            (None, None),
            (Some("second"), None),
            (Some("third"), Some(timer(3))),
            (None, None),
        ];
        assert_eq!((steps, calls), (expected.to_vec(), 7));
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
