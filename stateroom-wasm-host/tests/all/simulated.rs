//! Guests in simulated rooms: their time is the room's, their chance that of a seed.
use std::time::Duration;

use stateroom::{
    MessagePayload,
    testing::{Script, Step, Time},
};
use stateroom_wasm_host::testing::{WasmModule, WasmRoom};

use super::common::{ECHO, HOSTILE, config};

const SURROUNDINGS: &str = include_str!("../guests/environment.wat");

fn room(guest: &str, seed: u64) -> WasmRoom {
    WasmModule::from_bytes("guest.wat", guest.as_bytes(), &config()).unwrap().seeded_room(seed)
}

/// What a guest sees around it: the wall clock, the monotonic clock, and what is random.
fn seen(room: &mut WasmRoom) -> (Duration, Duration, u64) {
    let ann = *room.clients().first().unwrap();
    room.send(ann, "look");
    let bytes = room.take_bytes(ann).pop().unwrap();
    let number = |from: usize| u64::from_le_bytes(bytes[from..from + 8].try_into().unwrap());
    (Duration::from_nanos(number(0)), Duration::from_nanos(number(8)), number(16))
}

#[test]
fn time_passes_for_a_guest_when_the_test_says_so() {
    let mut room = room(SURROUNDINGS, 0);
    room.connect();
    let (wall, monotonic, _) = seen(&mut room);
    assert_eq!(seen(&mut room).0, wall, "none has passed");
    room.advance(90.seconds());
    let (later_wall, later_monotonic, _) = seen(&mut room);
    assert_eq!(later_wall - wall, 90.seconds());
    assert_eq!(later_monotonic - monotonic, 90.seconds());
    assert_eq!(wall.as_secs(), 1_767_225_600);
}

#[test]
fn what_is_random_is_the_same_for_the_same_seed() {
    let numbers = |seed| {
        let mut room = room(SURROUNDINGS, seed);
        room.connect();
        [seen(&mut room).2, seen(&mut room).2]
    };
    let first = numbers(0);
    assert_eq!(numbers(0), first);
    assert_ne!(first[0], first[1]);
    assert_ne!(numbers(1), first);
}

#[test]
fn a_script_runs_on_a_module_as_on_a_service() {
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
fn a_guest_that_fails_ends_its_room_and_not_the_test() {
    let mut room = room(HOSTILE, 0);
    let ann = room.connect();
    room.send(ann, "trap");
    room.expect_closed(ann, 1011);
    assert_eq!(room.fault().unwrap().event(), Some("message"));
    // The next finds a fresh one.
    let bob = room.connect();
    assert!(room.fault().is_none());
    assert_eq!(room.clients(), [bob]);
}
