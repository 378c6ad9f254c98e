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

use super::{failure::WakeError, record::EffectsHash};
use crate::broken::BrokenRoom;

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

/// Why stored events cannot be handled again.
pub(super) enum ReplayError {
    /// The service failed.
    Failed(Fault),
    /// They had other effects than the first time.
    Differs { expected: EffectsHash, found: EffectsHash },
}

impl ReplayError {
    /// Returns the state of the room: broken, unless the service may succeed where it is less hurried.
    pub(super) fn of_record(self, seq: u64) -> WakeError {
        match self {
            ReplayError::Failed(fault) => match fault.kind() {
                FaultKind::CpuBudget | FaultKind::TimeBudget | FaultKind::NoSpace => fault.into(),
                _ => WakeError::Broken(BrokenRoom::new(
                    seq,
                    format!("the events of the record {seq} were accepted, and fail when they are replayed: {fault}"),
                )),
            },
            ReplayError::Differs { expected, found } => {
                let reason = format!(
                    "the events of the record {seq} had other effects when they were replayed: the service depends on something \
                     that is not stored"
                );
                let [expected, found] = [expected, found].map(|hash| Some(hex(&hash)));
                WakeError::Broken(BrokenRoom { expected, found, ..BrokenRoom::new(seq, reason) })
            }
        }
    }
}

fn hex(hash: &EffectsHash) -> String {
    format!("{:032x}", u128::from_be_bytes(*hash))
}

/// Returns whether one of the events has ended the room.
pub(super) fn ends_room(finished: &FinishedEvents) -> bool {
    finished.effects.contains(&Effect::EndRoom)
}

/// Has the service handle stored events again. Returns whether they end the room.
pub(super) async fn replay<S: StateroomService>(
    service: &mut S,
    attendance: &mut Attendance,
    (stamp, expected, events): (Duration, EffectsHash, Vec<Event>),
    context: &impl StateroomContext,
) -> Result<bool, ReplayError> {
    events.iter().for_each(|event| attendance.apply(event));
    let events = Arc::new(EventBatch::new(events));
    let mut all = FinishedEvents::default();
    while !events.is_empty() {
        let (mut finished, outcome) = handle(service, &events, BatchStart { stamp, is_replay: true }, context).await;
        outcome.map_err(ReplayError::Failed)?;
        all.append(&mut finished);
    }
    follow_timer(attendance, &all, stamp);
    let found = hash(&all);
    if found == expected { Ok(ends_room(&all)) } else { Err(ReplayError::Differs { expected, found }) }
}
