//! Records of a service that runs here, natively.
use std::{future::Future, pin::pin, sync::Arc, task};

use stateroom::{
    ClientId, DefaultStateroomFactory, MessagePayload, MessageRecipient, StateroomContext, StateroomService,
    StateroomServiceFactory,
    event_batch::{EventBatch, FinishedEvents},
    messages::{Effect, Event},
    testing::{Room, TestContext},
};

use super::{Happened, Observed, Records, room::BYTES};

/// Counts, rings a minute after, and shows those out who want it.
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
            Some("leave") => context.close_client(client, 3000, "as you wish"),
            Some("fail") => panic!("told to"),
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

type Service = <Observed<DefaultStateroomFactory<Bell>> as StateroomServiceFactory>::Service;

/// Nothing here ever waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut task::Context::from_waker(task::Waker::noop())) {
        task::Poll::Ready(value) => value,
        task::Poll::Pending => panic!("it waits"),
    }
}

fn begin(records: &Arc<Records>) -> Service {
    begin_room(records, "a")
}

fn begin_room(records: &Arc<Records>, id: &str) -> Service {
    let factory = Observed::new(DefaultStateroomFactory::<Bell>::default(), Some(records.clone()));
    now(factory.create(id, Arc::new(Collecting::default()))).unwrap()
}

/// What the service asks for at these events, one list for each.
fn told(service: &mut Service, events: impl IntoIterator<Item = Event>) -> Vec<Vec<Effect>> {
    let turn = EventBatch::new(events);
    let context = Collecting::default();
    while !turn.is_empty() {
        if now(service.deliver(&turn, &context)).is_err() {
            break;
        }
    }
    let mut finished = FinishedEvents::default();
    turn.take_finished(&mut finished);
    let mut effects = finished.effects.into_iter();
    let mut from = 0;
    finished.ends.iter().map(|end| effects.by_ref().take(end - std::mem::replace(&mut from, *end)).collect()).collect()
}

/// A context that gives what was asked for to whoever collects it, as a room's does.
#[derive(Clone, Default)]
struct Collecting(TestContext);

impl StateroomContext for Collecting {
    fn send_message(&self, recipient: impl Into<MessageRecipient>, message: impl Into<MessagePayload>) {
        self.0.send_message(recipient, message);
    }

    fn set_timer(&self, ms_delay: u32) {
        self.0.set_timer(ms_delay);
    }

    fn close_client(&self, client: ClientId, code: u16, reason: &str) {
        self.0.close_client(client, code, reason);
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

fn says(sender: ClientId, text: &str) -> Event {
    Event::Message { sender, message: text.into() }
}

fn to(client: ClientId, text: &str) -> Effect {
    Effect::Message { recipient: client.into(), message: text.into() }
}

#[test]
fn what_is_asked_for_comes_out_event_by_event_and_is_written_down() {
    let records = Records::new();
    let mut service = begin(&records);
    let effects = told(&mut service, [Event::Init, connect(ANN), says(ANN, "x"), connect(BOB)]);
    assert_eq!(effects[0], []);
    assert_eq!(effects[1], [to(ANN, "count 0")]);
    assert_eq!(effects[2].len(), 2);
    assert_eq!(effects[3], [to(BOB, "count 1")]);
    let room = records.room("a").unwrap();
    let seen = room.seen();
    assert_eq!((seen.clients, seen.events, seen.lives), ([1, 2].into(), 4, true));
    let (entries, first) = room.after(0, 100);
    assert_eq!((entries.len(), first), (5, 1));
    assert!(matches!(entries[0].happened, Happened::Begin { generation: 1 }));
    drop(service);
    assert!(!room.seen().lives);
}

#[test]
fn what_fails_is_written_down_and_nothing_comes_of_it() {
    let records = Records::new();
    let mut service = begin(&records);
    assert_eq!(told(&mut service, [Event::Init, connect(ANN), says(ANN, "fail"), says(ANN, "x")]).len(), 2);
    let room = records.room("a").unwrap();
    let (entries, _) = room.after(3, 100);
    let [entry] = entries.as_slice() else { panic!("{entries:?}") };
    let Happened::Fault { event: Some(event), fault } = &entry.happened else { panic!("{entry:?}") };
    assert_eq!((event, fault.message(), fault.event()), (&says(ANN, "fail"), "told to", Some("message")));
    // And is not told to the next.
    records.begin_generation(true);
    drop(service);
    let mut service = begin(&records);
    assert_eq!(told(&mut service, [Event::Init, connect(BOB)])[1], [to(BOB, "count 0")]);
    assert!(
        room.after(4, 100)
            .0
            .iter()
            .any(|entry| matches!(&entry.happened, Happened::Restore { text } if text.contains("told to")))
    );
}

#[test]
fn what_was_told_is_told_again_and_only_news_reaches_anybody() {
    let records = Records::new();
    let mut service = begin(&records);
    told(&mut service, [Event::Init, connect(ANN), connect(BOB), says(ANN, "x"), says(ANN, "x")]);
    for count in [3, 4] {
        records.begin_generation(true);
        drop(service);
        service = begin(&records);
        let effects = told(&mut service, [Event::Init, connect(ANN), connect(BOB), says(BOB, "x")]);
        // The timer that was set is set again, with what is left of it.
        assert!(matches!(effects[0].as_slice(), [Effect::SetTimer { ms_delay: 59_000..=60_000 }]), "{effects:?}");
        assert_eq!(effects[1..3], [[], []], "they are there");
        let news = MessageRecipient::EveryoneExcept(BOB);
        let news = Effect::Message { recipient: news, message: format!("count {count}").into() };
        assert!(effects[3].contains(&news), "{effects:?}");
    }
    // Who left while nobody looked is gone, and who came is news.
    records.begin_generation(true);
    drop(service);
    service = begin(&records);
    let cleo = ClientId(3);
    let effects = told(&mut service, [Event::Init, connect(BOB), connect(cleo)]);
    let left = Effect::Message { recipient: MessageRecipient::Broadcast, message: "1 left".into() };
    assert!(effects[0].contains(&left), "{effects:?}");
    assert_eq!(effects[1..], [vec![], vec![to(cleo, "count 4")]]);
    assert_eq!(records.room("a").unwrap().seen().clients, [2, 3].into());
    // Without being asked to, nobody is told anything again.
    drop(service);
    records.begin_generation(false);
    assert_eq!(told(&mut begin(&records), [Event::Init, connect(BOB)])[1], [to(BOB, "count 0")]);
}

#[test]
fn what_has_happened_is_a_test_that_the_service_passes() {
    let records = Records::new();
    let mut service = begin(&records);
    let leaves = Event::Disconnect { client: ANN };
    let events = [
        Event::Init,
        connect(ANN),
        connect(BOB),
        says(BOB, "soon"),
        Event::Timer,
        leaves.clone(),
        connect(ANN),
        says(BOB, "leave"),
        Event::Disconnect { client: BOB },
        says(ANN, "x"),
    ];
    told(&mut service, events);
    let (script, is_whole) = records.room("a").unwrap().script();
    assert!(is_whole);
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
    // A service that does something else does not pass.
    assert!(script.run(&mut Room::of(|| Bell { count: 1 })).is_err());
}

#[test]
fn what_is_kept_is_bounded_and_the_oldest_is_dropped() {
    let records = Records::new();
    let mut service = begin(&records);
    told(&mut service, [Event::Init, connect(ANN)]);
    let large = "x".repeat(1 << 20);
    told(&mut service, (0..BYTES >> 20).map(|_| says(ANN, &large)));
    let room = records.room("a").unwrap();
    let (entries, first) = room.after(0, usize::MAX);
    assert!(first > 1 && entries.len() < 18, "{first} {}", entries.len());
    assert!(!room.script().1);
    records.begin_generation(true);
    drop(service);
    begin(&records);
    let (entries, _) = room.after(first, usize::MAX);
    let is_said =
        |entry: &Arc<super::Entry>| matches!(&entry.happened, Happened::Restore { text } if text.contains("too much"));
    assert!(entries.iter().any(is_said));
}

#[test]
fn a_room_that_has_ended_is_not_brought_back() {
    let records = Records::new();
    let mut service = begin(&records);
    told(&mut service, [Event::Init, connect(ANN), says(ANN, "x"), Event::Disconnect { client: ANN }]);
    drop(service);
    records.begin_generation(true);
    // Somebody joins a room of this name.
    assert_eq!(told(&mut begin(&records), [Event::Init, connect(ANN)])[1], [to(ANN, "count 0")]);
}

#[test]
fn each_entry_is_of_the_code_that_it_was_told_to() {
    let records = Records::new();
    let mut service = begin(&records);
    told(&mut service, [Event::Init]);
    records.begin_generation(false);
    // The old one, until it is exchanged.
    told(&mut service, [connect(ANN)]);
    drop(service);
    let mut service = begin(&records);
    told(&mut service, [Event::Init]);
    let (entries, _) = records.room("a").unwrap().after(0, 100);
    assert_eq!(entries.iter().map(|entry| entry.generation).collect::<Vec<_>>(), [1, 1, 1, 2, 2]);
}

#[test]
fn what_made_a_room_fail_is_in_the_test() {
    let records = Records::new();
    told(&mut begin(&records), [Event::Init, connect(ANN), connect(BOB), says(ANN, "fail")]);
    let (script, _) = records.room("a").unwrap().script();
    script.run(&mut Room::of(Bell::default)).unwrap();
    let text = script.to_test("recorded", "Room::of(Bell::default)");
    assert!(
        text.contains(
            "room.send(ann, \"fail\");\n    room.expect_closed(ann, 1011);\n    room.expect_closed(bob, 1011);"
        )
    );
}

#[test]
fn a_timer_that_was_fired_by_hand_is_so_in_the_test() {
    let records = Records::new();
    told(&mut begin(&records), [Event::Init, connect(ANN), Event::Timer, says(ANN, "x"), Event::Timer]);
    let (script, _) = records.room("a").unwrap().script();
    script.run(&mut Room::of(Bell::default)).unwrap();
    let text = script.to_test("recorded", "Room::of(Bell::default)");
    assert_eq!(text.matches("room.fire_timer();").count(), 2, "{text}");
}

#[test]
fn rooms_that_have_ended_make_space_first() {
    let records = Records::new();
    let large = "x".repeat(BYTES / 2);
    let fill = |id: &str| {
        let mut service = begin_room(&records, id);
        told(&mut service, [Event::Init, connect(ANN), says(ANN, &large)]);
        service
    };
    let living: Vec<Service> = (0..4).map(|room| fill(&format!("living {room}"))).collect();
    for room in 0..super::ALL_BYTES / BYTES * 2 {
        drop(fill(&format!("ended {room}")));
    }
    assert!(records.room("ended 0").is_none(), "the one that ended first");
    for room in 0..living.len() {
        assert!(records.room(&format!("living {room}")).unwrap().script().1, "living {room} has all of its history");
    }
}
