//! What is seen of a simulated room: what each client got, who is in it, whether it failed.
//!
//! *Invariant:* looking changes nothing but, where it says so, what counts as taken.
use std::time::Duration;

use super::Room;
use crate::{
    ClientId, MessagePayload, StateroomService,
    fault::Fault,
    testing::{Closed, Mismatch, Script, Step},
};

/// What one client got.
#[derive(Debug, Default)]
pub(super) struct Heard {
    messages: Vec<MessagePayload>,
    /// How many of them were taken.
    taken: usize,
    /// How many of them are in the script.
    recorded: usize,
    closed: Option<Closed>,
    is_close_recorded: bool,
}

impl Heard {
    pub(super) fn message(&mut self, message: MessagePayload) {
        self.messages.push(message);
    }

    pub(super) fn close(&mut self, closed: Closed) {
        self.closed = Some(closed);
        self.is_close_recorded = false;
    }

    /// The messages that were not taken yet.
    pub(super) fn untaken(&self) -> &[MessagePayload] {
        self.messages.get(self.taken..).unwrap_or_default()
    }

    /// What is new since the script was last written.
    fn record(&mut self, client: ClientId) -> impl Iterator<Item = Step> {
        let messages = self.messages.get(self.recorded..).unwrap_or_default().to_vec();
        self.recorded = self.messages.len();
        let is_news = !std::mem::replace(&mut self.is_close_recorded, true);
        let code = self.closed.as_ref().filter(|_| is_news).map(|closed| closed.code);
        let messages = (!messages.is_empty()).then_some(Step::Expect { client, messages });
        messages.into_iter().chain(code.map(|code| Step::ExpectClosed { client, code }))
    }
}

impl<S: StateroomService> Room<S> {
    /// All that a client got, in order, however often it was taken.
    #[must_use]
    pub fn messages(&self, client: ClientId) -> &[MessagePayload] {
        self.outside.heard.get(&client).map_or(&[], |heard| heard.messages.as_slice())
    }

    /// What a client got since this, or [`expect`](Self::expect), was last asked.
    pub fn take(&mut self, client: ClientId) -> Vec<MessagePayload> {
        self.settle();
        let Some(heard) = self.outside.heard.get_mut(&client) else { return Vec::new() };
        let untaken = heard.untaken().to_vec();
        heard.taken = heard.messages.len();
        untaken
    }

    /// The texts among what a client got since it was last asked. The rest counts as taken, too.
    pub fn take_texts(&mut self, client: ClientId) -> Vec<String> {
        let texts = self.take(client).into_iter().filter_map(|message| match message {
            MessagePayload::Text(text) => Some(text),
            MessagePayload::Bytes(_) => None,
        });
        texts.collect()
    }

    /// The binary messages among what a client got since it was last asked. The rest counts as taken, too.
    pub fn take_bytes(&mut self, client: ClientId) -> Vec<Vec<u8>> {
        let bytes = self.take(client).into_iter().filter_map(|message| match message {
            MessagePayload::Bytes(bytes) => Some(bytes),
            MessagePayload::Text(_) => None,
        });
        bytes.collect()
    }

    /// How the room last closed a connection of this client, if it did. It may be back since.
    #[must_use]
    pub fn closed(&self, client: ClientId) -> Option<&Closed> {
        self.outside.heard.get(&client)?.closed.as_ref()
    }

    /// Who is in the room, in the order of their numbers.
    #[must_use]
    pub fn clients(&self) -> Vec<ClientId> {
        self.life.iter().flat_map(|life| life.seats.members()).collect()
    }

    /// Why the service failed, if it has and no other has begun since.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }

    /// How often its service has failed, each after the first being a fresh one.
    #[must_use]
    pub fn faults(&self) -> u32 {
        self.faults
    }

    /// The service, to look at what it keeps.
    ///
    /// # Panics
    ///
    /// Where the room has ended.
    #[must_use]
    #[track_caller]
    #[expect(clippy::panic, reason = "in a test that is how to say so")]
    pub fn service(&self) -> &S {
        match &self.life {
            Some(life) => &life.service,
            None => panic!("{}", self.mismatch(Mismatch::of("the room has ended".to_owned()))),
        }
    }

    /// The time since the room began, as [`advance`](Self::advance) has it pass.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.outside.clock.now()
    }

    /// When the service's timer will fire, if one is set, as a time since the room began.
    #[must_use]
    pub fn timer(&self) -> Option<Duration> {
        self.outside.clock.timer()
    }

    /// What was done to the room so far, and behind each step what each client got by it.
    #[must_use]
    pub fn script(&self) -> &Script {
        &self.script
    }

    /// Writes down a step that was done, and what came of it.
    pub(super) fn record(&mut self, step: Step) {
        self.script.steps.push(step);
        for (client, heard) in &mut self.outside.heard {
            self.script.steps.extend(heard.record(*client));
        }
    }
}
