//! Replays the history of a room into a new service.
use std::collections::BTreeSet;

use stateroom::{
    ClientId, StateroomContext, StateroomService,
    messages::{Effect, Event},
};
use tokio::task::yield_now;

use crate::{
    RecordKind,
    delivery::{deliver_event, update_clients},
    event_time::{EventTime, from_unix_ms, to_unix_ms},
    room::History,
};

/// Number of events after which a replay yields its thread to other rooms.
const EVENTS_PER_YIELD: usize = 256;

/// The state of a room as a service knows it after a replay.
#[derive(Debug, Default)]
pub(crate) struct Replayed {
    /// The clients that were in the room at the end of the history.
    pub(crate) clients: BTreeSet<ClientId>,
    /// Sets the timer to the time that it has left, if it was set.
    pub(crate) timer: Option<Effect>,
    /// Number of events that were replayed.
    pub(crate) events: usize,
}

/// Replays a history. Messages that the service sends are dropped: the clients have received them from the old code.
///
/// # Errors
///
/// If the history is incomplete, an event in it failed, or the service fails.
pub(crate) async fn replay<S: StateroomService>(
    service: &mut S,
    history: &History,
    event_time: &EventTime,
    context: &impl StateroomContext,
) -> Result<Replayed, String> {
    if !history.is_complete {
        return Err("the beginning of the history is no longer kept".to_owned());
    }
    let context = &event_time.context(context);
    let mut replayed = Replayed::default();
    let mut timer_due = None;
    for entry in &history.entries {
        let event = match &entry.kind {
            RecordKind::Event { event, .. } => event.clone(),
            RecordKind::Fault { fault, .. } => return Err(format!("the room failed before: {}", fault.message())),
            RecordKind::Start | RecordKind::Restore { .. } | RecordKind::Log { .. } => continue,
        };
        update_clients(&mut replayed.clients, &event);
        if matches!(event, Event::Timer) {
            timer_due = None;
        }
        let label = event.kind().label();
        event_time.set(Some(from_unix_ms(entry.unix_ms)));
        let delivered = deliver_event(service, event, context).await;
        event_time.set(None);
        let effects = delivered
            .map_err(|fault| format!("the new code failed in `{label}`, event {}: {}", entry.seq, fault.message()))?;
        replayed.events += 1;
        if replayed.events.is_multiple_of(EVENTS_PER_YIELD) {
            yield_now().await;
        }
        for effect in effects {
            if let Effect::SetTimer { ms_delay } = effect {
                timer_due = Some(entry.unix_ms + f64::from(ms_delay));
            }
        }
    }
    let now = to_unix_ms(context.now());
    replayed.timer = timer_due.map(|due| Effect::SetTimer { ms_delay: (due - now).max(0.0) as u32 });
    Ok(replayed)
}
