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
use tokio::time::Instant;

use super::{
    awake::{Awake, HandleError},
    batch::Batch,
    factories::Factories,
    failure::WakeError,
    keep::Keep,
    stall::{StallReport, StallWatch},
};
use crate::shared::Shared;

/// How many events of a room may be rejected within [`REJECTION_TIME`] before the room rests.
const MAX_REJECTIONS: usize = 3;
/// The time in which rejections are counted.
const REJECTION_TIME: Duration = Duration::from_secs(60);

/// The service of a durable room.
pub(crate) struct Durable<F: StateroomServiceFactory> {
    source: DurableSource<F>,
    room_id: Arc<str>,
    keep: Keep,
    stall: Arc<StallReport>,
    /// `None` only after an event failed and the room could not be woken, which ends the service.
    awake: Option<Awake<F>>,
    /// Events that were taken from the room, to be handled next.
    backlog: VecDeque<Event>,
    /// The event that failed, of those in the backlog.
    failed: Option<Failed>,
    /// Clients whose `connect` was rejected: their other events are dropped.
    absent: HashSet<ClientId>,
    /// The times of the last rejections.
    rejections: VecDeque<Instant>,
}

/// An event that failed, and was undone.
struct Failed {
    /// The number of events before it.
    before: usize,
    /// The reason that its client is told.
    reason: String,
}

/// The factories of rooms that are kept while they have no service.
pub(crate) struct DurableSource<F> {
    factories: Arc<Factories<F>>,
    shared: Arc<Shared>,
}

// Not derived: a derive would require it of the factory, too.
impl<F> Clone for DurableSource<F> {
    fn clone(&self) -> Self {
        DurableSource { factories: self.factories.clone(), shared: self.shared.clone() }
    }
}

impl<F: StateroomServiceFactory> DurableSource<F> {
    /// Returns the source of rooms of which new ones begin with this factory.
    pub(crate) fn new(factory: Arc<F>, shared: Arc<Shared>) -> Self {
        let factories = Factories::new(factory, shared.settings().store.clone(), shared.metrics().old_modules.clone());
        DurableSource { factories: Arc::new(factories), shared }
    }

    /// Begins a room, or wakes it with the clients, tokens and timer that it had.
    pub(crate) async fn open(
        &self,
        room_id: &Arc<str>,
        context: &impl StateroomContext,
        keep: &Keep,
        stall: &Arc<StallReport>,
    ) -> Result<(Durable<F>, Option<RosterSnapshot>), Fault> {
        let (awake, roster) = self.wake(room_id, context, keep, stall).await?;
        let durable = Durable {
            source: self.clone(),
            room_id: room_id.clone(),
            keep: keep.clone(),
            stall: stall.clone(),
            awake: Some(awake),
            backlog: VecDeque::new(),
            failed: None,
            absent: HashSet::new(),
            rejections: VecDeque::new(),
        };
        Ok((durable, roster))
    }

    async fn wake(
        &self,
        room_id: &Arc<str>,
        context: &impl StateroomContext,
        keep: &Keep,
        stall: &Arc<StallReport>,
    ) -> Result<(Awake<F>, Option<RosterSnapshot>), Fault> {
        let stall = StallWatch::new(stall.clone(), room_id.clone());
        let opened = Awake::open(&self.factories, keep, &self.shared, room_id, context, stall);
        // Boxed, because the future of each room would have space for it: a failing event wakes the service again.
        Box::pin(opened).await.map_err(|error| match error {
            WakeError::Fault(fault) => fault,
            WakeError::Broken(broken) => {
                let fault = Fault::new(FaultKind::Broken, broken.to_string());
                // A room in memory ends, and nothing is left of it.
                if keep.is_durable() {
                    self.shared.broken().insert(room_id, broken);
                }
                fault
            }
        })
    }
}

impl<F: StateroomServiceFactory> Durable<F> {
    fn awake(&mut self) -> Result<&mut Awake<F>, Fault> {
        self.awake.as_mut().ok_or_else(|| Fault::new(FaultKind::Storage, "the room could not be woken"))
    }

    /// Returns the next events to handle. Drops those of clients whose `connect` was rejected.
    fn take(&mut self, batch: &EventBatch) -> Batch {
        let mut taken = Batch::default();
        let most = self.failed.as_ref().map_or(usize::MAX, |failed| failed.before);
        while !taken.is_full() && taken.len() < most {
            let Some(event) = self.backlog.pop_front().or_else(|| batch.next_event()) else { break };
            if self.concerns_absent(&event) {
                if !taken.is_empty() {
                    // Events finish in order.
                    self.backlog.push_front(event);
                    break;
                }
                if let Event::Disconnect { client } = event {
                    self.absent.remove(&client);
                }
                batch.finish_event(&mut Vec::new());
                continue;
            }
            if let Event::Connect { client } | Event::ConnectWith { client, .. } = &event {
                // It is back, by its token.
                self.absent.remove(client);
            }
            taken.push(event);
        }
        taken
    }

    /// Returns whether an event is of a client whose `connect` was rejected.
    fn concerns_absent(&self, event: &Event) -> bool {
        match event {
            Event::Message { sender: client, .. } | Event::Disconnect { client } => self.absent.contains(client),
            _ => false,
        }
    }

    /// Undoes events of which the one at `index` has failed, and has those before it handled again, and those after it next.
    async fn undo(
        &mut self,
        events: Vec<Event>,
        index: usize,
        fault: Fault,
        context: &impl StateroomContext,
    ) -> Result<(), Fault> {
        let now = Instant::now();
        self.rejections.retain(|time| now.saturating_duration_since(*time) < REJECTION_TIME);
        // A service that fails at its begin would fail again.
        if self.rejections.len() >= MAX_REJECTIONS || matches!(events.get(index), None | Some(Event::Init)) {
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
        // First the old one, whose place the new one needs.
        self.awake = None;
        self.awake = Some(self.source.wake(&self.room_id, context, &self.keep, &self.stall).await?.0);
        let mut events = VecDeque::from(events);
        events.append(&mut self.backlog);
        self.backlog = events;
        self.failed = Some(Failed { before: index, reason: fault.public_reason() });
        Ok(())
    }

    /// Rejects the next event, which has failed before.
    fn reject(&mut self, reason: String, batch: &EventBatch) {
        if let Some(Event::Connect { client } | Event::ConnectWith { client, .. }) = self.backlog.pop_front() {
            self.absent.insert(client);
        }
        let mut finished = FinishedEvents::default();
        finished.reject(reason);
        batch.finish_events(&mut finished);
    }
}

impl<F: StateroomServiceFactory> StateroomService for Durable<F> {
    fn memory_bytes(&mut self) -> Option<usize> {
        self.awake.as_mut()?.service().memory_bytes()
    }

    fn charge(&mut self, host_time: Duration) {
        if let Some(awake) = &mut self.awake {
            awake.service().charge(host_time);
        }
    }

    async fn put_away(&mut self, fate: Fate) {
        let Some(awake) = &mut self.awake else { return };
        if let Err(fault) = awake.put_away(fate).await {
            // The room is complete in the store: the journal has the events.
            tracing::warn!(room = &*self.room_id, ?fate, "failed to store the end of a service: {}", fault.message());
        }
    }

    async fn deliver(&mut self, batch: &EventBatch, context: &impl StateroomContext) -> Result<(), Fault> {
        loop {
            if let Some(Failed { reason, .. }) = self.failed.take_if(|failed| failed.before == 0) {
                self.reject(reason, batch);
            }
            let mut taken = self.take(batch);
            if !taken.is_empty() {
                match self.awake()?.handle(&mut taken, context).await {
                    Ok(mut finished) => {
                        taken.rest().rev().for_each(|event| self.backlog.push_front(event));
                        if let Some(failed) = &mut self.failed {
                            failed.before = failed.before.saturating_sub(finished.lengths.len());
                        }
                        batch.finish_events(&mut finished);
                        self.awake()?.shorten().await?;
                    }
                    // There is nothing that it could continue.
                    Err(HandleError::Event { fault, .. }) if self.awake()?.has_ended() => return Err(fault),
                    Err(HandleError::Event { index, fault }) => {
                        self.undo(taken.decode()?, index, fault, context).await?;
                    }
                    Err(HandleError::Store(fault)) => return Err(fault),
                }
            }
            if self.backlog.is_empty() {
                return Ok(());
            }
        }
    }
}
