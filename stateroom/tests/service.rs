//! The way by which hosts drive any service: turns of events in, effects of finished events out.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in its helpers too")]
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

/// Written as for 0.4.4: knows nothing of the methods that came later.
#[derive(Default)]
struct Diary {
    heard: Vec<String>,
}

impl StateroomService for Diary {
    fn init(&mut self, _: &impl StateroomContext) {
        self.heard.push("init".into());
    }
    fn connect(&mut self, client: ClientId, _: &impl StateroomContext) {
        self.heard.push(format!("connect {}", client.0));
    }
    fn disconnect(&mut self, client: ClientId, _: &impl StateroomContext) {
        self.heard.push(format!("disconnect {}", client.0));
    }
    fn message(&mut self, client: ClientId, message: MessagePayload, ctx: &impl StateroomContext) {
        match message.text() {
            Some("panic") => panic!("as told by {}", client.0),
            Some("panic with a number") => std::panic::panic_any(7),
            Some(text) => ctx.send_message(client, text),
            None => ctx.set_timer(5),
        }
    }
    fn timer(&mut self, _: &impl StateroomContext) {
        self.heard.push("timer".into());
    }
}

/// A future that is ready at once, as that of a native service is.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

fn says(text: &str) -> Event {
    Event::Message { sender: ClientId(1), message: text.into() }
}

#[test]
fn each_event_reaches_its_method_in_order() {
    let mut diary = Diary::default();
    let turn = EventBatch::new([
        Event::Init,
        Event::Connect { client: ClientId(1) },
        Event::Timer,
        Event::Disconnect { client: ClientId(1) },
    ]);
    now(diary.deliver(&turn, &TestContext::default())).unwrap();
    assert_eq!(diary.heard, ["init", "connect 1", "timer", "disconnect 1"]);
    let mut finished = FinishedEvents::default();
    turn.take_finished(&mut finished);
    assert_eq!(finished.ends, [0; 4]);
}

#[test]
fn a_panic_is_a_fault_with_its_message_and_later_events_wait() {
    for (text, message) in [("panic", "as told by 1"), ("panic with a number", "the panic has no message")] {
        let turn = EventBatch::new([says("one"), says(text), says("three")]);
        let context = TestContext::default();
        let fault = now(Diary::default().deliver(&turn, &context)).unwrap_err();
        assert_eq!((fault.kind(), fault.message()), (FaultKind::Panic, message));
        assert_eq!(context.take_texts_for(ClientId(1)), ["one"]);
        assert_eq!(turn.next_event(), Some(says("three")));
        assert!(!fault.public_reason().contains(message), "what a panic says is not for clients");
    }
}

/// A context as a host has it: collects.
#[derive(Clone, Default)]
struct Collecting(Arc<std::sync::Mutex<Vec<Effect>>>);

impl StateroomContext for Collecting {
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
fn effects_come_out_by_event_and_none_of_the_failing_one() {
    let turn = EventBatch::new([says("one"), Event::Timer, says("two"), says("panic"), says("never")]);
    now(Diary::default().deliver(&turn, &Collecting::default())).unwrap_err();
    let mut finished = FinishedEvents::default();
    turn.take_finished(&mut finished);
    let message = |text: &str| Effect::Message { recipient: ClientId(1).into(), message: text.into() };
    assert_eq!(finished.effects, [message("one"), message("two")]);
    assert_eq!(finished.ends, [1, 1, 2]);
}

struct Broken;

impl StateroomServiceFactory for Broken {
    type Service = Diary;
    type Error = String;

    fn build(&self, room_id: &str, _: Arc<impl StateroomContext>) -> Result<Diary, String> {
        match room_id {
            "panic" => panic!("no such room"),
            room_id => Err(format!("{room_id} is closed")),
        }
    }
}

#[test]
fn a_factory_that_fails_or_panics_gives_a_fault() {
    let context = Arc::new(TestContext::default());
    let fault = |room_id| now(Broken.create(room_id, context.clone())).err().unwrap();
    assert_eq!(fault("a").to_string(), "build: \"a is closed\"");
    assert_eq!(fault("panic").to_string(), "build: no such room");
}

#[test]
fn the_default_factory_needs_no_more_than_a_default() {
    let factory = DefaultStateroomFactory::<Diary>::default();
    assert!(factory.build("a", Arc::new(TestContext::default())).unwrap().heard.is_empty());
}

#[test]
fn the_test_context_tells_what_was_asked_for() {
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

/// A context written as for 0.4.4 still compiles, and what came later does nothing on it.
#[test]
fn what_is_new_on_contexts_has_a_default() {
    let context = Collecting::default();
    assert_eq!(context.room_id(), "");
    context.close_client(ClientId(1), 1000, "");
}
