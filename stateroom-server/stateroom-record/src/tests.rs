//! Records of a native service.
mod times;

use std::{future::Future, pin::pin, sync::Arc, task, time::Duration};

use stateroom::{
    ClientId, DefaultStateroomFactory, MessagePayload, MessageRecipient, StateroomContext, StateroomService,
    StateroomServiceFactory,
    event_batch::{EventBatch, FinishedEvents},
    messages::{Effect, Event},
    testing::{Room, TestContext},
};
use tracing_subscriber::layer::SubscriberExt;

use crate::{Entry, GuestLogLayer, RecordKind, RecordLimits, RecordedFactory, RecordedService, Recorder};

/// Counts messages, rings a minute after the last one, and closes clients on request.
#[derive(Default)]
struct Bell {
    count: u32,
}

impl StateroomService for Bell {
    fn connect(&mut self, client: ClientId, context: &impl StateroomContext) {
        context.send_message(client, format!("count {}", self.count));
    }

    fn message(&mut self, client: ClientId, message: MessagePayload, context: &impl StateroomContext) {
        match message.text() {
            Some("leave") => context.close_client(client, 3000, "on request"),
            Some("fail") => panic!("on request"),
            _ => {
                self.count += 1;
                context.set_timer(if message.text() == Some("soon") { 1 } else { 60_000 });
                context.send_message(MessageRecipient::EveryoneExcept(client), format!("count {}", self.count));
            }
        }
    }

    fn disconnect(&mut self, client: ClientId, context: &impl StateroomContext) {
        context.send_message(MessageRecipient::Broadcast, format!("{} left", client.0));
    }

    fn timer(&mut self, context: &impl StateroomContext) {
        context.send_message(MessageRecipient::Broadcast, "ring");
    }
}

type Service = <RecordedFactory<DefaultStateroomFactory<Bell>> as StateroomServiceFactory>::Service;

/// Completes a future that never waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut task::Context::from_waker(task::Waker::noop())) {
        task::Poll::Ready(value) => value,
        task::Poll::Pending => panic!("the future waits"),
    }
}

fn start(recorder: &Recorder) -> Service {
    start_room(recorder, "a")
}

fn start_room(recorder: &Recorder, id: &str) -> Service {
    let factory = recorder.wrap(DefaultStateroomFactory::<Bell>::default());
    now(factory.create(id, Arc::new(EffectCollector::default()))).unwrap()
}

/// Delivers events to a service and returns the effects of each.
fn deliver(service: &mut Service, events: impl IntoIterator<Item = Event>) -> Vec<Vec<Effect>> {
    let batch = EventBatch::new(events);
    let context = EffectCollector::default();
    while !batch.is_empty() {
        if now(service.deliver(&batch, &context)).is_err() {
            break;
        }
    }
    let mut finished = FinishedEvents::default();
    batch.take_finished(&mut finished);
    finished.lengths.iter().map(|length| finished.effects.drain(..length).collect()).collect()
}

/// A context whose effects are collected by event, as those of a room are.
#[derive(Clone, Default)]
struct EffectCollector(TestContext);

impl StateroomContext for EffectCollector {
    fn send_message(&self, recipient: impl Into<MessageRecipient>, message: impl Into<MessagePayload>) {
        self.0.send_message(recipient, message);
    }

    fn set_timer(&self, ms_delay: u32) {
        self.0.set_timer(ms_delay);
    }

    fn close_client(&self, client: ClientId, code: u16, reason: &str) {
        self.0.close_client(client, code, reason);
    }

    fn end_room(&self) {
        self.0.end_room();
    }

    fn now(&self) -> Duration {
        self.0.now()
    }

    fn collect_effects<R>(&self, effects: &mut Vec<Effect>, call: impl FnOnce() -> R) -> R {
        let result = call();
        effects.extend(self.0.take());
        result
    }
}

const ANN: ClientId = ClientId(1);
const BOB: ClientId = ClientId(2);

fn connect(client: ClientId) -> Event {
    Event::Connect { client }
}

fn message(sender: ClientId, text: &str) -> Event {
    Event::Message { sender, message: text.into() }
}

fn to(client: ClientId, text: &str) -> Effect {
    Effect::Message { recipient: client.into(), message: text.into() }
}

#[test]
fn effects_are_returned_by_event_and_recorded() {
    let recorder = Recorder::new(RecordLimits::default());
    let mut service = start(&recorder);
    let effects = deliver(&mut service, [Event::Init, connect(ANN), message(ANN, "x"), connect(BOB)]);
    assert_eq!(effects[0], []);
    assert_eq!(effects[1], [to(ANN, "count 0")]);
    assert_eq!(effects[2].len(), 2);
    assert_eq!(effects[3], [to(BOB, "count 1")]);
    let room = recorder.room("a").unwrap();
    let summary = room.summary();
    assert_eq!((summary.clients, summary.events, summary.is_running), ([ANN, BOB].into(), 4, true));
    let range = room.entries_after(0, 100);
    assert_eq!((range.entries.len(), range.first_kept), (5, 1));
    assert!(matches!(range.entries[0].kind, RecordKind::Start) && range.entries[0].generation == 1);
    drop(service);
    assert!(!room.summary().is_running);
}

#[test]
fn a_fault_is_recorded_without_effects_and_not_replayed() {
    let recorder = Recorder::new(RecordLimits::default());
    let mut service = start(&recorder);
    assert_eq!(deliver(&mut service, [Event::Init, connect(ANN), message(ANN, "fail"), message(ANN, "x")]).len(), 2);
    let room = recorder.room("a").unwrap();
    let entries = room.entries_after(3, 100).entries;
    let [entry] = entries.as_slice() else { panic!("{entries:?}") };
    let RecordKind::Fault { event: Some(event), fault } = &entry.kind else { panic!("{entry:?}") };
    assert_eq!((event, fault.message(), fault.event()), (&message(ANN, "fail"), "on request", Some("message")));
    // It is not replayed.
    recorder.begin_generation(true);
    drop(service);
    let mut service = start(&recorder);
    assert_eq!(deliver(&mut service, [Event::Init, connect(BOB)])[1], [to(BOB, "count 0")]);
    assert!(
        room.entries_after(4, 100)
            .entries
            .iter()
            .any(|entry| matches!(&entry.kind, RecordKind::Restore { text } if text.contains("on request")))
    );
}

#[test]
fn a_replay_restores_state_and_timer_without_sending_again() {
    let recorder = Recorder::new(RecordLimits::default());
    let mut service = start(&recorder);
    deliver(&mut service, [Event::Init, connect(ANN), connect(BOB), message(ANN, "x"), message(ANN, "x")]);
    for count in [3, 4] {
        recorder.begin_generation(true);
        drop(service);
        service = start(&recorder);
        let effects = deliver(&mut service, [Event::Init, connect(ANN), connect(BOB), message(BOB, "x")]);
        // The timer is set to the time that is left.
        assert!(matches!(effects[0].as_slice(), [Effect::SetTimer { ms_delay: 59_000..=60_000 }]), "{effects:?}");
        assert_eq!(effects[1..3], [[], []], "the service knows both clients");
        let recipient = MessageRecipient::EveryoneExcept(BOB);
        let expected = Effect::Message { recipient, message: format!("count {count}").into() };
        assert!(effects[3].contains(&expected), "{effects:?}");
    }
    // A client that left between the two services is disconnected, and one that joined is connected.
    recorder.begin_generation(true);
    drop(service);
    service = start(&recorder);
    let cleo = ClientId(3);
    let effects = deliver(&mut service, [Event::Init, connect(BOB), connect(cleo)]);
    let left = Effect::Message { recipient: MessageRecipient::Broadcast, message: "1 left".into() };
    assert!(effects[0].contains(&left), "{effects:?}");
    assert_eq!(effects[1..], [vec![], vec![to(cleo, "count 4")]]);
    assert_eq!(recorder.room("a").unwrap().summary().clients, [BOB, cleo].into());
    // Without a replay, the service starts fresh.
    drop(service);
    recorder.begin_generation(false);
    assert_eq!(deliver(&mut start(&recorder), [Event::Init, connect(BOB)])[1], [to(BOB, "count 0")]);
}

/// Keeps its context and the time of each message, and reports them by request.
#[derive(Default)]
struct Diary {
    times: Vec<Duration>,
}

impl StateroomService for Diary {
    fn message(&mut self, _: ClientId, _: MessagePayload, context: &impl StateroomContext) {
        assert_eq!(context.now(), context.clone().now(), "it is that of the event");
        self.times.push(context.now());
    }

    fn call(&mut self, _: MessagePayload, _: &impl StateroomContext) -> Option<MessagePayload> {
        Some(format!("{:?}", self.times).into())
    }
}

#[test]
fn a_service_sees_the_recorded_time_live_and_in_a_replay() {
    let recorder = Recorder::new(RecordLimits::default());
    let context = EffectCollector::default();
    let start = || {
        now(recorder.wrap(DefaultStateroomFactory::<Diary>::default()).create("a", Arc::new(context.clone()))).unwrap()
    };
    let times = |service: &mut RecordedService<Diary>| {
        let batch = EventBatch::new([Event::Call { message: "times".into() }]);
        now(service.deliver(&batch, &context)).unwrap();
        let mut finished = FinishedEvents::default();
        batch.take_finished(&mut finished);
        finished.effects
    };
    let mut service = start();
    for event in [Event::Init, connect(ANN), message(ANN, "x"), message(ANN, "y")] {
        now(service.deliver(&EventBatch::new([event]), &context)).unwrap();
        context.0.advance(Duration::from_nanos(1_234_567_891));
    }
    let live = times(&mut service);
    let entries = recorder.room("a").unwrap().entries_after(0, 100).entries;
    let recorded: Vec<_> = entries
        .iter()
        .filter(|entry| matches!(entry.kind, RecordKind::Event { event: Event::Message { .. }, .. }))
        .map(|entry| crate::event_time::from_unix_ms(entry.unix_ms))
        .collect();
    assert_eq!(live, [Effect::Answer { message: format!("{recorded:?}").into() }]);

    context.0.advance(Duration::from_secs(1000));
    recorder.begin_generation(true);
    drop(service);
    let mut service = start();
    now(service.deliver(&EventBatch::new([Event::Init]), &context)).unwrap();
    assert_eq!(times(&mut service), live);
}

#[test]
fn the_exported_script_passes_for_the_same_service() {
    let recorder = Recorder::new(RecordLimits::default());
    let mut service = start(&recorder);
    let leaves = Event::Disconnect { client: ANN };
    let events = [
        Event::Init,
        connect(ANN),
        connect(BOB),
        message(BOB, "soon"),
        Event::Timer,
        leaves.clone(),
        connect(ANN),
        message(BOB, "leave"),
        Event::Disconnect { client: BOB },
        message(ANN, "x"),
    ];
    deliver(&mut service, events);
    let recorded = recorder.room("a").unwrap().script();
    assert!(recorded.is_complete);
    let script = recorded.script;
    script.run(&mut Room::of(Bell::default)).unwrap();
    let text = script.to_test("recorded", "Room::of(Bell::default)");
    for line in [
        "let ann = room.connect_with_token(\"token 1\");",
        "room.expect(ann, [\"count 0\"]);",
        "room.advance(1.millisecond());",
        "room.expect(bob, [\"ring\"]);",
        "room.expect_closed(bob, 3000);",
    ] {
        assert!(text.contains(line), "{line} of {text}");
    }
    assert!(!text.contains("room.disconnect(bob)"), "{text}");
    // Another service does not pass.
    assert!(script.run(&mut Room::of(|| Bell { count: 1 })).is_err());
}

#[test]
fn a_full_record_drops_its_oldest_entries() {
    let recorder = Recorder::new(RecordLimits::default().with_room_bytes(16 << 10));
    let mut service = start(&recorder);
    deliver(&mut service, [Event::Init, connect(ANN)]);
    let large = "x".repeat(1 << 10);
    deliver(&mut service, (0..16).map(|_| message(ANN, &large)));
    let room = recorder.room("a").unwrap();
    let range = room.entries_after(0, usize::MAX);
    assert!(range.first_kept > 1 && range.entries.len() < 18, "{} {}", range.first_kept, range.entries.len());
    assert!(!room.script().is_complete);
    recorder.begin_generation(true);
    drop(service);
    start(&recorder);
    let is_reported =
        |entry: &Arc<Entry>| matches!(&entry.kind, RecordKind::Restore { text } if text.contains("no longer kept"));
    assert!(room.entries_after(range.first_kept, usize::MAX).entries.iter().any(is_reported));
}

#[test]
fn entries_and_rooms_are_bounded_in_number() {
    let recorder = Recorder::new(RecordLimits::default().with_room_entries(3).with_rooms(1));
    let mut service = start(&recorder);
    deliver(&mut service, [Event::Init, connect(ANN), connect(BOB), message(ANN, "x")]);
    let room = recorder.room("a").unwrap();
    assert_eq!(room.entries_after(0, 100).entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [3, 4, 5]);
    let _unrecorded = start_room(&recorder, "b");
    assert!(recorder.room("b").is_none(), "the first room is running");
    drop(service);
    let _service = start_room(&recorder, "b");
    assert!(recorder.room("a").is_none() && room.is_evicted() && recorder.room("b").is_some());
}

#[test]
fn lines_of_guests_are_recorded_in_their_room() {
    let recorder = Recorder::new(RecordLimits::default());
    let _service = start(&recorder);
    let layer = GuestLogLayer::new();
    layer.attach(&recorder);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        tracing::info!(target: "stateroom::guest", room = "a", "a line");
        tracing::info!(target: "stateroom::guest", room = "b", "of another room");
        tracing::info!(room = "a", "of the host");
    });
    let entries = recorder.room("a").unwrap().entries_after(1, 100).entries;
    let [entry] = entries.as_slice() else { panic!("{entries:?}") };
    assert!(matches!(&entry.kind, RecordKind::Log { text } if text == "a line"), "{entry:?}");
}

#[test]
fn a_factory_without_a_recorder_records_nothing() {
    let recorder = Recorder::new(RecordLimits::default());
    let factory = RecordedFactory::new(DefaultStateroomFactory::<Bell>::default(), None);
    let mut service: Service = now(factory.create("a", Arc::new(EffectCollector::default()))).unwrap();
    assert_eq!(deliver(&mut service, [Event::Init, connect(ANN)])[1], [to(ANN, "count 0")]);
    assert!(recorder.rooms().is_empty());
}

#[test]
fn an_ended_room_is_not_replayed() {
    let recorder = Recorder::new(RecordLimits::default());
    let mut service = start(&recorder);
    deliver(&mut service, [Event::Init, connect(ANN), message(ANN, "x"), Event::Disconnect { client: ANN }]);
    drop(service);
    recorder.begin_generation(true);
    // Another room of the same ID.
    assert_eq!(deliver(&mut start(&recorder), [Event::Init, connect(ANN)])[1], [to(ANN, "count 0")]);
}

#[test]
fn entries_have_the_generation_of_the_code_that_handled_them() {
    let recorder = Recorder::new(RecordLimits::default());
    let mut service = start(&recorder);
    deliver(&mut service, [Event::Init]);
    recorder.begin_generation(false);
    // The old code handles events until it is replaced.
    deliver(&mut service, [connect(ANN)]);
    drop(service);
    let mut service = start(&recorder);
    deliver(&mut service, [Event::Init]);
    let entries = recorder.room("a").unwrap().entries_after(0, 100).entries;
    assert_eq!(entries.iter().map(|entry| entry.generation).collect::<Vec<_>>(), [1, 1, 1, 2, 2]);
}

#[test]
fn the_exported_script_contains_the_fault() {
    let recorder = Recorder::new(RecordLimits::default());
    deliver(&mut start(&recorder), [Event::Init, connect(ANN), connect(BOB), message(ANN, "fail")]);
    let script = recorder.room("a").unwrap().script().script;
    script.run(&mut Room::of(Bell::default)).unwrap();
    let text = script.to_test("recorded", "Room::of(Bell::default)");
    assert!(
        text.contains(
            "room.send(ann, \"fail\");\n    room.expect_closed(ann, 1011);\n    room.expect_closed(bob, 1011);"
        )
    );
}

#[test]
fn the_exported_script_fires_timers_that_were_fired_by_hand() {
    let recorder = Recorder::new(RecordLimits::default());
    deliver(&mut start(&recorder), [Event::Init, connect(ANN), Event::Timer, message(ANN, "x"), Event::Timer]);
    let script = recorder.room("a").unwrap().script().script;
    script.run(&mut Room::of(Bell::default)).unwrap();
    let text = script.to_test("recorded", "Room::of(Bell::default)");
    assert_eq!(text.matches("room.fire_timer();").count(), 2, "{text}");
}

#[test]
fn ended_rooms_are_evicted_first() {
    const ROOM_BYTES: usize = 64 << 10;
    const ROOMS: usize = 16;
    let limits = RecordLimits::default().with_room_bytes(ROOM_BYTES).with_total_bytes(ROOMS * ROOM_BYTES);
    let recorder = Recorder::new(limits);
    let large = "x".repeat(ROOM_BYTES / 2);
    let fill = |id: &str| {
        let mut service = start_room(&recorder, id);
        deliver(&mut service, [Event::Init, connect(ANN), message(ANN, &large)]);
        service
    };
    let running: Vec<Service> = (0..4).map(|room| fill(&format!("running {room}"))).collect();
    for room in 0..ROOMS * 2 {
        drop(fill(&format!("ended {room}")));
    }
    assert!(recorder.room("ended 0").is_none(), "the room that ended first is evicted");
    for room in 0..running.len() {
        let record = recorder.room(&format!("running {room}")).unwrap();
        assert!(record.script().is_complete, "running {room} keeps its history");
    }
}
