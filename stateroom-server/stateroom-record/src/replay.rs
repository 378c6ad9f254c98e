//! Telling a new instance what the one before it was told.
use std::{
    collections::BTreeSet,
    time::{SystemTime, UNIX_EPOCH},
};

use stateroom::{
    ClientId, StateroomContext, StateroomService,
    messages::{Effect, Event},
};

use tokio::task::yield_now;

use super::{Happened, observed::handle, room::History};

/// How many events are told before others get the thread.
const IN_ONE_GO: usize = 256;

/// What an instance knows that was told it all again.
#[derive(Debug, Default)]
pub(super) struct Restored {
    /// Who was in the room, as far as it knows.
    pub(super) clients: BTreeSet<ClientId>,
    /// The timer, if it is set, with what is left of its time.
    pub(super) timer: Option<Effect>,
    /// How many events it was told.
    pub(super) events: usize,
}

/// Tells a service all of a history. What it sends is dropped: the clients have it, of the code before.
///
/// # Errors
///
/// Where not all of it is there any more, it ended the room, or the service fails.
pub(super) async fn replay<S: StateroomService>(
    service: &mut S,
    history: &History,
    context: &impl StateroomContext,
) -> Result<Restored, String> {
    if !history.is_whole {
        return Err("too much has happened to keep all of it".to_owned());
    }
    let mut restored = Restored::default();
    let mut due = None;
    for entry in &history.entries {
        let event = match &entry.happened {
            Happened::Event { event, .. } => event.clone(),
            Happened::Fault { fault, .. } => return Err(format!("it has failed before: {}", fault.message())),
            Happened::Begin { .. } | Happened::Restore { .. } | Happened::Log { .. } => continue,
        };
        match &event {
            Event::Connect { client } | Event::ConnectWith { client, .. } => drop(restored.clients.insert(*client)),
            Event::Disconnect { client } => drop(restored.clients.remove(client)),
            Event::Timer => due = None,
            _ => {}
        }
        let label = event.label();
        let effects = handle(service, event, context)
            .await
            .map_err(|fault| format!("the new code fails in `{label}`, event {}: {}", entry.seq, fault.message()))?;
        restored.events += 1;
        if restored.events.is_multiple_of(IN_ONE_GO) {
            // Other rooms want the thread, too.
            yield_now().await;
        }
        for effect in effects {
            if let Effect::SetTimer { ms_delay } = effect {
                due = Some(entry.unix_ms + f64::from(ms_delay));
            }
        }
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64() * 1000.0;
    // As much as is left of it, and nothing where it is over.
    restored.timer = due.map(|due| Effect::SetTimer { ms_delay: (due - now).max(0.0) as u32 });
    Ok(restored)
}
