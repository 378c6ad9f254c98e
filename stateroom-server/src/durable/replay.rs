//! The events of a batch, handled by a service, and the check that a replay has the same effects.
//!
//! *Invariant:* the hash depends on the effects of each event, and not on how events are grouped into batches.
use std::{sync::Arc, time::Duration};

use stateroom::{
    StateroomContext, StateroomService,
    durable::BatchStart,
    event_batch::{EventBatch, FinishedEvents},
    fault::{Fault, FaultKind},
    messages::{Effect, Event},
    room::{Attendance, Timestamp},
    wire::batch,
};

use super::record::EffectsHash;

/// Returns a hash of the effects of events, in order.
pub(super) fn hash(finished: &FinishedEvents) -> EffectsHash {
    let size = finished.effects.iter().map(Effect::size).sum::<usize>() + 8 * finished.effects.len();
    let mut encoded = Vec::with_capacity(size);
    let mut effects = finished.effects.iter();
    for length in &finished.lengths {
        effects.by_ref().take(*length).for_each(|effect| batch::encode_effect(effect, &mut encoded));
        batch::encode_end(&mut encoded);
    }
    let hash = blake3::hash(&encoded);
    hash.as_bytes().first_chunk().copied().unwrap_or_default()
}

/// Size of effects from which no further events are handled before these are released, in bytes.
const MAX_EFFECT_BYTES: usize = 1 << 20;

/// Has the service handle events at a time, all of them or until they have large effects. Returns those that it has finished, even
/// if it fails.
pub(super) async fn handle<S: StateroomService>(
    service: &mut S,
    events: &Arc<EventBatch>,
    start: BatchStart,
    context: &impl StateroomContext,
) -> (FinishedEvents, Result<(), Fault>) {
    service.begin_batch(start);
    let mut outcome = Ok(());
    let (mut finished, mut bytes) = (FinishedEvents::default(), 0);
    while outcome.is_ok() && !events.is_empty() && bytes < MAX_EFFECT_BYTES {
        outcome = service.deliver(events, context).await;
        let before = finished.effects.len();
        events.take_finished(&mut finished);
        bytes += finished.effects.range(before..).map(Effect::size).sum::<usize>();
    }
    let outcome = outcome.map_err(|fault| fault.in_event(events.in_progress_label()));
    (finished, outcome)
}

/// Follows the timer of a room through the effects of events at a time.
pub(super) fn follow_timer(attendance: &mut Attendance, finished: &FinishedEvents, stamp: Duration) {
    for effect in &finished.effects {
        if let Effect::SetTimer { ms_delay } = effect {
            let delay = Duration::from_millis((*ms_delay).into());
            attendance.timer_due = Some(Timestamp::from_duration(stamp).saturating_add(delay));
        }
    }
}

/// Has the service handle stored events again.
pub(super) async fn replay<S: StateroomService>(
    service: &mut S,
    attendance: &mut Attendance,
    (stamp, expected, events): (Duration, EffectsHash, Vec<Event>),
    context: &impl StateroomContext,
) -> Result<(), Fault> {
    events.iter().for_each(|event| attendance.apply(event));
    let events = Arc::new(EventBatch::new(events));
    let mut all = FinishedEvents::default();
    while !events.is_empty() {
        let (mut finished, outcome) = handle(service, &events, BatchStart { stamp, is_replay: true }, context).await;
        outcome?;
        all.append(&mut finished);
    }
    follow_timer(attendance, &all, stamp);
    if hash(&all) == expected {
        return Ok(());
    }
    let message = "events that were handled again had other effects than the first time: the service depends on something that is \
                   not stored";
    Err(Fault::new(FaultKind::Storage, message))
}
