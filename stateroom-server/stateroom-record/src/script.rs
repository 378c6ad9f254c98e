//! Exports the record of a room as a script that a test can run.
//!
//! *Invariant:* the script expects exactly what the clients received. Its time follows the record, in milliseconds, if the
//! service ever sets a timer; other time is left out.
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
/// The close code after the service has ended the room.
const ROOM_ENDED: u16 = 1000;
/// Time that is left before a timer: a recorded time and a delay are rounded to milliseconds.
const ROUNDING: Duration = Duration::from_millis(2);
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
    let mut writer = ScriptWriter {
        returning: returning_clients(entries.clone()),
        origin_unix_ms: first_time_of_timers(entries.clone()),
        ..ScriptWriter::default()
    };
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

/// Returns the time of the first event, if the service ever sets a timer.
fn first_time_of_timers<'a>(entries: impl Iterator<Item = &'a Entry>) -> Option<f64> {
    let mut first = None;
    for entry in entries {
        if let RecordKind::Event { effects, .. } = &entry.kind {
            first = first.or(Some(entry.unix_ms));
            if effects.iter().any(|effect| matches!(effect, Effect::SetTimer { .. })) {
                return first;
            }
        }
    }
    None
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
    /// The recorded time at which the script begins; `None` if time is left out.
    origin_unix_ms: Option<f64>,
    /// The time of the script.
    now: Duration,
    /// When the timer fired in the script, while its event is written.
    fired: Option<Duration>,
    timer: Option<Timer>,
}

/// A timer that is set.
struct Timer {
    /// When it is due in the script, at the earliest.
    due: Duration,
    /// When it was due in the record. That is also the time in the script if the service has a time in mind: a timer of the
    /// record fires late, and the delay to that time is then shorter.
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
            if !matches!(step, Step::Advance { .. }) {
                self.follow(unix_ms);
            }
            self.steps.push(step);
        }
        update_clients(&mut self.present, event);
        effects.iter().for_each(|effect| self.effect(effect, unix_ms));
        self.fired = None;
    }

    /// Advances the script's time to a recorded one, but not to the time of the timer.
    fn follow(&mut self, unix_ms: f64) {
        let before_timer = self.timer.as_ref().map_or(Duration::MAX, |timer| timer.due.saturating_sub(ROUNDING));
        let time = self.since_origin(unix_ms.floor()).min(before_timer).saturating_sub(self.now);
        if !time.is_zero() {
            self.now += time;
            self.steps.push(Step::Advance { time });
        }
    }

    /// Returns the time of the script at a recorded one, in whole milliseconds. Zero if time is left out.
    fn since_origin(&self, unix_ms: f64) -> Duration {
        let origin = self.origin_unix_ms.unwrap_or(unix_ms);
        Duration::from_millis((unix_ms - origin.floor()).max(0.0) as u64)
    }

    /// Advances the script's time until the timer has fired, but not until its event has set it again and that fires.
    fn fire(&mut self, timer: &Timer, effects: &[Effect]) -> Step {
        let next = effects.iter().rev().find_map(|effect| match effect {
            Effect::SetTimer { ms_delay } => Some(timer.due + Duration::from_millis((*ms_delay).into())),
            _ => None,
        });
        let before_next = next.map_or(Duration::MAX, |next| next.saturating_sub(ROUNDING));
        let end = self.since_origin(timer.due_unix_ms.ceil()).min(before_next).max(timer.due);
        let time = end.saturating_sub(self.now);
        self.now = self.now.max(end);
        self.fired = Some(timer.due);
        Step::Advance { time }
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
                Some(timer) if unix_ms + TIMER_TOLERANCE_MS >= timer.due_unix_ms => self.fire(&timer, effects),
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
                let due = self.fired.unwrap_or(self.now) + Duration::from_millis((*ms_delay).into());
                self.timer = Some(Timer { due, due_unix_ms: unix_ms + f64::from(*ms_delay) });
            }
            Effect::CloseClient { client, code, .. } if self.present.remove(client) => {
                self.closing.insert(*client);
                self.closed.push((*client, *code));
            }
            Effect::EndRoom => {
                self.closing.extend(&self.present);
                self.closed.extend(self.present.iter().map(|client| (*client, ROOM_ENDED)));
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
