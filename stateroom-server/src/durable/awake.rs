//! A service of a durable room, as far as its events are stored.
//!
//! *Invariant:* the service has handled exactly the events in the store, or more only while they are on their way there.
use std::{
    mem,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use rand::random;
use stateroom::{
    StateroomContext, StateroomService, StateroomServiceFactory,
    durable::{BatchStart, CodeHash, Fate, Origin},
    event_batch::FinishedEvents,
    fault::Fault,
    room::{Attendance, RosterSnapshot},
    system_time,
};
use stateroom_store::{self as store, Opened, RoomLog, StoreError, Stored};
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    task::block_in_place,
};

use super::{
    batch::Batch,
    factories::Factories,
    failure::{WakeError, out_of_place, restore, store_fault, unreadable},
    keep::Keep,
    record::{BatchRecord, Record, Snapshot},
    replay::{ends_room, follow_timer, handle, hash, replay},
    stall::StallWatch,
};
use crate::{broken::BrokenRoom, metrics::Metrics, shared::Shared};

/// Time that handling the events in the journal may take when the room wakes.
const REPLAY_TIME: Duration = Duration::from_millis(20);
/// How often the time of a snapshot the events have to take before the next one: a room of many MiB does little else otherwise.
const SNAPSHOT_SHARE: u32 = 10;
/// Size of a record without its events, with what memory takes for it, in bytes: that of small events is less.
const RECORD_BYTES: usize = 128;
/// Memory of a service from which its image may take milliseconds, in bytes.
const LARGE_BYTES: usize = 4 << 20;

/// A service, and what is stored of it.
pub(super) struct Awake<F: StateroomServiceFactory> {
    service: F::Service,
    /// Keeps the room's module loaded.
    _factory: Arc<F>,
    code: CodeHash,
    /// A service must be `Sync`, and a log need not be. The mutex is never locked, because every use has exclusive access.
    log: Mutex<Box<dyn RoomLog>>,
    /// The last record.
    seq: u64,
    /// The time of the last batch.
    stamp: Duration,
    attendance: Attendance,
    /// Whether the service has ended the room, and the store knows.
    has_ended: bool,
    tail: Tail,
    /// Size of the events in the journal from which a snapshot is worth it, in bytes.
    tail_bytes: usize,
    stall: StallWatch,
    metrics: Arc<Metrics>,
}

/// The events in the journal since the last snapshot.
#[derive(Debug, Default)]
struct Tail {
    events: usize,
    bytes: usize,
    /// The time it took to handle them.
    time: Duration,
    /// Size of the last snapshot, and the time it took.
    snapshot: (usize, Duration),
}

impl Tail {
    fn add(&mut self, record: &BatchRecord, time: Duration) {
        self.events += record.events();
        self.bytes += record.bytes() + RECORD_BYTES;
        self.time += time;
    }

    /// Returns whether a snapshot should replace them.
    fn is_long(&self, tail_bytes: usize) -> bool {
        let (bytes, time) = self.snapshot;
        self.bytes >= tail_bytes.max(bytes / 2) || self.time >= REPLAY_TIME.max(time * SNAPSHOT_SHARE)
    }
}

/// Why events are not stored.
pub(super) enum HandleError {
    /// The event with this index failed.
    Event { index: usize, fault: Fault },
    /// The store did not accept them.
    Store(Fault),
}

impl<F: StateroomServiceFactory> Awake<F> {
    /// Begins a room, or wakes it with the clients, tokens and timer that it had.
    pub(super) async fn open(
        factories: &Factories<F>,
        keep: &Keep,
        shared: &Shared,
        room_id: &str,
        context: &impl StateroomContext,
        mut stall: StallWatch,
    ) -> Result<(Self, Option<RosterSnapshot>), WakeError> {
        let started = Instant::now();
        let Opened { mut log, stored } = stall.wait(keep.open(room_id)).await.map_err(|error| match error {
            StoreError::Corrupt { .. } => WakeError::Broken(BrokenRoom::new(None, error.to_string())),
            _ => store_fault(&error).into(),
        })?;
        let is_new = stored.is_none();
        let (factory, service, start) = match stored {
            None => {
                let (factory, code) = factories.for_new_room(&mut stall).await?;
                let (stamp, seed) = (system_time::now(), random());
                let mut service = factory.create_durable(room_id, Origin::New { stamp, seed }).await?;
                // With an image, so that nothing that a host does at the start of a service is done twice.
                let begun = Record::begun(code, stamp, &service.image()?);
                let appended = stall.wait(log.append(1, begun, None)).await;
                appended.map_err(|error| store_fault(&error))?;
                let snapshot = Snapshot { code, stamp, roster: RosterSnapshot::default(), image: Vec::new() };
                (factory, service, Start { seq: 1, snapshot, tail: Vec::new() })
            }
            Some(stored) => {
                let mut start = Start::of(stored)?;
                let factory = factories.for_stored_room(start.snapshot.code, &mut stall).await?;
                let image = mem::take(&mut start.snapshot.image);
                let service = restore(&*factory, room_id, start.seq, &image).await?;
                (factory, service, start)
            }
        };
        let Start { seq, snapshot: Snapshot { code, stamp, roster, .. }, tail } = start;
        let mut awake = Awake {
            service,
            _factory: factory,
            code,
            log: Mutex::new(log),
            seq,
            stamp,
            attendance: Attendance::new(&roster, shared.settings().limits.tokens),
            has_ended: false,
            tail: Tail::default(),
            tail_bytes: keep.tail_bytes(),
            stall,
            metrics: shared.metrics().clone(),
        };
        for store::Record { seq, bytes } in tail {
            awake.replay(seq, &bytes, context).await?;
        }
        if awake.has_ended {
            // The process ended before the room was deleted, which now begins anew.
            awake.put_away(Fate::Ends).await?;
            let stall = awake.stall;
            return Box::pin(Self::open(factories, keep, shared, room_id, context, stall)).await;
        }
        if !is_new {
            awake.metrics.wake_seconds.record(started.elapsed());
        }
        // A room whose process ended before `init` was stored has not begun.
        let roster = (awake.seq > 1).then(|| awake.attendance.snapshot());
        Ok((awake, roster))
    }

    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    pub(super) fn service(&mut self) -> &mut F::Service {
        &mut self.service
    }

    async fn replay(&mut self, seq: u64, bytes: &[u8], context: &impl StateroomContext) -> Result<(), WakeError> {
        let record = Record::decode(bytes).map_err(|error| unreadable("the record", seq, &error))?;
        let Record::Batch { stamp, effects, events } = record else { return Err(out_of_place(seq)) };
        let (started, count) = (Instant::now(), events.len());
        let replayed = replay(&mut self.service, &mut self.attendance, (stamp, effects, events), context).await;
        self.has_ended |= replayed.map_err(|error| error.of_record(seq))?;
        (self.seq, self.stamp) = (seq, stamp);
        self.tail.events += count;
        self.tail.bytes += bytes.len() + RECORD_BYTES;
        self.tail.time += started.elapsed();
        Ok(())
    }

    /// Has the service handle events, and stores them. If their effects are large, the last events are left in the batch. If one of
    /// them fails, none is stored, and the service is unusable.
    pub(super) async fn handle(
        &mut self,
        batch: &mut Batch,
        context: &impl StateroomContext,
    ) -> Result<FinishedEvents, HandleError> {
        // A clock that was set back does not set back that of the room.
        let stamp = system_time::now().max(self.stamp);
        let started = Instant::now();
        let start = BatchStart { stamp, is_replay: false };
        let (finished, outcome) = handle(&mut self.service, &batch.events, start, context).await;
        if let Err(fault) = outcome {
            // A service may fail after it has returned from the last event, which then is the one that failed.
            let last = batch.record.events().saturating_sub(1);
            return Err(HandleError::Event { index: finished.lengths.len().min(last), fault });
        }
        let time = started.elapsed();
        let count = finished.lengths.len();
        batch.record.truncate(count);
        let moves = batch.moves.iter().filter(|(index, _)| *index < count);
        moves.for_each(|(_, event)| self.attendance.apply(event));
        follow_timer(&mut self.attendance, &finished, stamp);
        let has_ended = self.has_ended || ends_room(&finished);
        let due = self.attendance.timer_due.filter(|_| !has_ended).map(|due| due.since_epoch());
        let bytes = batch.record.encode(stamp, &hash(&finished));
        self.metrics.journal_bytes.increment(bytes.len() as u64);
        let append = self.log.get_mut().append(self.seq + 1, bytes, due);
        let appended = self.stall.wait(append).await;
        appended.map_err(|error| HandleError::Store(store_fault(&error)))?;
        self.metrics.gate_seconds.record(started.elapsed());
        (self.seq, self.stamp, self.has_ended) = (self.seq + 1, stamp, has_ended);
        self.tail.add(&batch.record, time);
        Ok(finished)
    }

    /// Replaces the events in the journal by an image of the service, if they have become many.
    pub(super) async fn shorten(&mut self) -> Result<(), Fault> {
        if self.tail.is_long(self.tail_bytes) && !self.has_ended { self.take_snapshot().await } else { Ok(()) }
    }

    async fn take_snapshot(&mut self) -> Result<(), Fault> {
        let started = Instant::now();
        let image = take_image(&mut self.service)?;
        let time = started.elapsed();
        let snapshot = Snapshot { code: self.code, stamp: self.stamp, roster: self.attendance.snapshot(), image };
        let (bytes, due) = (snapshot.encode(), self.attendance.timer_due.map(|due| due.since_epoch()));
        let snapshot_bytes = bytes.len();
        self.stall.wait(self.log.get_mut().replace(self.seq, bytes, due)).await.map_err(|error| store_fault(&error))?;
        self.metrics.snapshot_bytes.increment(snapshot_bytes as u64);
        self.metrics.snapshot_seconds.record(started.elapsed());
        self.tail = Tail { snapshot: (snapshot_bytes, time), ..Tail::default() };
        Ok(())
    }

    pub(super) async fn put_away(&mut self, fate: Fate) -> Result<(), Fault> {
        match fate {
            Fate::Sleeps if !self.has_ended => {
                if self.tail.events > 0 {
                    self.take_snapshot().await?;
                }
                Ok(())
            }
            Fate::Sleeps | Fate::Ends => {
                let deleted = self.stall.wait(self.log.get_mut().delete(self.seq)).await;
                deleted.map_err(|error| store_fault(&error))
            }
        }
    }
}

/// The stored state that a room wakes from.
struct Start {
    /// The number of the record that the snapshot follows.
    seq: u64,
    snapshot: Snapshot,
    /// The records after it.
    tail: Vec<store::Record>,
}

impl Start {
    /// Returns the last snapshot of a room, or the one with which it began.
    fn of(Stored { snapshot, mut tail }: Stored) -> Result<Self, WakeError> {
        if let Some(store::Record { seq, bytes }) = snapshot {
            let snapshot = Snapshot::decode(&bytes).map_err(|error| unreadable("the snapshot", seq, &error))?;
            return Ok(Start { seq, snapshot, tail });
        }
        if tail.is_empty() {
            return Err(out_of_place(0));
        }
        let store::Record { seq, bytes } = tail.remove(0);
        match Record::decode(&bytes).map_err(|error| unreadable("the record", seq, &error))? {
            Record::Begun { code, stamp, image } => {
                let snapshot = Snapshot { code, stamp, roster: RosterSnapshot::default(), image };
                Ok(Start { seq, snapshot, tail })
            }
            Record::Batch { .. } => Err(out_of_place(seq)),
        }
    }
}

/// Returns an image of a service. Meanwhile, the other rooms of this worker run elsewhere, if it may take long.
fn take_image(service: &mut impl StateroomService) -> Result<Vec<u8>, Fault> {
    let is_large = service.memory_bytes().is_some_and(|bytes| bytes >= LARGE_BYTES);
    if is_large && Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread {
        block_in_place(|| service.image())
    } else {
        service.image()
    }
}
