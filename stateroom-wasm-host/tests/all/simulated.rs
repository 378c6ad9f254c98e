//! Guests in simulated rooms, where the room determines the time and a seed the random numbers, and in recorded environments.
use std::time::Duration;

use stateroom::{
    MessagePayload, MessageRecipient, StateroomContext, StateroomService,
    event_batch::{EventBatch, FinishedEvents},
    messages::Effect,
    testing::{RoomClock, Script, Step, Time},
};
use stateroom_wasm_host::{
    environment::{RecordedEnvironment, RecordedState},
    testing::{WasmModule, WasmRoom},
};

use super::common::{ECHO, HOSTILE, Room, config, factory, says};

const ENVIRONMENT: &str = include_str!("../guests/environment.wat");

fn room(guest: &str, seed: u64) -> WasmRoom {
    WasmModule::from_bytes("guest.wat", guest.as_bytes(), &config()).unwrap().seeded_room(seed)
}

/// Returns the guest's wall clock, its monotonic clock, and a random number.
fn observed(room: &mut WasmRoom) -> (Duration, Duration, u64) {
    let ann = *room.clients().first().unwrap();
    room.send(ann, "observe");
    let bytes = room.take_bytes(ann).pop().unwrap();
    let number = |from: usize| u64::from_le_bytes(bytes[from..from + 8].try_into().unwrap());
    (Duration::from_nanos(number(0)), Duration::from_nanos(number(8)), number(16))
}

#[test]
fn the_test_advances_the_time_of_the_guest() {
    let mut room = room(ENVIRONMENT, 0);
    room.connect();
    let (wall, monotonic, _) = observed(&mut room);
    assert_eq!(observed(&mut room).0, wall, "no time has passed");
    room.advance(90.seconds());
    let (later_wall, later_monotonic, _) = observed(&mut room);
    assert_eq!(later_wall - wall, 90.seconds());
    assert_eq!(later_monotonic - monotonic, 90.seconds());
    assert_eq!(wall, RoomClock::default().wall_time(), "as for a native service");
}

/// The context of an event that happens at another time than now.
#[derive(Clone)]
struct At(Duration);

impl StateroomContext for At {
    fn send_message(&self, _: impl Into<MessageRecipient>, _: impl Into<MessagePayload>) {}

    fn set_timer(&self, _: u32) {}

    fn event_time(&self) -> Option<Duration> {
        Some(self.0)
    }
}

#[tokio::test]
async fn a_guest_reads_the_recorded_time_of_its_event() {
    let mut room = Room::of(&factory(ENVIRONMENT, &config())).await;
    let wall = |effects: Vec<Effect>| match effects.as_slice() {
        [Effect::Message { message: MessagePayload::Bytes(bytes), .. }] => {
            Duration::from_nanos(u64::from_le_bytes(bytes[..8].try_into().unwrap()))
        }
        other => panic!("{other:?}"),
    };
    for time in [5.seconds(), 1.hour()] {
        let batch = EventBatch::new([says(1, "observe")]);
        room.host.deliver(&batch, &At(time)).await.unwrap();
        let mut finished = FinishedEvents::default();
        batch.take_finished(&mut finished);
        assert_eq!(wall(finished.effects.into()), time);
    }
    let now = wall(room.one(says(1, "observe")).await);
    assert!(now > 1_767_225_600.seconds(), "the system's clock again: {now:?}");
}

#[test]
fn random_numbers_depend_on_the_seed_only() {
    let numbers = |seed| {
        let mut room = room(ENVIRONMENT, seed);
        room.connect();
        [observed(&mut room).2, observed(&mut room).2]
    };
    let first = numbers(0);
    assert_eq!(numbers(0), first);
    assert_ne!(first[0], first[1]);
    assert_ne!(numbers(1), first);
}

#[test]
fn runs_a_script_on_a_module() {
    let mut recorded = room(ECHO, 0);
    let ann = recorded.connect();
    let bob = recorded.connect_with_token("bob's");
    recorded.send(ann, "hello");
    recorded.disconnect(bob);
    recorded.expect(ann, [MessagePayload::from(b"+"), "hello".into(), MessagePayload::from(b"-")]);
    let script = recorded.script().clone();
    script.run(&mut room(ECHO, 0)).unwrap();

    let steps = [
        Step::Connect { client: ann, token: None, details: None },
        Step::Expect { client: ann, messages: vec!["-".into()] },
    ];
    let mismatch = Script::from_iter(steps).run(&mut room(ECHO, 0)).unwrap_err().to_string();
    assert!(mismatch.contains("- \"-\"") && mismatch.contains("+ b\"+\""), "{mismatch}");
}

#[test]
fn a_failing_guest_ends_its_room_and_not_the_test() {
    let mut room = room(HOSTILE, 0);
    let ann = room.connect();
    room.send(ann, "trap");
    room.expect_closed(ann, 1011);
    assert_eq!(room.fault().unwrap().event(), Some("message"));
    // The next client gets a fresh room.
    let bob = room.connect();
    assert!(room.fault().is_none());
    assert_eq!(room.clients(), [bob]);
}

#[tokio::test]
async fn a_recorded_environment_reproduces_a_guest() {
    let factory = factory(ENVIRONMENT, &config());
    let stamp = Duration::from_secs(1_767_225_600);
    let environment = RecordedEnvironment::new(RecordedState::new(stamp, [7; 32]));
    let mut room = Room::of(&factory.with_environment(environment.clone())).await;
    room.one(says(1, "observe")).await;
    environment.begin_batch(stamp + 5.seconds());
    let state = environment.state();
    let original = [room.one(says(1, "observe")).await, room.one(says(1, "observe")).await];

    let restored = RecordedEnvironment::new(state);
    let mut room = Room::of(&factory.with_environment(restored.clone())).await;
    let reproduced = [room.one(says(1, "observe")).await, room.one(says(1, "observe")).await];
    assert_eq!(reproduced, original);
    assert_ne!(original[0], original[1], "the clock and the random numbers advance");
    assert_eq!(restored.state(), environment.state());
    assert_eq!(environment.state().now, stamp + 5.seconds() + Duration::from_micros(4), "four reads");
}
