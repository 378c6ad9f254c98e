//! A durable room, stored in memory as a server stores it on a disk.
use std::time::Duration;

use rand::{RngExt, SeedableRng, rngs::SmallRng};
use stateroom::{
    StateroomService, StateroomServiceFactory,
    durable::{BatchStart, Origin},
    event_batch::{EventBatch, FinishedEvents},
    fault::Fault,
    messages::{Effect, Event},
    testing::TestContext,
};
use stateroom_wasm_host::{WasmHost, WasmHostConfig, WasmHostFactory};

use crate::script::Batch;

/// The time at which rooms begin.
pub(crate) const BEGIN: Duration = Duration::from_secs(1_767_225_600);
const SEED: [u8; 32] = [7; 32];
const ROOM: &str = "a room";

/// Limits that are reached quickly, but not by a guest that computes for a moment. All guests share one engine.
pub(crate) fn config() -> WasmHostConfig {
    WasmHostConfig::default()
        .with_durable(true)
        .with_instances(64)
        .with_memory_bytes(8 << 20)
        .with_cpu_budget(Duration::from_millis(300))
        .with_time_budget(Duration::from_secs(5))
}

/// What happens to a room between two batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    /// Nothing.
    Awake,
    /// It is dropped, and continues with its image.
    Woken,
    /// Sometimes an image of it is stored, and sometimes it is dropped without one.
    Killed,
}

/// The effects of an event, or the kind of its failure.
type Outcome = Result<Vec<Effect>, &'static str>;

/// A durable room.
pub(crate) struct Room {
    factory: WasmHostFactory,
    policy: Policy,
    random: SmallRng,
    /// `None` while it is dropped, and for a room that cannot begin.
    host: Option<WasmHost>,
    /// The batches so far, and the effects of their events.
    journal: Vec<(Batch, Vec<Vec<Effect>>)>,
    /// An image, and the number of batches in it.
    stored: Option<(Vec<u8>, usize)>,
    outcomes: Vec<Outcome>,
    /// The image at the end.
    image: Vec<u8>,
}

impl Room {
    pub(crate) async fn new(factory: WasmHostFactory, policy: Policy, seed: u64) -> Result<Self, String> {
        let origin = Origin::New { stamp: BEGIN, seed: SEED };
        let host = factory.create_durable(ROOM, origin).await.ok();
        let (journal, outcomes) = (Vec::new(), Vec::new());
        let random = SmallRng::seed_from_u64(seed);
        let mut room = Room { factory, policy, random, host, journal, stored: None, outcomes, image: Vec::new() };
        // A guest may have sent effects that are released with those of its first event.
        room.between_batches().await?;
        Ok(room)
    }

    /// Handles a batch. Events that fail are undone, and the others handled without them.
    pub(crate) async fn handle(&mut self, batch: &Batch) -> Result<(), String> {
        self.run(batch.stamp, &batch.events).await?;
        self.between_batches().await
    }

    async fn run(&mut self, stamp: Duration, events: &[Event]) -> Result<(), String> {
        if events.is_empty() || self.host.is_none() {
            return Ok(());
        }
        let (effects, outcome) = self.deliver(stamp, events, false).await;
        let Err(fault) = outcome else {
            self.accept(stamp, events, effects);
            return Ok(());
        };
        // If all have returned, the last one made the call fail.
        let (before, after) = events.split_at(effects.len().min(events.len() - 1));
        self.wake().await?;
        Box::pin(self.run(stamp, before)).await?;
        self.outcomes.push(Err(fault.kind().label()));
        Box::pin(self.run(stamp, &after[1..])).await
    }

    fn accept(&mut self, stamp: Duration, events: &[Event], effects: Vec<Vec<Effect>>) {
        self.outcomes.extend(effects.iter().cloned().map(Ok));
        self.journal.push((Batch { stamp, events: events.to_vec() }, effects));
    }

    async fn deliver(
        &mut self,
        stamp: Duration,
        events: &[Event],
        is_replay: bool,
    ) -> (Vec<Vec<Effect>>, Result<(), Fault>) {
        let Some(host) = &mut self.host else { return (Vec::new(), Ok(())) };
        let context = TestContext::new(ROOM);
        let batch = EventBatch::new(events.iter().cloned());
        host.begin_batch(BatchStart { stamp, is_replay });
        let mut outcome = Ok(());
        while !batch.is_empty() && outcome.is_ok() {
            outcome = host.deliver(&batch, &context).await;
        }
        let mut finished = FinishedEvents::default();
        batch.take_finished(&mut finished);
        let effects = finished.lengths.iter().map(|length| finished.effects.drain(..length).collect()).collect();
        (effects, outcome)
    }

    async fn between_batches(&mut self) -> Result<(), String> {
        match self.policy {
            Policy::Awake => {}
            Policy::Woken => {
                self.store()?;
                self.wake().await?;
            }
            Policy::Killed => {
                if self.random.random_range(0..3) == 0 {
                    self.store()?;
                }
                if self.random.random_range(0..3) == 0 {
                    self.wake().await?;
                }
            }
        }
        Ok(())
    }

    fn store(&mut self) -> Result<(), String> {
        if let Some(host) = &mut self.host {
            let image = host.image().map_err(|fault| fault.to_string())?;
            self.stored = Some((image, self.journal.len()));
        }
        Ok(())
    }

    /// Drops the guest, and continues with the stored image and the batches since.
    async fn wake(&mut self) -> Result<(), String> {
        if self.host.take().is_none() {
            return Ok(());
        }
        let (origin, first) = match &self.stored {
            Some((image, batches)) => (Origin::Image(image), *batches),
            None => (Origin::New { stamp: BEGIN, seed: SEED }, 0),
        };
        let host = self.factory.create_durable(ROOM, origin).await;
        self.host = Some(host.map_err(|fault| format!("waking: {fault}"))?);
        for number in first..self.journal.len() {
            let (batch, expected) = self.journal[number].clone();
            let (found, outcome) = self.deliver(batch.stamp, &batch.events, true).await;
            if outcome.is_err() || found != expected {
                return Err(format!(
                    "replay of batch {number}: {outcome:?}\nfound    {found:?}\nexpected {expected:?}"
                ));
            }
        }
        Ok(())
    }

    pub(crate) async fn finish(&mut self) -> Result<(), String> {
        if let Some(host) = &mut self.host {
            self.image = host.image().map_err(|fault| fault.to_string())?;
        }
        Ok(())
    }

    pub(crate) fn has_effects(&self) -> bool {
        self.outcomes.iter().flatten().any(|effects| !effects.is_empty())
    }

    pub(crate) fn expect_same_outcomes(&self, other: &Room, which: &str) -> Result<(), String> {
        for (number, (expected, found)) in self.outcomes.iter().zip(&other.outcomes).enumerate() {
            if expected != found {
                return Err(format!("{which}: event {number}\nfound    {found:?}\nexpected {expected:?}"));
            }
        }
        if self.outcomes.len() != other.outcomes.len() {
            return Err(format!("{which}: another number of events"));
        }
        Ok(())
    }

    pub(crate) fn expect_same(&self, other: &Room, which: &str) -> Result<(), String> {
        self.expect_same_outcomes(other, which)?;
        match self.image.iter().zip(&other.image).position(|(one, other)| one != other) {
            Some(byte) => Err(format!("{which}: byte {byte} of the image")),
            None if self.image.len() != other.image.len() => Err(format!("{which}: the length of the image")),
            None => Ok(()),
        }
    }
}
