//! The record of a room as a script, which a test can run.
//!
//! *Invariant:* what the script expects is what the clients got; only the time between events is left out where nothing
//! waited for it.
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use stateroom::{
    ClientId, MessagePayload, MessageRecipient,
    messages::{Effect, Event},
    testing::{Script, Step},
};

use super::{Entry, Happened};

/// With which clients are closed when their room has failed.
const FAILED: u16 = 1011;
/// A timer that fires so much too early, in milliseconds, has not fired by itself.
const EARLY_MS: f64 = 5.0;

/// What a living instance was told, and what came of it, as a script.
pub(super) fn script<'a>(entries: impl Iterator<Item = &'a Entry> + Clone) -> Script {
    let mut writer = Writer { returning: returning(entries.clone()), ..Writer::default() };
    for entry in entries {
        match &entry.happened {
            Happened::Event { event, effects, .. } => writer.event(event, effects, entry.unix_ms),
            Happened::Fault { event: Some(event), .. } => writer.fault(event, entry.unix_ms),
            _ => {}
        }
    }
    writer.expect();
    Script { steps: writer.steps }
}

/// Who comes more than once: by a token, which is not in the record.
fn returning<'a>(entries: impl Iterator<Item = &'a Entry>) -> BTreeSet<ClientId> {
    let (mut once, mut again) = (BTreeSet::new(), BTreeSet::new());
    for entry in entries {
        if let Happened::Event { event: Event::Connect { client } | Event::ConnectWith { client, .. }, .. } =
            &entry.happened
            && !once.insert(*client)
        {
            again.insert(*client);
        }
    }
    again
}

#[derive(Default)]
struct Writer {
    steps: Vec<Step>,
    returning: BTreeSet<ClientId>,
    here: BTreeSet<ClientId>,
    /// What each has got since the last step.
    got: BTreeMap<ClientId, Vec<MessagePayload>>,
    closed: Vec<(ClientId, u16)>,
    /// Whom the service has closed: that they leave is no step.
    closing: BTreeSet<ClientId>,
    now: Duration,
    timer: Option<Timer>,
}

/// A timer that is set: for when in the script, and for when in the record.
struct Timer {
    due: Duration,
    real_due: f64,
}

impl Writer {
    /// The instance failed at this: whoever was there was closed.
    fn fault(&mut self, event: &Event, unix_ms: f64) {
        self.event(event, &[], unix_ms);
        self.closed.extend(std::mem::take(&mut self.here).into_iter().map(|client| (client, FAILED)));
    }

    fn event(&mut self, event: &Event, effects: &[Effect], unix_ms: f64) {
        let step = self.step(event, effects, unix_ms);
        if let Some(step) = step {
            self.expect();
            self.steps.push(step);
        }
        match event {
            Event::Connect { client } | Event::ConnectWith { client, .. } => drop(self.here.insert(*client)),
            Event::Disconnect { client } => drop(self.here.remove(client)),
            _ => {}
        }
        effects.iter().for_each(|effect| self.effect(effect, unix_ms));
    }

    /// What has to be done to a room for it to be told this.
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
                Some(timer) if unix_ms + EARLY_MS >= timer.real_due => {
                    let time = timer.due.saturating_sub(self.now);
                    self.now = timer.due;
                    Step::Advance { time }
                }
                // By hand.
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
            // Rooms begin by themselves.
            _ => return None,
        })
    }

    fn effect(&mut self, effect: &Effect, unix_ms: f64) {
        match effect {
            Effect::Message { recipient, message } => {
                let gets = |client: &&ClientId| match recipient {
                    MessageRecipient::Broadcast => true,
                    MessageRecipient::Client(to) => to == *client,
                    MessageRecipient::EveryoneExcept(except) => except != *client,
                };
                for client in self.here.iter().filter(gets) {
                    self.got.entry(*client).or_default().push(message.clone());
                }
            }
            Effect::SetTimer { ms_delay } => {
                let due = self.now + Duration::from_millis((*ms_delay).into());
                self.timer = Some(Timer { due, real_due: unix_ms + f64::from(*ms_delay) });
            }
            Effect::CloseClient { client, code, .. } if self.here.remove(client) => {
                self.closing.insert(*client);
                self.closed.push((*client, *code));
            }
            _ => {}
        }
    }

    /// Writes down what the clients got by the last step.
    fn expect(&mut self) {
        let got = std::mem::take(&mut self.got).into_iter();
        self.steps.extend(got.map(|(client, messages)| Step::Expect { client, messages }));
        let closed = self.closed.drain(..);
        self.steps.extend(closed.map(|(client, code)| Step::ExpectClosed { client, code }));
    }
}
