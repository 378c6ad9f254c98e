//! Exports the record of a room as a script that a test can run.
//!
//! *Invariant:* the script expects exactly what the clients received. Only time is left out in which no timer was due.
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use stateroom::{
    ClientId, MessagePayload,
    messages::{Effect, Event},
    testing::{Script, Step},
};

use crate::{
    Entry, RecordKind,
    delivery::{joining_client, update_clients},
};

/// The code that clients are closed with when the service fails.
const SERVICE_FAILED: u16 = 1011;
/// How many milliseconds before its time a timer event may be recorded. An earlier one was fired by hand.
const TIMER_TOLERANCE_MS: f64 = 5.0;

/// The history of a service as a script: made by [`RoomRecord::script`](crate::RoomRecord::script).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordedScript {
    /// The steps, and what each client received.
    pub script: Script,
    /// Whether it begins with the first event. If not, the oldest entries were dropped and the script may not pass.
    pub is_complete: bool,
}

/// Writes the script of a history.
pub(crate) fn script<'a>(entries: impl Iterator<Item = &'a Entry> + Clone) -> Script {
    let mut writer = ScriptWriter { returning: returning_clients(entries.clone()), ..ScriptWriter::default() };
    for entry in entries {
        match &entry.kind {
            RecordKind::Event { event, effects, .. } => writer.event(event, effects, entry.unix_ms),
            RecordKind::Fault { event: Some(event), .. } => writer.fault(event, entry.unix_ms),
            _ => {}
        }
    }
    writer.flush_expectations();
    Script { steps: writer.steps }
}

/// Returns the clients that connect more than once. They have a token, which is not in the record.
fn returning_clients<'a>(entries: impl Iterator<Item = &'a Entry>) -> BTreeSet<ClientId> {
    let (mut seen, mut returning) = (BTreeSet::new(), BTreeSet::new());
    for entry in entries {
        if let RecordKind::Event { event, .. } = &entry.kind
            && let Some(client) = joining_client(event)
            && !seen.insert(client)
        {
            returning.insert(client);
        }
    }
    returning
}

#[derive(Default)]
struct ScriptWriter {
    steps: Vec<Step>,
    returning: BTreeSet<ClientId>,
    present: BTreeSet<ClientId>,
    /// The messages each client received since the last step.
    received: BTreeMap<ClientId, Vec<MessagePayload>>,
    closed: Vec<(ClientId, u16)>,
    /// Clients that the service has closed. That they leave is no step of the script.
    closing: BTreeSet<ClientId>,
    now: Duration,
    timer: Option<Timer>,
}

/// A timer that is set.
struct Timer {
    /// When it is due in the script.
    due: Duration,
    /// When it was due in the record.
    due_unix_ms: f64,
}

impl ScriptWriter {
    /// Writes the event that a service failed in. All clients in the room were closed.
    fn fault(&mut self, event: &Event, unix_ms: f64) {
        self.event(event, &[], unix_ms);
        self.closed.extend(std::mem::take(&mut self.present).into_iter().map(|client| (client, SERVICE_FAILED)));
    }

    fn event(&mut self, event: &Event, effects: &[Effect], unix_ms: f64) {
        let step = self.step(event, effects, unix_ms);
        if let Some(step) = step {
            self.flush_expectations();
            self.steps.push(step);
        }
        update_clients(&mut self.present, event);
        effects.iter().for_each(|effect| self.effect(effect, unix_ms));
    }

    /// Returns the step that causes this event.
    fn step(&mut self, event: &Event, effects: &[Effect], unix_ms: f64) -> Option<Step> {
        let token = |client: &ClientId| self.returning.contains(client).then(|| format!("token {}", client.0));
        Some(match event {
            Event::Connect { client } => Step::Connect { client: *client, token: token(client), details: None },
            Event::ConnectWith { client, details } => {
                Step::Connect { client: *client, token: token(client), details: Some(details.clone()) }
            }
            Event::Disconnect { client } if self.closing.remove(client) => return None,
            Event::Disconnect { client } => Step::Disconnect { client: *client },
            Event::Message { sender, message } => Step::Send { client: *sender, message: message.clone() },
            Event::Timer => match self.timer.take() {
                Some(timer) if unix_ms + TIMER_TOLERANCE_MS >= timer.due_unix_ms => {
                    let time = timer.due.saturating_sub(self.now);
                    self.now = timer.due;
                    Step::Advance { time }
                }
                _ => Step::FireTimer,
            },
            Event::Call { message } => {
                let answer = effects.iter().find_map(|effect| match effect {
                    Effect::Answer { message } => Some(message.clone()),
                    _ => None,
                });
                Step::Call { message: message.clone(), answer }
            }
            Event::Request { request } => {
                let response = effects.iter().find_map(|effect| match effect {
                    Effect::Respond { response } => Some(response.clone()),
                    _ => None,
                });
                Step::Request { request: request.clone(), response }
            }
            Event::Shutdown => Step::Shutdown,
            // `Init` is the first event of every room.
            _ => return None,
        })
    }

    fn effect(&mut self, effect: &Effect, unix_ms: f64) {
        match effect {
            Effect::Message { recipient, message } => {
                for client in self.present.iter().filter(|client| recipient.includes(**client)) {
                    self.received.entry(*client).or_default().push(message.clone());
                }
            }
            Effect::SetTimer { ms_delay } => {
                let due = self.now + Duration::from_millis((*ms_delay).into());
                self.timer = Some(Timer { due, due_unix_ms: unix_ms + f64::from(*ms_delay) });
            }
            Effect::CloseClient { client, code, .. } if self.present.remove(client) => {
                self.closing.insert(*client);
                self.closed.push((*client, *code));
            }
            _ => {}
        }
    }

    /// Writes what the clients received since the last step.
    fn flush_expectations(&mut self) {
        let received = std::mem::take(&mut self.received).into_iter();
        self.steps.extend(received.map(|(client, messages)| Step::Expect { client, messages }));
        let closed = self.closed.drain(..);
        self.steps.extend(closed.map(|(client, code)| Step::ExpectClosed { client, code }));
    }
}
