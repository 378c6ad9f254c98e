//! A factory around another, which writes down what its services are told and what they ask for.
//!
//! *Invariant:* what a room sees of a service is the same, written down or not.
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use stateroom::{
    StateroomContext, StateroomService, StateroomServiceFactory,
    event_batch::{EventBatch, FinishedEvents},
    fault::Fault,
    messages::{Effect, Event},
};

use super::{
    Happened, Records, RoomRecord,
    replay::{Restored, replay},
};

/// After so long, the room writes before it handles more.
const TIME_IN_ONE_GO: Duration = Duration::from_millis(1);
/// After so many bytes of effects, too.
const BYTES_IN_ONE_GO: usize = 256 << 10;

/// A factory whose services are written down, if there is something to write into.
pub struct Observed<F> {
    factory: F,
    /// The records, and which code the factory is of.
    records: Option<(Arc<Records>, u64)>,
}

impl<F> Observed<F> {
    /// A factory of the newest code.
    pub fn new(factory: F, records: Option<Arc<Records>>) -> Self {
        let with_generation = |records: Arc<Records>| {
            let generation = records.generation();
            (records, generation)
        };
        Observed { factory, records: records.map(with_generation) }
    }
}

impl<F: StateroomServiceFactory> StateroomServiceFactory for Observed<F> {
    type Service = ObservedService<F::Service>;
    type Error = F::Error;

    fn build(&self, room_id: &str, context: Arc<impl StateroomContext>) -> Result<Self::Service, F::Error> {
        Ok(ObservedService { service: self.factory.build(room_id, context)?, writer: None })
    }

    fn has_space(&self, rooms: usize) -> bool {
        self.factory.has_space(rooms)
    }

    async fn create(&self, room_id: &str, context: Arc<impl StateroomContext>) -> Result<Self::Service, Fault> {
        let open = |(records, generation): &(Arc<Records>, u64)| {
            let writer = Writer { room: records.open(room_id)?, records: records.clone(), restored: None };
            Some((writer, *generation))
        };
        let Some((mut writer, generation)) = self.records.as_ref().and_then(open) else {
            return Ok(ObservedService { service: self.factory.create(room_id, context).await?, writer: None });
        };
        // Before the new one's beginning is written down.
        let history = writer.room.take_history(generation);
        writer.write(Happened::Begin { generation });
        let mut service = writer.create(&self.factory, room_id, &context).await?;
        if let Some(history) = history {
            let outcome = replay(&mut service, &history, &*context).await;
            let text = match &outcome {
                Ok(restored) => format!("told {} events again", restored.events),
                Err(problem) => format!("it begins anew: {problem}"),
            };
            writer.write(Happened::Restore { text });
            match outcome {
                Ok(told) => {
                    writer.room.restored(&history, told.clients.iter().map(|client| client.0));
                    writer.restored = Some(told);
                }
                // Nobody knows what state it is in.
                Err(_) => {
                    drop(service);
                    service = writer.create(&self.factory, room_id, &context).await?;
                }
            }
        }
        Ok(ObservedService { service, writer: Some(writer) })
    }
}

/// A service that is written down, if anything is.
pub struct ObservedService<S> {
    service: S,
    writer: Option<Writer>,
}

struct Writer {
    records: Arc<Records>,
    room: Arc<RoomRecord>,
    /// What was told to the instance before its first event.
    restored: Option<Restored>,
}

impl<S: StateroomService> StateroomService for ObservedService<S> {
    fn memory_bytes(&mut self) -> Option<usize> {
        self.service.memory_bytes()
    }

    async fn deliver(&mut self, turn: &EventBatch, context: &impl StateroomContext) -> Result<(), Fault> {
        let Some(writer) = &mut self.writer else { return self.service.deliver(turn, context).await };
        if let Some(restored) = writer.restored.take() {
            return writer.begin_restored(&mut self.service, restored, turn, context).await;
        }
        let (begun, mut bytes) = (Instant::now(), 0);
        while let Some(event) = turn.next_event() {
            let mut effects = writer.handle(&mut self.service, event, context).await?;
            bytes += effects.iter().map(Effect::size).sum::<usize>();
            turn.finish_event(&mut effects);
            if bytes >= BYTES_IN_ONE_GO || begun.elapsed() >= TIME_IN_ONE_GO {
                break;
            }
        }
        Ok(())
    }
}

impl Writer {
    fn write(&self, happened: Happened) {
        self.records.write(&self.room, happened);
    }

    /// A service of the factory's; that there is none is written down.
    async fn create<F: StateroomServiceFactory>(
        &self,
        factory: &F,
        room_id: &str,
        context: &Arc<impl StateroomContext>,
    ) -> Result<F::Service, Fault> {
        let created = factory.create(room_id, context.clone()).await;
        created.inspect_err(|fault| self.write(Happened::Fault { event: None, fault: fault.clone() }))
    }

    /// The first turn of an instance that knows already: of the room's beginning, and of those who were in it.
    async fn begin_restored<S: StateroomService>(
        &self,
        service: &mut S,
        mut restored: Restored,
        turn: &EventBatch,
        context: &impl StateroomContext,
    ) -> Result<(), Fault> {
        let mut events = Vec::new();
        while let Some(event) = turn.next_event() {
            events.push(event);
        }
        let joined: Vec<_> = events.iter().filter_map(who_joins).collect();
        let mut knows = restored.clients.clone();
        for event in events {
            let mut effects = match &event {
                Event::Init => {
                    let mut effects: Vec<Effect> = restored.timer.take().into_iter().collect();
                    // Who has left in between, it has not heard.
                    for client in restored.clients.iter().filter(|client| !joined.contains(client)) {
                        effects.extend(self.handle(service, Event::Disconnect { client: *client }, context).await?);
                    }
                    effects
                }
                event if who_joins(event).is_some_and(|client| knows.remove(&client)) => Vec::new(),
                _ => self.handle(service, event, context).await?,
            };
            turn.finish_event(&mut effects);
        }
        Ok(())
    }

    /// Has the service handle one event, and writes it down.
    async fn handle<S: StateroomService>(
        &self,
        service: &mut S,
        event: Event,
        context: &impl StateroomContext,
    ) -> Result<Vec<Effect>, Fault> {
        let label = event.label();
        let begun = Instant::now();
        match handle(service, event.clone(), context).await {
            Ok(effects) => {
                let (took, memory_bytes) = (begun.elapsed(), service.memory_bytes());
                let happened = Happened::Event { event, effects: effects.clone(), took, memory_bytes };
                self.write(happened);
                Ok(effects)
            }
            Err(fault) => {
                let fault = fault.in_event(Some(label));
                self.write(Happened::Fault { event: Some(event), fault: fault.clone() });
                Err(fault)
            }
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.room.end();
    }
}

/// Has a service handle one event; the result is what it asks for.
pub(super) async fn handle<S: StateroomService>(
    service: &mut S,
    event: Event,
    context: &impl StateroomContext,
) -> Result<Vec<Effect>, Fault> {
    let turn = EventBatch::new([event]);
    while !turn.is_empty() {
        service.deliver(&turn, context).await?;
    }
    let mut finished = FinishedEvents::default();
    turn.take_finished(&mut finished);
    Ok(finished.effects)
}

fn who_joins(event: &Event) -> Option<stateroom::ClientId> {
    match event {
        Event::Connect { client } | Event::ConnectWith { client, .. } => Some(*client),
        _ => None,
    }
}
