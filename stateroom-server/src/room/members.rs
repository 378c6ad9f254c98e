//! Who is in a room, and what each has yet to be told.
use std::{collections::VecDeque, sync::Arc};

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;
use stateroom::{ClientId, MessagePayload, MessageRecipient};

use super::inbox::ConnectionId;
use crate::{
    metrics::{GaugeGuard, Metrics},
    outbound::{
        Load, Outbound,
        outbox::{Outbox, Run, extend},
    },
    websocket::compression::Encoding,
};

/// Somebody who is in the room.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) connection: ConnectionId,
    pub(crate) outbound: Arc<Outbound>,
    /// What it has yet to be told.
    runs: Vec<Run>,
    /// What it had said and the service has dealt with, since the last write.
    handled: Load,
    /// Whether it is among those to be written to.
    dirty: bool,
    _gauge: GaugeGuard,
}

/// Who is in the room.
#[derive(Debug)]
pub(crate) struct Members {
    /// Numbers are given by the room, so that nobody can choose those that collide.
    members: IndexMap<ClientId, Member, FxBuildHasher>,
    outboxes: Outboxes,
    /// To whom something is to be written, in the order in which it came up.
    dirty: VecDeque<ClientId>,
    metrics: Arc<Metrics>,
}

/// What there is to tell, once for each encoding that somebody needs.
#[derive(Debug)]
struct Outboxes([Outbox; Encoding::COUNT]);

impl Default for Outboxes {
    fn default() -> Self {
        Outboxes([Encoding::Plain, Encoding::Compressed, Encoding::CompressedSmall].map(Outbox::new))
    }
}

impl Outboxes {
    /// In the order of the encodings, of which there are as many.
    #[expect(clippy::indexing_slicing, reason = "there is one for each encoding")]
    fn of(&mut self, outbound: &Outbound) -> &mut Outbox {
        &mut self.0[outbound.encoding() as usize]
    }
}

impl Members {
    /// How many are written to before the room looks at its inbox again.
    const WRITES: usize = 64;

    pub(crate) fn new(metrics: Arc<Metrics>) -> Self {
        Members { members: IndexMap::default(), outboxes: Outboxes::default(), dirty: VecDeque::new(), metrics }
    }

    pub(crate) fn insert(&mut self, client: ClientId, connection: ConnectionId, outbound: Arc<Outbound>) {
        let _gauge = GaugeGuard::of(&self.metrics.clients);
        let member = Member { connection, outbound, _gauge, runs: Vec::new(), handled: Load::default(), dirty: false };
        self.members.insert(client, member);
    }

    /// Takes a client out, if it is there by that connection; what it has yet to be told is written first.
    pub(crate) fn remove(&mut self, client: ClientId, connection: ConnectionId) -> Option<Arc<Outbound>> {
        if self.members.get(&client)?.connection != connection {
            return None;
        }
        let member = self.members.swap_remove(&client)?;
        let sent = sent(&member.runs);
        self.metrics.sent_messages.increment(sent.messages as u64);
        self.metrics.sent_bytes.increment(sent.bytes as u64);
        member.outbound.write(&self.outboxes.of(&member.outbound).batch(&member.runs), member.handled);
        Some(member.outbound)
    }

    pub(crate) fn get(&self, client: ClientId) -> Option<&Member> {
        self.members.get(&client)
    }

    /// Puts a message down for those it goes to.
    pub(crate) fn send(&mut self, recipient: MessageRecipient, message: &MessagePayload) {
        if let MessageRecipient::Client(client) = recipient {
            let Some(member) = self.members.get_mut(&client) else {
                tracing::debug!(client = client.0, "a message to a client that has left is dropped");
                return;
            };
            let run = self.outboxes.of(&member.outbound).encode(message);
            member.put_down(client, &run, &mut self.dirty);
            return;
        }
        let mut runs: [Option<Run>; Encoding::COUNT] = [const { None }; Encoding::COUNT];
        for (client, member) in &mut self.members {
            if recipient.includes(*client)
                && let Some(run) = runs.get_mut(member.outbound.encoding() as usize)
            {
                let run = run.get_or_insert_with(|| self.outboxes.of(&member.outbound).encode(message));
                member.put_down(*client, run, &mut self.dirty);
            }
        }
    }

    /// The service has dealt with something that the client had said.
    pub(crate) fn handled(&mut self, client: ClientId, connection: ConnectionId, load: Load) {
        if let Some(member) = self.members.get_mut(&client)
            && member.connection == connection
        {
            member.handled.add(load);
            member.mark(client, &mut self.dirty);
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether so much is put down that it should be written before more is.
    pub(crate) fn is_full(&self) -> bool {
        self.outboxes.0.iter().any(Outbox::is_full)
    }

    /// Whether nothing is to be written.
    pub(crate) fn is_clean(&self) -> bool {
        self.dirty.is_empty()
    }

    /// Writes to the next few, once to each. Those that do not keep up are put into `slow`.
    pub(crate) fn write_some(&mut self, slow: &mut Vec<(ClientId, ConnectionId)>) {
        let mut sent = Load::default();
        for _ in 0..Self::WRITES {
            let Some(client) = self.dirty.pop_front() else { break };
            let Some(member) = self.members.get_mut(&client) else { continue };
            member.dirty = false;
            sent.add(self::sent(&member.runs));
            let batch = self.outboxes.of(&member.outbound).batch(&member.runs);
            if !member.outbound.write(&batch, std::mem::take(&mut member.handled)) {
                slow.push((client, member.connection));
            }
            member.runs.clear();
        }
        self.metrics.sent_messages.increment(sent.messages as u64);
        self.metrics.sent_bytes.increment(sent.bytes as u64);
        if self.dirty.is_empty() {
            self.outboxes.0.iter_mut().for_each(Outbox::clear);
        }
    }

    /// Takes everybody out, all written to.
    pub(crate) fn drain(&mut self) -> Vec<Arc<Outbound>> {
        let mut slow = Vec::new();
        while !self.is_clean() {
            self.write_some(&mut slow);
        }
        self.members.drain(..).map(|(_, member)| member.outbound).collect()
    }
}

fn sent(runs: &[Run]) -> Load {
    let mut sent = Load::default();
    runs.iter().for_each(|run| sent.add(Load { messages: run.messages, bytes: run.range.len() }));
    sent
}

impl Member {
    fn put_down(&mut self, client: ClientId, run: &Run, dirty: &mut VecDeque<ClientId>) {
        extend(&mut self.runs, run);
        self.mark(client, dirty);
    }

    fn mark(&mut self, client: ClientId, dirty: &mut VecDeque<ClientId>) {
        if !self.dirty {
            self.dirty = true;
            dirty.push_back(client);
        }
    }
}
