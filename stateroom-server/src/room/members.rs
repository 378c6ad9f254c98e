//! The clients of a room, and the messages each has yet to be written.
//!
//! *Invariant:* a message is encoded once for each encoding, however many clients receive it.
use std::{collections::VecDeque, mem, sync::Arc};

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;
use stateroom::{ClientId, MessagePayload, MessageRecipient, room::ConnectionId};

use super::egress::Egress;
use crate::{
    metrics::{GaugeGuard, Metrics},
    outbound::{
        Load,
        encode_buffer::{EncodeBuffer, Run, extend},
    },
    websocket::compression::Encoding,
};

/// A client of the room.
#[derive(Debug)]
struct Member {
    connection: ConnectionId,
    egress: Egress,
    /// Messages that are not written yet.
    runs: Vec<Run>,
    /// The client's own messages that the service has handled since the last write.
    handled: Load,
    /// Whether the client is in the queue of those to write to.
    dirty: bool,
    _gauge: GaugeGuard,
}

/// The clients of a room.
#[derive(Debug)]
pub(super) struct Members {
    /// The room assigns the IDs, so nobody can choose colliding ones.
    members: IndexMap<ClientId, Member, FxBuildHasher>,
    /// The index of the client that was last looked up: most often the next one is the same.
    last_index: usize,
    buffers: EncodeBuffers,
    /// The clients to write to, in the order in which they got something.
    dirty: VecDeque<ClientId>,
    /// Number of runs of all clients.
    runs: usize,
    /// Whether a part of an event is queued, and more may follow.
    pub(super) is_in_event: bool,
    /// Whether a part of the event was written already.
    continues: bool,
    metrics: Arc<Metrics>,
}

/// One buffer for each encoding.
#[derive(Debug)]
struct EncodeBuffers([EncodeBuffer; Encoding::COUNT]);

impl Default for EncodeBuffers {
    fn default() -> Self {
        EncodeBuffers([Encoding::Plain, Encoding::Compressed, Encoding::CompressedSmall].map(EncodeBuffer::new))
    }
}

impl EncodeBuffers {
    /// The buffer in an egress's encoding.
    #[expect(clippy::indexing_slicing, reason = "there is one for each encoding")]
    fn of(&mut self, egress: &Egress) -> &mut EncodeBuffer {
        &mut self.0[egress.encoding() as usize]
    }
}

impl Members {
    /// Maximum number of clients written to before the room takes its inbox again.
    const WRITES: usize = 64;
    /// Number of bytes from which no further client is written to before that.
    const WRITTEN_BYTES: usize = 512 << 10;
    /// Number of runs from which they are written in the middle of an event: messages to alternating clients do not merge.
    const MANY_RUNS: usize = 65_536;

    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        Members {
            members: IndexMap::default(),
            last_index: 0,
            buffers: EncodeBuffers::default(),
            dirty: VecDeque::new(),
            runs: 0,
            is_in_event: false,
            continues: false,
            metrics,
        }
    }

    pub(super) fn insert(&mut self, client: ClientId, connection: ConnectionId, egress: Egress) {
        let _gauge = GaugeGuard::of(&self.metrics.room_connections);
        let member = Member { connection, egress, _gauge, runs: Vec::new(), handled: Load::default(), dirty: false };
        self.members.insert(client, member);
    }

    /// Removes a client if it is here by this connection, after writing its messages.
    pub(super) fn remove(&mut self, client: ClientId, connection: ConnectionId) -> Option<Egress> {
        if self.members.get(&client)?.connection != connection {
            return None;
        }
        let member = self.members.swap_remove(&client)?;
        self.runs = self.runs.saturating_sub(member.runs.len());
        let sent = sent(&member.runs);
        self.metrics.sent_messages.increment(sent.messages as u64);
        self.metrics.sent_bytes.increment(sent.bytes as u64);
        let batch = self.buffers.of(&member.egress).batch(&member.runs, self.continues);
        member.egress.write(&batch, member.handled);
        Some(member.egress)
    }

    /// Queues a message for the clients it is for. Returns the number of clients that were considered.
    pub(super) fn send(&mut self, recipient: MessageRecipient, message: &MessagePayload) -> usize {
        if let MessageRecipient::Client(client) = recipient {
            let Some(index) = self.index(client) else {
                tracing::debug!(client = client.0, "message dropped: its client has left");
                return 1;
            };
            if let Some((_, member)) = self.members.get_index_mut(index) {
                let run = self.buffers.of(&member.egress).encode(message);
                self.runs += member.queue(client, &run, &mut self.dirty);
            }
            return 1;
        }
        let mut runs: [Option<Run>; Encoding::COUNT] = [const { None }; Encoding::COUNT];
        for (client, member) in &mut self.members {
            if recipient.includes(*client)
                && let Some(run) = runs.get_mut(member.egress.encoding() as usize)
            {
                let run = run.get_or_insert_with(|| self.buffers.of(&member.egress).encode(message));
                self.runs += member.queue(*client, run, &mut self.dirty);
            }
        }
        self.members.len()
    }

    /// Records that the service has handled messages of a client.
    pub(super) fn handled(&mut self, client: ClientId, connection: ConnectionId, load: Load) {
        if let Some(index) = self.index(client)
            && let Some((_, member)) = self.members.get_index_mut(index)
            && member.connection == connection
        {
            member.handled.add(load);
            member.mark(client, &mut self.dirty);
        }
    }

    /// Returns the clients that have sent messages which the service has not handled.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &Egress> {
        let members = self.members.values();
        members
            .filter(|member| member.egress.unhandled().messages > member.handled.messages)
            .map(|member| &member.egress)
    }

    /// Returns the index of a client, until another is removed.
    fn index(&mut self, client: ClientId) -> Option<usize> {
        if self.members.get_index(self.last_index).is_none_or(|(last, _)| *last != client) {
            self.last_index = self.members.get_index_of(&client)?;
        }
        Some(self.last_index)
    }

    /// Number of clients.
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// Returns whether so much is queued that it should be written before more is.
    pub(super) fn is_full(&self) -> bool {
        self.buffers.0.iter().any(EncodeBuffer::is_full)
    }

    /// Returns whether so many runs are queued that they should be written before the event is complete.
    pub(super) fn has_many_runs(&self) -> bool {
        self.runs >= Self::MANY_RUNS
    }

    /// Number of clients to write to.
    pub(super) fn dirty(&self) -> usize {
        self.dirty.len()
    }

    /// Returns whether nothing is queued.
    pub(super) fn is_clean(&self) -> bool {
        self.dirty.is_empty()
    }

    /// Writes once to each of the next few clients. Those that do not keep up are removed, and appended to `slow`. Returns the
    /// number of clients.
    pub(super) fn write_some(&mut self, slow: &mut Vec<(ClientId, ConnectionId)>) -> usize {
        let mut sent = Load::default();
        let before = self.dirty.len();
        for _ in 0..Self::WRITES {
            if sent.bytes >= Self::WRITTEN_BYTES {
                break;
            }
            let Some(client) = self.dirty.pop_front() else { break };
            let Some(member) = self.members.get_mut(&client) else { continue };
            member.dirty = false;
            sent.add(self::sent(&member.runs));
            self.runs = self.runs.saturating_sub(member.runs.len());
            let batch = self.buffers.of(&member.egress).batch(&member.runs, self.continues);
            let keeps_up = member.egress.write(&batch, mem::take(&mut member.handled));
            member.runs.clear();
            if !keeps_up {
                slow.push((client, member.connection));
                self.members.swap_remove(&client);
            }
        }
        self.metrics.sent_messages.increment(sent.messages as u64);
        self.metrics.sent_bytes.increment(sent.bytes as u64);
        if self.dirty.is_empty() {
            self.buffers.0.iter_mut().for_each(EncodeBuffer::clear);
            self.continues = self.is_in_event;
        }
        before - self.dirty.len()
    }
}

fn sent(runs: &[Run]) -> Load {
    let mut sent = Load::default();
    runs.iter().for_each(|run| sent.add(Load { messages: run.messages, bytes: run.range.len() }));
    sent
}

impl Member {
    /// Queues a message. Returns the number of further runs.
    fn queue(&mut self, client: ClientId, run: &Run, dirty: &mut VecDeque<ClientId>) -> usize {
        let before = self.runs.len();
        extend(&mut self.runs, run);
        self.mark(client, dirty);
        self.runs.len() - before
    }

    fn mark(&mut self, client: ClientId, dirty: &mut VecDeque<ClientId>) {
        if !self.dirty {
            self.dirty = true;
            dirty.push_back(client);
        }
    }
}
