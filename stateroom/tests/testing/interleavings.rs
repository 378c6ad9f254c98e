//! Random interleavings: the shortest script is found, and a seed decides all.
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use stateroom::{
    testing::{Interleavings, Room, Step, Time},
    *,
};

use crate::panic_of;

/// Breaks on the third increment, if two different clients were among those who asked for it.
#[derive(Default)]
struct Counter {
    value: i64,
    by: BTreeSet<ClientId>,
}

impl StateroomService for Counter {
    fn message(&mut self, client: ClientId, message: MessagePayload, context: &impl StateroomContext) {
        match message.text() {
            Some("increment") => {
                self.by.insert(client);
                self.value += 1;
            }
            Some("decrement") => self.value -= 1,
            _ => return,
        }
        context.send_message(MessageRecipient::Broadcast, self.value.to_string());
    }
}

impl Counter {
    fn is_broken(&self) -> bool {
        self.value >= 3 && self.by.len() >= 2
    }
}

fn counters() -> Interleavings<Counter> {
    Interleavings::of(Counter::default).messages(["increment", "decrement"]).clients(1..=4).steps(1..=60)
}

#[test]
fn the_shortest_script_is_found_from_whatever_seed() {
    for seed in 0..40 {
        let failure = counters().seed(seed).find(|room| assert!(!room.service().is_broken())).unwrap();
        let steps = failure.script.steps;
        assert_eq!(steps.len(), 5, "{seed}: {steps:#?}");
        let said =
            steps.iter().filter(|step| matches!(step, Step::Send { message, .. } if *message == "increment".into()));
        assert_eq!(said.count(), 3);
    }
}

#[test]
fn a_failure_is_a_test_ready_to_paste_with_its_reason_and_its_seed() {
    let check = |room: &mut Room<Counter>| match room.service().value {
        2 => Err("two is too many"),
        _ => Ok(()),
    };
    let text = panic_of(|| counters().seed(7).check(check));
    let expected = "the service breaks after 3 steps: two is too many

#[test]
fn breaks() {
    let mut room = Room::of(Counter::default);
    let ann = room.connect();
    room.send(ann, \"increment\");
    room.send(ann, \"increment\");
}

STATEROOM_TEST_SEED=";
    assert!(text.starts_with(expected), "{text}");
    let failure = counters().seed(7).find(check).unwrap();
    let again = counters().cases(1).seed(failure.seed).find(check).unwrap();
    assert_eq!(again, failure, "its seed has it first");
    again.script.run(&mut Room::of(Counter::default)).unwrap();
}

#[test]
fn what_holds_passes() {
    counters().cases(200).check(|room| {
        let increments = room.script().steps.iter().filter(|step| says(step, "increment")).count();
        let decrements = room.script().steps.iter().filter(|step| says(step, "decrement")).count();
        assert_eq!(room.service().value, increments as i64 - decrements as i64);
    });
}

fn says(step: &Step, text: &str) -> bool {
    matches!(step, Step::Send { message, .. } if message.text() == Some(text))
}

#[test]
fn the_same_seed_is_the_same_run_and_another_is_another() {
    let run = |seed| {
        let scripts = RefCell::new(Vec::new());
        counters().messages_from("[a-z]{0,9}").seed(seed).cases(20).check(|room| {
            scripts.borrow_mut().push(room.script().clone());
        });
        scripts.into_inner()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn clients_come_back_by_their_tokens_and_leave_and_time_passes() {
    let seen = RefCell::new(BTreeMap::<_, u32>::new());
    counters().cases(50).check(|room| {
        for step in &room.script().steps {
            let kind = match step {
                Step::Connect { token: Some(_), .. } => "by token",
                Step::Connect { .. } => "connect",
                Step::Send { .. } => "send",
                Step::Disconnect { .. } => "disconnect",
                Step::Advance { .. } => "advance",
                Step::ExpectClosed { code: 4000, .. } => "replaced",
                _ => continue,
            };
            *seen.borrow_mut().entry(kind).or_default() += 1;
        }
    });
    assert_eq!(seen.borrow().len(), 6, "{seen:?}");
}

/// Panics when a client is back.
#[derive(Default)]
struct Forgetful(BTreeSet<ClientId>);

impl StateroomService for Forgetful {
    fn connect(&mut self, client: ClientId, _: &impl StateroomContext) {
        assert!(self.0.insert(client), "{} was here before", client.0);
    }
}

#[test]
fn a_service_that_fails_breaks_unless_that_is_allowed() {
    let failure = Interleavings::of(Forgetful::default).find(|_| ()).unwrap();
    let text = failure.to_string();
    let begin = "the service breaks after 2 steps: the service failed in `connect`: panic: 1 was here before (at ";
    assert!(text.starts_with(begin), "{text}");
    assert!(text.contains("tests/testing/interleavings.rs:"), "{text}");
    assert!(
        text.contains("    room.connect_with_token(\"token 1\");\n    room.connect_with_token(\"token 1\");\n}"),
        "{text}"
    );
    Interleavings::of(Forgetful::default).allow_faults().check(|_| ());
}

/// Says how long its longest message was, a second later.
#[derive(Default)]
struct Longest(usize);

impl StateroomService for Longest {
    fn message(&mut self, _: ClientId, message: MessagePayload, context: &impl StateroomContext) {
        self.0 = self.0.max(message.text().map_or(0, str::len));
        context.set_timer(1000);
    }
    fn timer(&mut self, context: &impl StateroomContext) {
        context.send_message(MessageRecipient::Broadcast, self.0.to_string());
    }
}

#[test]
fn messages_and_times_become_as_simple_as_they_may() {
    let failure =
        Interleavings::of(|| Longest(0)).messages_from("[a-z]{0,20}").longest_advance(1.hour()).find(|room| {
            for client in room.clients() {
                let lengths = room.take_texts(client).into_iter().map(|length| length.parse::<usize>().unwrap());
                assert!(lengths.max().is_none_or(|length| length < 5), "too long");
            }
        });
    let text = failure.unwrap().to_string();
    let expected = "    let mut room = Room::of(|| Longest { .. });
    let ann = room.connect();
    room.send(ann, \"aaaaa\");
    room.advance(1.second());
}";
    assert!(text.contains(expected), "{text}");
    assert!(text.contains(": too long (at stateroom/tests/testing/interleavings.rs:"), "{text}");
}

#[test]
fn services_that_are_to_be_the_same_are_compared_in_what_they_say_and_in_what_they_do_not() {
    let shout = |text: &'static str| move || Room::of(move || Shouting(text));
    let two = || Interleavings::of(|| Shouting("hey")).messages(["speak"]);
    two().check_same(shout("hey"));

    let text = panic_of(|| two().check_same(shout("ho")));
    let expected = r#"the rooms differ after 2 steps: client 1 got something else than was expected (- expected, + got):
  - "hey"
  + "ho"

#[test]
fn differs() {
    let mut room = Room::of(|| Shouting { .. });
    let ann = room.connect();
    room.send(ann, "speak");
    room.expect(ann, ["hey"]);
    room.expect_nothing_more();
}

That is what comes of it in this room; in the other one, it is something else.
STATEROOM_TEST_SEED="#;
    assert!(text.starts_with(expected), "{text}");
    // No word of the one stands against what the other says: nor does a close.
    let silent = || Interleavings::of(|| Shouting("")).messages(["speak"]);
    for text in ["ho", "close"] {
        let text = panic_of(|| silent().check_same(shout(text)));
        assert!(text.starts_with("the rooms differ after 2 steps: the other room is not the same"), "{text}");
    }
}

/// Has a timer when everybody has left, and may fail when it comes.
#[derive(Default)]
struct Lonely {
    fails: bool,
    here: u32,
}

impl StateroomService for Lonely {
    fn connect(&mut self, _: ClientId, _: &impl StateroomContext) {
        self.here += 1;
    }

    fn disconnect(&mut self, _: ClientId, context: &impl StateroomContext) {
        self.here -= 1;
        context.set_timer(10);
    }

    fn timer(&mut self, _: &impl StateroomContext) {
        assert!(self.here > 0 || !self.fails, "alone");
    }
}

#[test]
fn a_fault_that_nobody_is_closed_by_is_a_difference_too() {
    let lonely = |fails| move || Lonely { fails, here: 0 };
    let room = |fails| Room::of(lonely(fails));
    let text = panic_of(|| Interleavings::of(lonely(false)).check_same(|| room(true)));
    let begin = "the rooms differ after 3 steps: faults of the service: 0 here, 1 in the other room\n\
                 the service failed in `timer`: panic: alone";
    assert!(text.starts_with(begin), "{text}");
    let text = panic_of(|| Interleavings::of(lonely(true)).check_same(|| room(true)));
    assert!(text.starts_with("the service breaks after 3 steps: the service failed in `timer`"), "{text}");
    let allowed = Interleavings::of(lonely(true)).allow_faults();
    allowed.check_same(|| room(true));
    assert!(panic_of(|| allowed.check_same(|| room(false))).contains("1 here, 0 in the other room"));
}

/// Answers whoever speaks with this, or not, or by closing it.
struct Shouting(&'static str);

impl StateroomService for Shouting {
    fn message(&mut self, client: ClientId, _: MessagePayload, context: &impl StateroomContext) {
        match self.0 {
            "" => {}
            "close" => context.close_client(client, 3000, "enough"),
            text => context.send_message(client, text),
        }
    }
}

#[test]
fn a_check_at_the_end_sees_each_case_once() {
    let checked = RefCell::new(Vec::new());
    counters().cases(20).at_the_end().check(|room| {
        checked.borrow_mut().push(room.script().without_expectations().steps.len());
    });
    assert_eq!(checked.borrow().len(), 20);
    assert!(checked.into_inner().iter().any(|steps| *steps > 10));
}

#[test]
fn rooms_that_cannot_be_made_are_no_success() {
    let rooms = Interleavings::<Counter>::in_rooms("no_room()", || panic!("no such file"));
    let text = rooms.find(|_| ()).unwrap().to_string();
    assert!(text.starts_with("the service breaks after 0 steps: no such file (at "), "{text}");
    assert!(text.contains("let mut room = no_room();"), "{text}");
}

#[test]
fn the_variable_goes_before_the_seed_of_the_code() {
    const VARIABLE: &str = "STATEROOM_TEST_SEED";
    if let Ok(seed) = std::env::var(VARIABLE) {
        let failure = counters().seed(1).find(|_| Err::<(), _>("at once")).unwrap();
        assert_eq!(failure.seed.to_string(), seed);
        return;
    }
    // In a process of its own, as the variable is everybody's.
    let this = ["--exact", "interleavings::the_variable_goes_before_the_seed_of_the_code"];
    let output = std::process::Command::new(std::env::current_exe().unwrap()).args(this).env(VARIABLE, "77").output();
    let output = output.unwrap();
    assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}");
}
