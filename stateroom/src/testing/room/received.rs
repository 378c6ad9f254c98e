//! The observable state of a simulated room: received messages, clients, faults, the clock.
//!
//! *Invariant:* inspection does not change the room, except for which messages count as taken.
use std::time::Duration;

use super::Room;
use crate::{
    ClientId, MessagePayload, StateroomService,
    fault::Fault,
    testing::{Closed, Mismatch, Script, Step},
};

/// The messages that a client received, and how it was closed.
#[derive(Debug, Default)]
pub(super) struct Received {
    messages: Vec<MessagePayload>,
    /// Number of messages that were taken.
    taken: usize,
    /// Number of messages that are in the script.
    recorded: usize,
    closed: Option<Closed>,
    is_close_recorded: bool,
}

impl Received {
    pub(super) fn message(&mut self, message: MessagePayload) {
        self.messages.push(message);
    }

    pub(super) fn close(&mut self, closed: Closed) {
        self.closed = Some(closed);
        self.is_close_recorded = false;
    }

    /// Returns the messages that were not taken yet.
    pub(super) fn untaken(&self) -> &[MessagePayload] {
        self.messages.get(self.taken..).unwrap_or_default()
    }

    /// Returns expectations of everything received since the script was last extended.
    fn record(&mut self, client: ClientId) -> impl Iterator<Item = Step> {
        let messages = self.messages.get(self.recorded..).unwrap_or_default().to_vec();
        self.recorded = self.messages.len();
        let is_new_close = !std::mem::replace(&mut self.is_close_recorded, true);
        let code = self.closed.as_ref().filter(|_| is_new_close).map(|closed| closed.code);
        let messages = (!messages.is_empty()).then_some(Step::Expect { client, messages });
        messages.into_iter().chain(code.map(|code| Step::ExpectClosed { client, code }))
    }
}

impl<S: StateroomService> Room<S> {
    /// Returns all messages a client received, in order, including the ones taken before.
    #[must_use]
    pub fn messages(&self, client: ClientId) -> &[MessagePayload] {
        self.output.received.get(&client).map_or(&[], |received| received.messages.as_slice())
    }

    /// Takes the messages a client received since the last `take` or [`expect`](Self::expect).
    pub fn take(&mut self, client: ClientId) -> Vec<MessagePayload> {
        self.settle();
        let Some(received) = self.output.received.get_mut(&client) else { return Vec::new() };
        let untaken = received.untaken().to_vec();
        received.taken = received.messages.len();
        untaken
    }

    /// Like [`take`](Self::take), but returns only the text messages. The others count as taken, too.
    pub fn take_texts(&mut self, client: ClientId) -> Vec<String> {
        let texts = self.take(client).into_iter().filter_map(|message| match message {
            MessagePayload::Text(text) => Some(text),
            MessagePayload::Bytes(_) => None,
        });
        texts.collect()
    }

    /// Like [`take`](Self::take), but returns only the binary messages. The others count as taken, too.
    pub fn take_bytes(&mut self, client: ClientId) -> Vec<Vec<u8>> {
        let bytes = self.take(client).into_iter().filter_map(|message| match message {
            MessagePayload::Bytes(bytes) => Some(bytes),
            MessagePayload::Text(_) => None,
        });
        bytes.collect()
    }

    /// Returns how the room last closed a connection of this client, if it did. The client may have reconnected since.
    #[must_use]
    pub fn closed(&self, client: ClientId) -> Option<&Closed> {
        self.output.received.get(&client)?.closed.as_ref()
    }

    /// Returns the clients in the room, in the order of their IDs.
    #[must_use]
    pub fn clients(&self) -> Vec<ClientId> {
        let mut clients = self.live.as_ref().map_or_else(Vec::new, |live| live.core.members());
        clients.sort_unstable();
        clients
    }

    /// Returns the fault of the service, if it has failed and no other one has started since.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }

    /// Returns the number of services of this room that have failed.
    #[must_use]
    pub fn faults(&self) -> u32 {
        self.faults
    }

    /// Returns the service, to inspect its state.
    ///
    /// # Panics
    ///
    /// If the room has ended.
    #[must_use]
    #[track_caller]
    #[expect(clippy::panic, reason = "assertions fail by panicking")]
    pub fn service(&self) -> &S {
        match &self.live {
            Some(live) => &live.service,
            None => panic!("{}", self.mismatch(Mismatch::new("the room has ended".to_owned()))),
        }
    }

    /// Returns the time since the room was created, which only [`advance`](Self::advance) changes.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.output.clock.now()
    }

    /// Returns the time at which the service's timer fires, if it is set, as a time since the room was created.
    #[must_use]
    pub fn timer(&self) -> Option<Duration> {
        self.timer_due().map(|due| due.since_epoch())
    }

    /// Returns the recorded steps, each followed by expectations of the messages that it caused.
    #[must_use]
    pub fn script(&self) -> &Script {
        &self.script
    }

    /// Records a step and its outputs.
    pub(super) fn record(&mut self, step: Step) {
        self.script.steps.push(step);
        for (client, received) in &mut self.output.received {
            self.script.steps.extend(received.record(*client));
        }
    }
}
