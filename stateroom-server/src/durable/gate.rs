//! The service of a durable room: it runs events, stores them, and only then finishes them.
//!
//! Events run in batches, of which the room has one at a time on its way to the disk. What arrives meanwhile is the next batch. An
//! event that fails is undone: the service is woken from the store, which has all events but this one, and goes on with the next.
//!
//! *Invariant:* an event that has finished is stored, and one that was rejected is not.
use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use stateroom::{
    ClientId, StateroomContext, StateroomService, StateroomServiceFactory,
    durable::Fate,
    event_batch::{EventBatch, FinishedEvents},
    fault::{Fault, FaultKind},
    messages::Event,
    room::RosterSnapshot,
};
use stateroom_store::Store;
use tokio::time::Instant;

use super::awake::{Awake, Batch};
use crate::shared::Shared;

/// How many events of a room may be rejected within [`REJECTION_TIME`] before the room rests.
const MAX_REJECTIONS: usize = 3;
/// The time in which rejections are counted.
const REJECTION_TIME: Duration = Duration::from_secs(60);

/// The service of a durable room.
pub(crate) struct Durable<F: StateroomServiceFactory> {
    source: DurableSource<F>,
    room_id: Arc<str>,
    awake: Awake<F::Service>,
    /// Events that were taken from the room, to be handled next.
    backlog: VecDeque<Event>,
    /// Clients whose `connect` was rejected: their other events are dropped.
    absent: HashSet<ClientId>,
    /// The times of the last rejections.
    rejections: VecDeque<Instant>,
}

/// The factory of durable rooms, and where they are stored.
pub(crate) struct DurableSource<F> {
    pub(crate) factory: Arc<F>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) shared: Arc<Shared>,
}

// Not derived: a derive would require it of the factory, too.
impl<F> Clone for DurableSource<F> {
    fn clone(&self) -> Self {
        let DurableSource { factory, store, shared } = self;
        DurableSource { factory: factory.clone(), store: store.clone(), shared: shared.clone() }
    }
}

impl<F: StateroomServiceFactory> DurableSource<F> {
    /// Begins a room, or wakes it with the clients, tokens and timer that it had.
    pub(crate) async fn open(
        &self,
        room_id: &Arc<str>,
        context: &impl StateroomContext,
    ) -> Result<(Durable<F>, Option<RosterSnapshot>), Fault> {
        let (awake, roster) = self.wake(room_id, context).await?;
        let durable = Durable {
            source: self.clone(),
            room_id: room_id.clone(),
            awake,
            backlog: VecDeque::new(),
            absent: HashSet::new(),
            rejections: VecDeque::new(),
        };
        Ok((durable, roster))
    }

    async fn wake(
        &self,
        room_id: &str,
        context: &impl StateroomContext,
    ) -> Result<(Awake<F::Service>, Option<RosterSnapshot>), Fault> {
        Awake::open(&*self.factory, &*self.store, &self.shared, room_id, context).await
    }
}

impl<F: StateroomServiceFactory> Durable<F> {
    /// Returns the next events to handle. Drops those of clients whose `connect` was rejected.
    fn take(&mut self, batch: &EventBatch) -> Batch {
        let mut taken = Batch::default();
        while !taken.is_full() {
            let Some(event) = self.backlog.pop_front().or_else(|| batch.next_event()) else { break };
            if self.concerns_absent(&event) {
                if !taken.is_empty() {
                    // Events finish in order.
                    self.backlog.push_front(event);
                    break;
                }
                batch.finish_event(&mut Vec::new());
                continue;
            }
            taken.push(event);
        }
        taken
    }

    fn concerns_absent(&mut self, event: &Event) -> bool {
        match event {
            _ if self.absent.is_empty() => false,
            Event::Message { sender, .. } => self.absent.contains(sender),
            Event::Disconnect { client } => self.absent.remove(client),
            // The client is back, by its token.
            Event::Connect { client } | Event::ConnectWith { client, .. } => {
                self.absent.remove(client);
                false
            }
            _ => false,
        }
    }

    /// Undoes the first event of `rest`, which has failed, and has the others handled next.
    async fn reject(
        &mut self,
        fault: Fault,
        rest: Vec<Event>,
        finished: &mut FinishedEvents,
        context: &impl StateroomContext,
    ) -> Result<(), Fault> {
        let mut rest = VecDeque::from(rest);
        let failed = rest.pop_front();
        let now = Instant::now();
        self.rejections.retain(|time| now.saturating_duration_since(*time) < REJECTION_TIME);
        // A service that fails at its begin would fail again.
        if self.rejections.len() >= MAX_REJECTIONS || matches!(failed, None | Some(Event::Init)) {
            return Err(fault);
        }
        self.rejections.push_back(now);
        let reason = fault.kind().label();
        ::metrics::counter!("stateroom_faults_total", "reason" => reason).increment(1);
        if let Some(suppressed) = self.source.shared.fault_warnings().allow(now) {
            let (room, event) = (&*self.room_id, fault.event());
            let backtrace = fault.backtrace();
            tracing::error!(
                room,
                event,
                reason,
                backtrace,
                suppressed,
                "an event failed and was undone: {}",
                fault.message()
            );
        }
        self.awake = self.source.wake(&self.room_id, context).await?.0;
        if let Some(Event::Connect { client } | Event::ConnectWith { client, .. }) = failed {
            self.absent.insert(client);
        }
        finished.reject(fault.public_reason());
        rest.append(&mut self.backlog);
        self.backlog = rest;
        Ok(())
    }
}

impl<F: StateroomServiceFactory> StateroomService for Durable<F> {
    fn memory_bytes(&mut self) -> Option<usize> {
        self.awake.service().memory_bytes()
    }

    fn charge(&mut self, host_time: Duration) {
        self.awake.service().charge(host_time);
    }

    async fn put_away(&mut self, fate: Fate) {
        if let Err(fault) = self.awake.put_away(fate).await {
            // What is stored stays complete: the journal has the events.
            tracing::warn!(room = &*self.room_id, ?fate, "failed to store the end of a service: {}", fault.message());
        }
    }

    async fn deliver(&mut self, batch: &EventBatch, context: &impl StateroomContext) -> Result<(), Fault> {
        loop {
            let mut taken = self.take(batch);
            if !taken.is_empty() {
                let (mut finished, outcome) = self.awake.handle(&mut taken, context).await?;
                let outcome = match outcome {
                    Err(fault) if fault.kind() != FaultKind::Storage => {
                        let rest = taken.events_from(finished.lengths.len())?;
                        self.reject(fault, rest, &mut finished, context).await
                    }
                    outcome => outcome,
                };
                batch.finish_events(&mut finished);
                outcome?;
                self.awake.shorten().await?;
            }
            if self.backlog.is_empty() {
                return Ok(());
            }
        }
    }
}
