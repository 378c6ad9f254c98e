//! Numbers, tokens, the order of events, closes, faults.
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
    mpsc,
};

use stateroom::{
    details::ClientDetails,
    event_batch::EventBatch,
    fault::{Fault, FaultKind},
    http::Request,
    messages::Event,
    testing::Room,
    *,
};

use crate::{ANN, BOB, CLEO, Diary, room};

/// So that a program may keep rooms, and move them between threads.
const _: fn() = || {
    fn is_send<T: Send>() {}
    is_send::<Room<Diary>>();
};

#[test]
fn clients_are_numbered_as_they_come_and_hear_what_is_said() {
    let mut room = Room::of(Diary::default);
    let (ann, bob) = (room.connect(), room.connect());
    assert_eq!((ann, bob), (ANN, BOB));
    room.expect(ann, ["1 comes", "2 comes"]);
    room.expect(bob, ["2 comes"]);
    room.send(bob, "to 1 psst");
    room.expect(ann, ["psst"]);
    room.expect_nothing(bob);
    room.disconnect(ann);
    room.expect_nothing(ann);
    room.expect(bob, ["1 goes"]);
    assert_eq!(room.clients(), [bob]);
    room.send(ann, "is not here");
    room.disconnect(ann);
    room.send(bob, "to 1 psst");
    room.expect_nothing_more();
    assert_eq!(room.connect(), CLEO);
}

#[test]
fn bytes_and_texts_come_as_they_are_and_stay_after_they_are_taken() {
    let mut room = room(1);
    room.send(ANN, b"\x00\xff");
    room.send(ANN, "text");
    assert_eq!(room.messages(ANN).len(), 3);
    assert_eq!(room.take(ANN), [MessagePayload::from(b"\x00\xff"), "text".into()]);
    room.expect_nothing(ANN);
    room.send(ANN, b"bytes");
    assert_eq!(room.take_bytes(ANN), [b"bytes"]);
    room.send(ANN, "again");
    assert_eq!(room.take_texts(ANN), ["again"]);
    assert_eq!(room.messages(ANN).len(), 5);
    assert!(room.messages(ClientId(9)).is_empty());
}

#[test]
fn a_token_brings_back_its_number_and_details_reach_the_service() {
    let mut room = Room::of(Diary::default);
    let ann = room.connect_with_token("ann's");
    let bob = room.connect_with_token("bob's");
    room.disconnect(ann);
    let mut details = ClientDetails::default();
    details.subject = Some("Ann".into());
    assert_eq!(room.connect_as(Some("ann's"), details.clone()), ann);
    assert_eq!(room.connect_with(details), CLEO);
    room.expect(bob, ["2 comes", "1 goes", "1 comes as Ann", "3 comes as Ann"]);
}

#[test]
fn a_token_in_use_has_the_older_connection_make_way() {
    let mut room = Room::of(Diary::default);
    let ann = room.connect_with_token("ann's");
    let bob = room.connect();
    assert_eq!(room.connect_with_token("ann's"), ann);
    // What is said at its leaving reaches neither the one that goes nor the one that is yet to come.
    room.expect(ann, ["1 comes", "2 comes", "1 comes"]);
    room.expect(bob, ["2 comes", "1 goes", "1 comes"]);
    room.expect_closed(ann, 4000);
    assert_eq!(room.clients(), [ann, bob]);
    room.disconnect(ann);
    room.expect(bob, ["1 goes"]);
}

#[test]
fn who_is_closed_gets_what_was_sent_before_and_nothing_after() {
    let mut room = room(2);
    room.send(ANN, "close 2 4321");
    room.expect(BOB, ["last words"]);
    room.expect(ANN, ["last words", "to those who stay", "2 goes"]);
    assert_eq!(room.closed(BOB).unwrap().to_string(), r#"4321 "so it was said""#);
    assert_eq!(room.closed(ANN), None);
    assert_eq!(room.clients(), [ANN]);
    room.send(ANN, "close 1 1011");
    room.expect_closed(ANN, 1000);
}

#[test]
fn a_fault_releases_nothing_closes_everybody_and_ends_the_room() {
    let mut room = room(2);
    room.send(ANN, "timer 5");
    room.send(ANN, "panic");
    let fault = room.fault().unwrap();
    assert_eq!((fault.kind(), fault.message(), fault.event()), (FaultKind::Panic, "as told by 1", Some("message")));
    room.expect_nothing_more();
    for client in [ANN, BOB] {
        room.expect_closed(client, 1011);
        assert_eq!(room.closed(client).unwrap().reason, "the room's service failed (panic)");
    }
    assert_eq!((room.clients(), room.timer()), (vec![], None));
    assert_eq!(room.call("lines"), None);
    room.advance(std::time::Duration::from_secs(1));
    room.send(ANN, "hello?");

    assert_eq!(room.connect(), ANN);
    room.expect_no_fault();
    assert_eq!(room.faults(), 1);
    room.expect(ANN, ["1 comes"]);
    assert_eq!(room.service().lines, 1);
}

#[test]
fn who_is_about_to_join_when_the_service_fails_is_closed_as_well() {
    let mut room = room(1);
    let mut details = ClientDetails::default();
    details.query.push(("panic".into(), String::new()));
    let bob = room.connect_with(details);
    assert_eq!(bob, BOB);
    room.expect_closed(ANN, 1011);
    room.expect_closed(bob, 1011);
}

#[test]
fn a_room_that_cannot_begin_closes_whoever_comes() {
    let tries = Arc::new(AtomicU32::new(0));
    let mut room: Room<Diary> = Room::of(move || match tries.fetch_add(1, Ordering::Relaxed) {
        0 | 1 => panic!("not yet"),
        _ => Diary::default(),
    });
    assert_eq!(room.fault().unwrap().kind(), FaultKind::Build);
    let ann = room.connect();
    room.expect_closed(ann, 1011);
    assert_eq!(room.request(Request::new("GET", "/lines")), None);
    assert_eq!(room.request(Request::new("POST", "/lines")).unwrap().body, b"0", "that one has a room begin");
}

#[test]
fn calls_and_requests_are_answered_after_what_they_ask_for() {
    let mut room = room(1);
    assert_eq!(room.call("lines"), Some("2".into()));
    assert_eq!(room.call("anything else"), None);
    room.expect(ANN, ["call", "call"]);
    assert_eq!(room.request(Request::new("GET", "/lines?all")).unwrap().body, b"3");
    assert_eq!(room.request(Request::new("GET", "/")), None);
}

#[test]
fn a_server_that_stops_says_so_and_then_each_leaves() {
    let mut room = room(3);
    room.send(ANN, "close 2 3000");
    room.expect(CLEO, ["last words", "to those who stay", "2 goes"]);
    room.shutdown();
    room.expect(CLEO, ["the end", "1 goes"]);
    room.expect_closed(CLEO, 1012);
    room.expect_closed(BOB, 3000);
    assert_eq!(room.clients(), []);
    assert_eq!(room.connect(), ANN, "a fresh room");
}

#[test]
fn what_is_asked_outside_of_events_is_done_when_the_room_is_next_looked_at() {
    struct Threaded(Mutex<mpsc::Sender<Box<dyn FnOnce() + Send>>>);
    impl StateroomService for Threaded {
        fn connect(&mut self, client: ClientId, context: &impl StateroomContext) {
            let context = context.clone();
            let say = move || context.send_message(client, format!("from afar, in {}", context.room_id()));
            self.0.lock().unwrap().send(Box::new(say)).unwrap();
        }
    }
    let (sender, receiver) = mpsc::channel();
    let mut room = Room::named("lobby", move || Threaded(Mutex::new(sender.clone())));
    let ann = room.connect();
    room.expect_nothing(ann);
    std::thread::spawn(move || (receiver.recv().unwrap())()).join().unwrap();
    room.expect(ann, ["from afar, in lobby"]);
}

/// Waits in each event, and fails by itself, as a compiled module does.
struct Slow;

impl StateroomService for Slow {
    async fn deliver(&mut self, turn: &EventBatch, _: &impl StateroomContext) -> Result<(), Fault> {
        while let Some(event) = turn.next_event() {
            let mut waited = false;
            std::future::poll_fn(|context| {
                context.waker().wake_by_ref();
                if std::mem::replace(&mut waited, true) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
            })
            .await;
            if let Event::Timer = event {
                return Err(Fault::new(FaultKind::CpuBudget, "more than 10 ms of processor time"));
            }
            turn.finish_event(&mut vec![messages::Effect::SetTimer { ms_delay: 7 }]);
        }
        Ok(())
    }
}

struct Slows;

impl StateroomServiceFactory for Slows {
    type Service = Slow;
    type Error = Fault;

    fn build(&self, room_id: &str, _: Arc<impl StateroomContext>) -> Result<Slow, Fault> {
        if room_id == "full" { Err(Fault::new(FaultKind::NoSpace, "")) } else { Ok(Slow) }
    }

    async fn create(&self, room_id: &str, context: Arc<impl StateroomContext>) -> Result<Slow, Fault> {
        self.build(room_id, context)
    }
}

#[test]
fn a_service_that_takes_its_time_and_fails_by_itself_is_driven_as_well() {
    let mut room = Room::from_factory("slow", Slows);
    let ann = room.connect();
    room.advance(std::time::Duration::from_millis(7));
    assert_eq!(room.fault().unwrap().kind(), FaultKind::CpuBudget);
    assert_eq!(room.closed(ann).unwrap().reason, "more than 10 ms of processor time");

    let mut full = Room::from_factory("full", Slows);
    let ann = full.connect();
    full.expect_closed(ann, 1013);
}
