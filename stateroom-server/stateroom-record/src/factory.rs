//! A factory around another one, whose services record the events they receive and the effects they return.
//!
//! *Invariant:* recording changes nothing that the room sees of a service.
use std::{
    collections::BTreeSet,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use stateroom::{
    ClientId, StateroomContext, StateroomService, StateroomServiceFactory,
    durable::{BatchStart, CodeHash, Fate, NotDurable, Origin},
    event_batch::EventBatch,
    fault::Fault,
    messages::{Effect, Event},
};

use crate::{
    RecordKind, Recorder, RoomRecord,
    delivery::{deliver_event, joining_client},
    event_time::{EventTime, from_unix_ms, in_micros},
    replay::{Replayed, replay},
};

/// Time after which a batch yields, so that the room writes before it handles more.
const MAX_BATCH_TIME: Duration = Duration::from_millis(1);
/// Bytes of effects after which a batch yields.
const MAX_BATCH_BYTES: usize = 256 << 10;

/// A factory whose services are recorded: made by [`Recorder::wrap`].
pub struct RecordedFactory<F> {
    factory: F,
    recording: Option<Recording>,
}

#[derive(Clone)]
struct Recording {
    recorder: Recorder,
    generation: u64,
}

impl<F> RecordedFactory<F> {
    /// Wraps a factory. Without a recorder, it only forwards: for programs that record on demand, because the type of
    /// the factory is the same either way.
    pub fn new(factory: F, recorder: Option<&Recorder>) -> Self {
        let recording =
            |recorder: &Recorder| Recording { recorder: recorder.clone(), generation: recorder.generation() };
        RecordedFactory { factory, recording: recorder.map(recording) }
    }
}

impl<F: fmt::Debug> fmt::Debug for RecordedFactory<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("RecordedFactory").field(&self.factory).finish()
    }
}

impl<F: StateroomServiceFactory> StateroomServiceFactory for RecordedFactory<F> {
    type Service = RecordedService<F::Service>;
    type Error = F::Error;

    /// Builds a service that is not recorded: servers call `create`.
    fn build(&self, room_id: &str, context: Arc<impl StateroomContext>) -> Result<Self::Service, F::Error> {
        Ok(RecordedService { service: self.factory.build(room_id, context)?, writer: None, is_replay: false })
    }

    fn has_space(&self, rooms: usize) -> bool {
        self.factory.has_space(rooms)
    }

    async fn create(&self, room_id: &str, context: Arc<impl StateroomContext>) -> Result<Self::Service, Fault> {
        let open = |recording: &Recording| {
            let (recorder, room) = (recording.recorder.clone(), recording.recorder.open(room_id)?);
            let event_time = EventTime::default();
            Some((RoomWriter { recorder, room, event_time, replayed: None }, recording.generation))
        };
        let Some((mut writer, generation)) = self.recording.as_ref().and_then(open) else {
            return Ok(RecordedService {
                service: self.factory.create(room_id, context).await?,
                writer: None,
                is_replay: false,
            });
        };
        let history = writer.room.begin_instance(generation);
        let now = in_micros(context.now());
        let built = history.as_ref().and_then(|history| history.entries.first());
        let built = built.map_or(now, |entry| from_unix_ms(entry.unix_ms));
        writer.recorder.record_at(&writer.room, RecordKind::Start, now);
        let mut service = writer.create(&self.factory, room_id, &context, built).await?;
        if let Some(history) = history {
            let outcome = replay(&mut service, &history, &writer.event_time, &*context).await;
            let text = match &outcome {
                Ok(replayed) => format!("replayed {} events", replayed.events),
                Err(problem) => format!("started fresh: {problem}"),
            };
            writer.record(RecordKind::Restore { text });
            match outcome {
                Ok(replayed) => {
                    writer.room.adopt(&history, replayed.clients.clone());
                    writer.replayed = Some(replayed);
                }
                // Its state is unknown.
                Err(_) => {
                    drop(service);
                    service = writer.create(&self.factory, room_id, &context, now).await?;
                }
            }
        }
        Ok(RecordedService { service, writer: Some(writer), is_replay: false })
    }

    fn durable_code(&self) -> Result<CodeHash, NotDurable> {
        self.factory.durable_code()
    }

    async fn create_durable(&self, room_id: &str, origin: Origin<'_>) -> Result<Self::Service, Fault> {
        let service = self.factory.create_durable(room_id, origin).await?;
        let writer = self.recording.as_ref().and_then(|Recording { recorder, generation }| {
            let room = recorder.open(room_id)?;
            room.begin_instance(*generation);
            Some(RoomWriter { recorder: recorder.clone(), room, event_time: EventTime::default(), replayed: None })
        });
        Ok(RecordedService { service, writer, is_replay: false })
    }

    fn durable_module(&self) -> Option<Arc<[u8]>> {
        self.factory.durable_module()
    }

    fn with_module(&self, module: &[u8]) -> Result<Self, Fault> {
        Ok(RecordedFactory { factory: self.factory.with_module(module)?, recording: self.recording.clone() })
    }
}

/// A service that is recorded: made by a [`RecordedFactory`].
pub struct RecordedService<S> {
    service: S,
    writer: Option<RoomWriter>,
    /// Whether the events were recorded before.
    is_replay: bool,
}

impl<S: fmt::Debug> fmt::Debug for RecordedService<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("RecordedService").field(&self.service).finish()
    }
}

/// Writes the record of one room, for as long as one service runs it.
struct RoomWriter {
    recorder: Recorder,
    room: Arc<RoomRecord>,
    event_time: EventTime,
    /// The events replayed into the service before its first event.
    replayed: Option<Replayed>,
}

impl<S: StateroomService> StateroomService for RecordedService<S> {
    fn memory_bytes(&mut self) -> Option<usize> {
        self.service.memory_bytes()
    }

    fn charge(&mut self, host_time: Duration) {
        self.service.charge(host_time);
    }

    fn begin_batch(&mut self, start: BatchStart) {
        self.is_replay = start.is_replay;
        self.service.begin_batch(start);
    }

    fn image(&mut self) -> Result<Vec<u8>, Fault> {
        self.service.image()
    }

    async fn put_away(&mut self, fate: Fate) {
        self.service.put_away(fate).await;
    }

    async fn deliver(&mut self, batch: &EventBatch, context: &impl StateroomContext) -> Result<(), Fault> {
        let Some(writer) = self.writer.as_mut().filter(|_| !self.is_replay) else {
            return self.service.deliver(batch, context).await;
        };
        if let Some(replayed) = writer.replayed.take() {
            return writer.deliver_first(&mut self.service, replayed, batch, context).await;
        }
        let (started, mut bytes) = (Instant::now(), 0);
        while let Some(event) = batch.next_event() {
            let mut effects = writer.handle(&mut self.service, event, context).await?;
            bytes += effects.iter().map(Effect::size).sum::<usize>();
            batch.finish_event(&mut effects);
            if bytes >= MAX_BATCH_BYTES || started.elapsed() >= MAX_BATCH_TIME {
                break;
            }
        }
        Ok(())
    }
}

impl RoomWriter {
    fn record(&self, kind: RecordKind) {
        self.recorder.record(&self.room, kind);
    }

    /// Creates a service at that time, and records a failure to do so.
    async fn create<F: StateroomServiceFactory>(
        &self,
        factory: &F,
        room_id: &str,
        context: &Arc<impl StateroomContext>,
        time: Duration,
    ) -> Result<F::Service, Fault> {
        let context = Arc::new(self.event_time.context(&**context));
        self.event_time.set(Some(time));
        let created = factory.create(room_id, context).await;
        self.event_time.set(None);
        created.inspect_err(|fault| self.record(RecordKind::Fault { event: None, fault: fault.clone() }))
    }

    /// Delivers the first batch to a service that has a history: `init`, and `connect` for the clients that stayed.
    /// The service knows of both, so they only bring its view of the room up to date.
    async fn deliver_first<S: StateroomService>(
        &self,
        service: &mut S,
        mut replayed: Replayed,
        batch: &EventBatch,
        context: &impl StateroomContext,
    ) -> Result<(), Fault> {
        let events: Vec<Event> = std::iter::from_fn(|| batch.next_event()).collect();
        let present: BTreeSet<ClientId> = events.iter().filter_map(joining_client).collect();
        let mut known = replayed.clients.clone();
        for event in events {
            let mut effects = match &event {
                Event::Init => {
                    let mut effects: Vec<Effect> = replayed.timer.take().into_iter().collect();
                    // Clients that left between the two services.
                    for client in replayed.clients.difference(&present) {
                        effects.extend(self.handle(service, Event::Disconnect { client: *client }, context).await?);
                    }
                    effects
                }
                event if joining_client(event).is_some_and(|client| known.remove(&client)) => Vec::new(),
                _ => self.handle(service, event, context).await?,
            };
            batch.finish_event(&mut effects);
        }
        Ok(())
    }

    /// Has the service handle one event, and records the outcome.
    async fn handle<S: StateroomService>(
        &self,
        service: &mut S,
        event: Event,
        context: &impl StateroomContext,
    ) -> Result<Vec<Effect>, Fault> {
        let label = event.kind().label();
        let started = Instant::now();
        let time = in_micros(context.now());
        self.event_time.set(Some(time));
        let delivered = deliver_event(service, event.clone(), &self.event_time.context(context)).await;
        self.event_time.set(None);
        match delivered {
            Ok(effects) => {
                let (duration, memory_bytes) = (started.elapsed(), service.memory_bytes());
                let kind = RecordKind::Event { event, effects: effects.clone(), duration, memory_bytes };
                self.recorder.record_at(&self.room, kind, time);
                Ok(effects)
            }
            Err(fault) => {
                let fault = fault.in_event(Some(label));
                let kind = RecordKind::Fault { event: Some(event), fault: fault.clone() };
                self.recorder.record_at(&self.room, kind, time);
                Err(fault)
            }
        }
    }
}

impl Drop for RoomWriter {
    fn drop(&mut self) {
        self.room.end_instance();
    }
}
