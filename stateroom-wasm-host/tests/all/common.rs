//! A room without a server, and a log.
use std::{
    io::{self, Write},
    sync::{Arc, Mutex, Once},
    time::Duration,
};

use stateroom::{
    ClientId, MessagePayload, MessageRecipient, StateroomService, StateroomServiceFactory,
    event_batch::{EventBatch, FinishedEvents},
    fault::Fault,
    messages::{Effect, Event},
    testing::TestContext,
};
use stateroom_wasm_host::{WasmHost, WasmHostConfig, WasmHostFactory};
use tracing_subscriber::fmt::MakeWriter;

pub(crate) const ECHO: &str = include_str!("../guests/echo.wat");
pub(crate) const RAW: &str = include_str!("../guests/raw.wat");
pub(crate) const HOSTILE: &str = include_str!("../guests/hostile.wat");

/// One engine for all tests, with a small pool, and budgets that no well-behaved guest reaches.
pub(crate) fn config() -> WasmHostConfig {
    WasmHostConfig::default()
        .with_instances(64)
        .with_cpu_budget(Duration::from_secs(30))
        .with_time_budget(Duration::from_secs(60))
        .with_memory_bytes(4 << 20)
}

pub(crate) fn factory(guest: &str, config: &WasmHostConfig) -> WasmHostFactory {
    WasmHostFactory::from_bytes("guest.wat", guest.as_bytes(), config).unwrap()
}

/// Returns an error's message with its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let errors = std::iter::successors(Some(error), |error| error.source());
    errors.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// A guest driven as a server drives it.
pub(crate) struct Room {
    pub(crate) host: WasmHost,
    pub(crate) context: TestContext,
}

impl Room {
    pub(crate) async fn new(guest: &str, config: &WasmHostConfig) -> Self {
        Self::of(&factory(guest, config)).await
    }

    pub(crate) async fn of(factory: &WasmHostFactory) -> Self {
        Self::try_of(factory).await.unwrap()
    }

    pub(crate) async fn try_of(factory: &WasmHostFactory) -> Result<Self, Fault> {
        let context = TestContext::new("a room");
        let host = factory.create("a room", Arc::new(context.clone())).await?;
        Ok(Room { host, context })
    }

    /// Delivers events. Returns the effects of each that returned.
    pub(crate) async fn deliver(
        &mut self,
        events: impl IntoIterator<Item = Event>,
    ) -> (Vec<Vec<Effect>>, Result<(), Fault>) {
        let batch = EventBatch::new(events);
        let outcome = self.host.deliver(&batch, &self.context).await;
        let mut finished = FinishedEvents::default();
        batch.take_finished(&mut finished);
        let by_event = finished.lengths.iter().map(|length| finished.effects.drain(..length).collect());
        (by_event.collect(), outcome)
    }

    /// Delivers one event that must succeed.
    pub(crate) async fn one(&mut self, event: Event) -> Vec<Effect> {
        let (mut effects, outcome) = self.deliver([event]).await;
        outcome.unwrap();
        assert_eq!(effects.len(), 1);
        effects.remove(0)
    }

    /// Delivers one event that must fail, and checks that the guest is gone.
    pub(crate) async fn fails(&mut self, event: Event) -> Fault {
        let (effects, outcome) = self.deliver([event]).await;
        assert_eq!(effects, Vec::<Vec<Effect>>::new(), "an event that fails releases nothing");
        let fault = outcome.unwrap_err();
        let (_, after) = self.deliver([Event::Init]).await;
        assert_eq!(after.as_ref(), Err(&fault), "the guest is gone");
        fault
    }
}

pub(crate) fn says(client: u32, message: impl Into<MessagePayload>) -> Event {
    Event::Message { sender: ClientId(client), message: message.into() }
}

pub(crate) fn sent(recipient: impl Into<MessageRecipient>, message: impl Into<MessagePayload>) -> Effect {
    Effect::Message { recipient: recipient.into(), message: message.into() }
}

/// The hostile guest's answer to harmless commands.
pub(crate) fn here() -> Vec<Effect> {
    vec![sent(MessageRecipient::Broadcast, "here")]
}

/// Captures the log.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Log;

    fn make_writer(&'a self) -> Log {
        self.clone()
    }
}

impl Log {
    /// Captures this thread's log until the guard is dropped.
    pub(crate) fn begin(&self) -> tracing::subscriber::DefaultGuard {
        // A global subscriber prevents tracing from caching, for threads without a log, that no one is interested in a line.
        static SUBSCRIBER: Once = Once::new();
        SUBSCRIBER.call_once(|| {
            let nowhere = tracing_subscriber::fmt().with_writer(io::sink).finish();
            tracing::subscriber::set_global_default(nowhere).unwrap();
        });
        let subscriber = tracing_subscriber::fmt().with_writer(self.clone()).with_ansi(false).finish();
        tracing::subscriber::set_default(subscriber)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}
