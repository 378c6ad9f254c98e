//! Client IDs, tokens, the order of events, closed clients, faults.
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

use crate::{ANN, BOB, CLEO, Chat, room};

/// Rooms can be moved between threads.
const _: fn() = || {
    fn is_send<T: Send>() {}
    is_send::<Room<Chat>>();
};

#[test]
fn assigns_sequential_ids_and_delivers_messages() {
    let mut room = Room::of(Chat::default);
    let (ann, bob) = (room.connect(), room.connect());
    assert_eq!((ann, bob), (ANN, BOB));
    room.expect(ann, ["1 joined", "2 joined"]);
    room.expect(bob, ["2 joined"]);
    room.send(bob, "to 1 psst");
    room.expect(ann, ["psst"]);
    room.expect_nothing(bob);
    room.disconnect(ann);
    room.expect_nothing(ann);
    room.expect(bob, ["1 left"]);
    assert_eq!(room.clients(), [bob]);
    room.send(ann, "absent");
    room.disconnect(ann);
    room.send(bob, "to 1 psst");
    room.expect_nothing_more();
    assert_eq!(room.connect(), CLEO);
}

#[test]
fn delivers_binary_and_text_messages_and_keeps_taken_ones() {
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
fn a_token_returns_its_id_and_details_reach_the_service() {
    let mut room = Room::of(Chat::default);
    let ann = room.connect_with_token("ann's");
    let bob = room.connect_with_token("bob's");
    room.disconnect(ann);
    let mut details = ClientDetails::default();
    details.subject = Some("Ann".into());
    assert_eq!(room.connect_as(Some("ann's"), details.clone()), ann);
    assert_eq!(room.connect_with(details), CLEO);
    room.expect(bob, ["2 joined", "1 left", "1 joined as Ann", "3 joined as Ann"]);
}

#[test]
fn a_token_in_use_replaces_the_older_connection() {
    let mut room = Room::of(Chat::default);
    let ann = room.connect_with_token("ann's");
    let bob = room.connect();
    assert_eq!(room.connect_with_token("ann's"), ann);
    // The broadcast in `disconnect` reaches neither the old nor the new connection.
    room.expect(ann, ["1 joined", "2 joined", "1 joined"]);
    room.expect(bob, ["2 joined", "1 left", "1 joined"]);
    room.expect_closed(ann, 4000);
    assert_eq!(room.clients(), [ann, bob]);
    room.disconnect(ann);
    room.expect(bob, ["1 left"]);
}

#[test]
fn a_closed_client_receives_earlier_messages_only() {
    let mut room = room(2);
    room.send(ANN, "close 2 4321");
    room.expect(BOB, ["before the close"]);
    room.expect(ANN, ["before the close", "after the close", "2 left"]);
    assert_eq!(room.closed(BOB).unwrap().to_string(), r#"4321 "requested""#);
    assert_eq!(room.closed(ANN), None);
    assert_eq!(room.clients(), [ANN]);
    room.send(ANN, "close 1 1011");
    room.expect_closed(ANN, 1000);
}

#[test]
fn a_fault_discards_effects_closes_all_clients_and_ends_the_room() {
    let mut room = room(2);
    room.send(ANN, "timer 5");
    room.send(ANN, "panic");
    let fault = room.fault().unwrap();
    assert_eq!((fault.kind(), fault.message(), fault.event()), (FaultKind::Panic, "requested by 1", Some("message")));
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
    room.expect(ANN, ["1 joined"]);
    assert_eq!(room.service().lines, 1);
}

#[test]
fn a_fault_in_connect_also_closes_the_joining_client() {
    let mut room = room(1);
    let mut details = ClientDetails::default();
    details.query.push(("panic".into(), String::new()));
    let bob = room.connect_with(details);
    assert_eq!(bob, BOB);
    room.expect_closed(ANN, 1011);
    room.expect_closed(bob, 1011);
}

#[test]
fn a_room_that_fails_to_start_closes_joining_clients() {
    let tries = Arc::new(AtomicU32::new(0));
    let mut room: Room<Chat> = Room::of(move || match tries.fetch_add(1, Ordering::Relaxed) {
        0 | 1 => panic!("not yet"),
        _ => Chat::default(),
    });
    assert_eq!(room.fault().unwrap().kind(), FaultKind::Build);
    let ann = room.connect();
    room.expect_closed(ann, 1011);
    assert_eq!(room.request(Request::new("GET", "/lines")), None);
    assert_eq!(
        room.request(Request::new("POST", "/lines")).unwrap().body,
        b"0",
        "a request that is not safe starts a room"
    );
}

#[test]
fn answers_calls_and_requests_after_their_effects() {
    let mut room = room(1);
    assert_eq!(room.call("lines"), Some("2".into()));
    assert_eq!(room.call("anything else"), None);
    room.expect(ANN, ["call", "call"]);
    assert_eq!(room.request(Request::new("GET", "/lines?all")).unwrap().body, b"3");
    assert_eq!(room.request(Request::new("GET", "/")), None);
}

#[test]
fn shutdown_is_delivered_before_each_disconnect() {
    let mut room = room(3);
    room.send(ANN, "close 2 3000");
    room.expect(CLEO, ["before the close", "after the close", "2 left"]);
    room.shutdown();
    room.expect(CLEO, ["shutdown", "1 left"]);
    room.expect_closed(CLEO, 1012);
    room.expect_closed(BOB, 3000);
    assert_eq!(room.clients(), []);
    assert_eq!(room.connect(), ANN, "a fresh room");
}

#[test]
fn effects_outside_of_events_are_applied_on_the_next_access() {
    struct Threaded(Mutex<mpsc::Sender<Box<dyn FnOnce() + Send>>>);
    impl StateroomService for Threaded {
        fn connect(&mut self, client: ClientId, context: &impl StateroomContext) {
            let context = context.clone();
            let send = move || context.send_message(client, format!("from a thread, in {}", context.room_id()));
            self.0.lock().unwrap().send(Box::new(send)).unwrap();
        }
    }
    let (sender, receiver) = mpsc::channel();
    let mut room = Room::named("lobby", move || Threaded(Mutex::new(sender.clone())));
    let ann = room.connect();
    room.expect_nothing(ann);
    std::thread::spawn(move || (receiver.recv().unwrap())()).join().unwrap();
    room.expect(ann, ["from a thread, in lobby"]);
}

/// Yields in each event and returns faults, as a compiled module does.
struct AsyncService;

impl StateroomService for AsyncService {
    async fn deliver(&mut self, batch: &EventBatch, _: &impl StateroomContext) -> Result<(), Fault> {
        while let Some(event) = batch.next_event() {
            let mut has_yielded = false;
            std::future::poll_fn(|context| {
                context.waker().wake_by_ref();
                if std::mem::replace(&mut has_yielded, true) {
                    std::task::Poll::Ready(())
                } else {
                    std::task::Poll::Pending
                }
            })
            .await;
            if let Event::Timer = event {
                return Err(Fault::new(FaultKind::CpuBudget, "more than 10 ms of processor time"));
            }
            batch.finish_event(&mut vec![messages::Effect::SetTimer { ms_delay: 7 }]);
        }
        Ok(())
    }
}

struct AsyncFactory;

impl StateroomServiceFactory for AsyncFactory {
    type Service = AsyncService;
    type Error = Fault;

    fn build(&self, room_id: &str, _: Arc<impl StateroomContext>) -> Result<AsyncService, Fault> {
        if room_id == "full" { Err(Fault::new(FaultKind::NoSpace, "")) } else { Ok(AsyncService) }
    }

    async fn create(&self, room_id: &str, context: Arc<impl StateroomContext>) -> Result<AsyncService, Fault> {
        self.build(room_id, context)
    }
}

#[test]
fn drives_a_service_that_yields_and_returns_faults() {
    let mut room = Room::from_factory("slow", AsyncFactory);
    let ann = room.connect();
    room.advance(std::time::Duration::from_millis(7));
    assert_eq!(room.fault().unwrap().kind(), FaultKind::CpuBudget);
    assert_eq!(room.closed(ann).unwrap().reason, "more than 10 ms of processor time");

    let mut full = Room::from_factory("full", AsyncFactory);
    let ann = full.connect();
    full.expect_closed(ann, 1013);
}

#[test]
fn a_room_that_its_service_ends_closes_all_and_a_fresh_one_follows() {
    let mut room = room(2);
    room.send(ANN, "end");
    for client in [ANN, BOB] {
        room.expect_closed(client, 1000);
        assert_eq!(room.closed(client).unwrap().reason, "the room has ended");
    }
    room.expect(ANN, ["over"]);
    room.expect(BOB, ["over", "1 left"]);
    room.send(ANN, "nobody is here");
    assert_eq!(room.faults(), 0);
    assert_eq!(room.connect(), ANN, "in a fresh room");
    room.expect(ANN, ["1 joined"]);
}
