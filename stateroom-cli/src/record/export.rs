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

/// What a living instance was told, and what came of it, as a script.
pub(super) fn script<'a>(entries: impl Iterator<Item = &'a Entry> + Clone) -> Script {
    let mut writer = Writer { returning: returning(entries.clone()), ..Writer::default() };
    for entry in entries {
        if let Happened::Event { event, effects, .. } = &entry.happened {
            writer.event(event, effects);
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
    timer: Option<Duration>,
}

impl Writer {
    fn event(&mut self, event: &Event, effects: &[Effect]) {
        let step = self.step(event, effects);
        if let Some(step) = step {
            self.expect();
            self.steps.push(step);
        }
        match event {
            Event::Connect { client } | Event::ConnectWith { client, .. } => drop(self.here.insert(*client)),
            Event::Disconnect { client } => drop(self.here.remove(client)),
            _ => {}
        }
        effects.iter().for_each(|effect| self.effect(effect));
    }

    /// What has to be done to a room for it to be told this.
    fn step(&mut self, event: &Event, effects: &[Effect]) -> Option<Step> {
        let token = |client: &ClientId| self.returning.contains(client).then(|| format!("token {}", client.0));
        Some(match event {
            Event::Connect { client } => Step::Connect { client: *client, token: token(client), details: None },
            Event::ConnectWith { client, details } => {
                Step::Connect { client: *client, token: token(client), details: Some(details.clone()) }
            }
            Event::Disconnect { client } if self.closing.remove(client) => return None,
            Event::Disconnect { client } => Step::Disconnect { client: *client },
            Event::Message { sender, message } => Step::Send { client: *sender, message: message.clone() },
            Event::Timer => {
                // One that was not set was fired by hand, which no script can.
                let due = self.timer.take()?;
                let time = due.saturating_sub(self.now);
                self.now = due;
                Step::Advance { time }
            }
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

    fn effect(&mut self, effect: &Effect) {
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
            Effect::SetTimer { ms_delay } => self.timer = Some(self.now + Duration::from_millis((*ms_delay).into())),
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
