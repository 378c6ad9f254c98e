//! Driving a service with event batches, and the default factory and test context.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers fail the test by panicking")]
use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use stateroom::{
    DefaultStateroomFactory,
    event_batch::{EventBatch, FinishedEvents},
    fault::FaultKind,
    messages::{Effect, Event},
    testing::TestContext,
    *,
};

/// A service with only the methods of 0.4.4.
#[derive(Default)]
struct Recorder {
    events: Vec<String>,
}

impl StateroomService for Recorder {
    fn init(&mut self, _: &impl StateroomContext) {
        self.events.push("init".into());
    }
    fn connect(&mut self, client: ClientId, _: &impl StateroomContext) {
        self.events.push(format!("connect {}", client.0));
    }
    fn disconnect(&mut self, client: ClientId, _: &impl StateroomContext) {
        self.events.push(format!("disconnect {}", client.0));
    }
    fn message(&mut self, client: ClientId, message: MessagePayload, context: &impl StateroomContext) {
        match message.text() {
            Some("panic") => panic!("requested by {}", client.0),
            Some("panic with a number") => std::panic::panic_any(7),
            Some(text) => context.send_message(client, text),
            None => context.set_timer(5),
        }
    }
    fn timer(&mut self, _: &impl StateroomContext) {
        self.events.push("timer".into());
    }
}

/// Returns the output of a future that is ready immediately, as a native service's is.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the future is not ready"),
    }
}

fn message(text: &str) -> Event {
    Event::Message { sender: ClientId(1), message: text.into() }
}

#[test]
fn events_reach_their_methods_in_order() {
    let mut recorder = Recorder::default();
    let batch = EventBatch::new([
        Event::Init,
        Event::Connect { client: ClientId(1) },
        Event::Timer,
        Event::Disconnect { client: ClientId(1) },
    ]);
    ready(recorder.deliver(&batch, &TestContext::default())).unwrap();
    assert_eq!(recorder.events, ["init", "connect 1", "timer", "disconnect 1"]);
    let mut finished = FinishedEvents::default();
    batch.take_finished(&mut finished);
    assert_eq!(finished.lengths, [0; 4]);
}

#[test]
fn a_panic_becomes_a_fault_and_later_events_stay_in_the_batch() {
    for (text, reason) in [("panic", "requested by 1"), ("panic with a number", "the panic has no message")] {
        let batch = EventBatch::new([message("one"), message(text), message("three")]);
        let context = TestContext::default();
        let fault = ready(Recorder::default().deliver(&batch, &context)).unwrap_err();
        assert_eq!((fault.kind(), fault.message()), (FaultKind::Panic, reason));
        assert_eq!(context.take_texts_for(ClientId(1)), ["one"]);
        assert_eq!(batch.next_event(), Some(message("three")));
        assert!(!fault.public_reason().contains(reason), "clients do not see the message of a panic");
    }
}

/// A context that collects effects by event, as a host's does.
#[derive(Clone, Default)]
struct CollectingContext(Arc<std::sync::Mutex<Vec<Effect>>>);

impl StateroomContext for CollectingContext {
    fn send_message(&self, recipient: impl Into<MessageRecipient>, message: impl Into<MessagePayload>) {
        self.0.lock().unwrap().push(Effect::Message { recipient: recipient.into(), message: message.into() });
    }
    fn set_timer(&self, ms_delay: u32) {
        self.0.lock().unwrap().push(Effect::SetTimer { ms_delay });
    }
    fn collect_effects<R>(&self, effects: &mut Vec<Effect>, call: impl FnOnce() -> R) -> R {
        let result = call();
        effects.append(&mut self.0.lock().unwrap());
        result
    }
}

#[test]
fn effects_are_released_by_event_except_those_of_the_failing_one() {
    let batch = EventBatch::new([message("one"), Event::Timer, message("two"), message("panic"), message("never")]);
    ready(Recorder::default().deliver(&batch, &CollectingContext::default())).unwrap_err();
    let mut finished = FinishedEvents::default();
    batch.take_finished(&mut finished);
    let sent = |text: &str| Effect::Message { recipient: ClientId(1).into(), message: text.into() };
    assert_eq!(finished.effects, [sent("one"), sent("two")]);
    assert_eq!(finished.lengths, [1, 0, 1]);
}

struct FailingFactory;

impl StateroomServiceFactory for FailingFactory {
    type Service = Recorder;
    type Error = String;

    fn build(&self, room_id: &str, _: Arc<impl StateroomContext>) -> Result<Recorder, String> {
        match room_id {
            "panic" => panic!("no such room"),
            room_id => Err(format!("{room_id} is closed")),
        }
    }
}

#[test]
fn a_factory_that_fails_or_panics_returns_a_fault() {
    let context = Arc::new(TestContext::default());
    let fault = |room_id| ready(FailingFactory.create(room_id, context.clone())).err().unwrap();
    assert_eq!(fault("a").to_string(), "build: \"a is closed\"");
    assert_eq!(fault("panic").to_string(), "build: no such room");
}

#[test]
fn the_default_factory_uses_default() {
    let factory = DefaultStateroomFactory::<Recorder>::default();
    assert!(factory.build("a", Arc::new(TestContext::default())).unwrap().events.is_empty());
}

#[test]
fn the_test_context_records_effects() {
    let context = TestContext::new("a room");
    assert_eq!(context.room_id(), "a room");
    context.clone().close_client(ClientId(2), 3000, "bye");
    context.set_timer(7);
    context.send_message(MessageRecipient::EveryoneExcept(ClientId(1)), "to others");
    assert_eq!(
        context.take(),
        [
            Effect::CloseClient { client: ClientId(2), code: 3000, reason: "bye".into() },
            Effect::SetTimer { ms_delay: 7 },
            Effect::Message { recipient: MessageRecipient::EveryoneExcept(ClientId(1)), message: "to others".into() },
        ]
    );
    context.send_message(MessageRecipient::EveryoneExcept(ClientId(1)), "to others");
    context.send_message(MessageRecipient::Broadcast, "to all");
    assert_eq!(context.texts_for(ClientId(2)), ["to others", "to all"]);
    assert_eq!(context.take_texts_for(ClientId(1)), ["to all"]);
    assert!(context.take().is_empty());
}

/// A context with only the methods of 0.4.4 compiles; the newer methods do nothing.
#[test]
fn newer_context_methods_have_defaults() {
    let context = CollectingContext::default();
    assert_eq!(context.room_id(), "");
    context.close_client(ClientId(1), 1000, "");
}
