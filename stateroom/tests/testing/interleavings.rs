//! Random interleavings: failures are shrunk to the shortest script, and the seed determines all steps.
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use stateroom::{
    testing::{Interleavings, Room, Step, Time},
    *,
};

use crate::panic_of;

/// Fails at the third increment if two different clients requested increments.
#[derive(Default)]
struct Counter {
    value: i64,
    clients: BTreeSet<ClientId>,
}

impl StateroomService for Counter {
    fn message(&mut self, client: ClientId, message: MessagePayload, context: &impl StateroomContext) {
        match message.text() {
            Some("increment") => {
                self.clients.insert(client);
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
        self.value >= 3 && self.clients.len() >= 2
    }
}

fn counters() -> Interleavings<Counter> {
    Interleavings::of(Counter::default).messages(["increment", "decrement"]).clients(1..=4).steps(1..=60)
}

#[test]
fn finds_the_shortest_script_with_every_seed() {
    for seed in 0..40 {
        let failure = counters().seed(seed).find(|room| assert!(!room.service().is_broken())).unwrap();
        let steps = failure.script.steps;
        assert_eq!(steps.len(), 5, "{seed}: {steps:#?}");
        let increments =
            steps.iter().filter(|step| matches!(step, Step::Send { message, .. } if *message == "increment".into()));
        assert_eq!(increments.count(), 3);
    }
}

#[test]
fn prints_a_failure_as_a_test_with_its_reason_and_seed() {
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

Set STATEROOM_TEST_SEED=";
    assert!(text.starts_with(expected), "{text}");
    let failure = counters().seed(7).find(check).unwrap();
    let again = counters().cases(1).seed(failure.seed).find(check).unwrap();
    assert_eq!(again, failure, "its seed runs the case first");
    again.script.run(&mut Room::of(Counter::default)).unwrap();
}

#[test]
fn passes_if_the_check_holds() {
    counters().cases(200).check(|room| {
        let increments = room.script().steps.iter().filter(|step| is_message(step, "increment")).count();
        let decrements = room.script().steps.iter().filter(|step| is_message(step, "decrement")).count();
        assert_eq!(room.service().value, increments as i64 - decrements as i64);
    });
}

fn is_message(step: &Step, text: &str) -> bool {
    matches!(step, Step::Send { message, .. } if message.text() == Some(text))
}

#[test]
fn the_seed_determines_the_steps() {
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
fn generates_every_kind_of_step() {
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

/// Panics when a client reconnects.
#[derive(Default)]
struct RejectsReconnects(BTreeSet<ClientId>);

impl StateroomService for RejectsReconnects {
    fn connect(&mut self, client: ClientId, _: &impl StateroomContext) {
        assert!(self.0.insert(client), "{} has connected before", client.0);
    }
}

#[test]
fn a_service_that_fails_fails_the_test_unless_faults_are_allowed() {
    let failure = Interleavings::of(RejectsReconnects::default).find(|_| ()).unwrap();
    let text = failure.to_string();
    let expected =
        "the service breaks after 2 steps: the service failed in `connect`: panic: 1 has connected before (at ";
    assert!(text.starts_with(expected), "{text}");
    assert!(text.contains("tests/testing/interleavings.rs:"), "{text}");
    assert!(
        text.contains("    room.connect_with_token(\"token 1\");\n    room.connect_with_token(\"token 1\");\n}"),
        "{text}"
    );
    Interleavings::of(RejectsReconnects::default).allow_faults().check(|_| ());
}

/// Broadcasts the length of the longest message after a second.
#[derive(Default)]
struct LongestMessage(usize);

impl StateroomService for LongestMessage {
    fn message(&mut self, _: ClientId, message: MessagePayload, context: &impl StateroomContext) {
        self.0 = self.0.max(message.text().map_or(0, str::len));
        context.set_timer(1000);
    }
    fn timer(&mut self, context: &impl StateroomContext) {
        context.send_message(MessageRecipient::Broadcast, self.0.to_string());
    }
}

#[test]
fn simplifies_messages_and_times() {
    let failure =
        Interleavings::of(|| LongestMessage(0)).messages_from("[a-z]{0,20}").longest_advance(1.hour()).find(|room| {
            for client in room.clients() {
                let lengths = room.take_texts(client).into_iter().map(|length| length.parse::<usize>().unwrap());
                assert!(lengths.max().is_none_or(|length| length < 5), "too long");
            }
        });
    let text = failure.unwrap().to_string();
    let expected = "    let mut room = Room::of(|| LongestMessage { .. });
    let ann = room.connect();
    room.send(ann, \"aaaaa\");
    room.advance(1.second());
}";
    assert!(text.contains(expected), "{text}");
    assert!(text.contains(": too long (at stateroom/tests/testing/interleavings.rs:"), "{text}");
}

#[test]
fn reports_messages_and_closes_of_only_one_room() {
    let other_room = |text: &'static str| move || Room::of(move || FixedAnswer(text));
    let test = || Interleavings::of(|| FixedAnswer("hey")).messages(["speak"]);
    test().check_same(other_room("hey"));

    let text = panic_of(|| test().check_same(other_room("ho")));
    let expected = r#"the rooms differ after 2 steps: client 1 received unexpected messages (- expected, + received):
  - "hey"
  + "ho"

#[test]
fn differs() {
    let mut room = Room::of(|| FixedAnswer { .. });
    let ann = room.connect();
    room.send(ann, "speak");
    room.expect(ann, ["hey"]);
    room.expect_nothing_more();
}

These expectations hold in the first room. They fail in the other one.
Set STATEROOM_TEST_SEED="#;
    assert!(text.starts_with(expected), "{text}");
    // The first room sends nothing, so the message or close of the other one has no counterpart.
    let silent = || Interleavings::of(|| FixedAnswer("")).messages(["speak"]);
    for text in ["ho", "close"] {
        let text = panic_of(|| silent().check_same(other_room(text)));
        assert!(text.starts_with("the rooms differ after 2 steps: different outputs"), "{text}");
    }
}

/// Sets a timer when a client leaves, and can fail when it fires in an empty room.
#[derive(Default)]
struct FailsWhenEmpty {
    fails: bool,
    clients: u32,
}

impl StateroomService for FailsWhenEmpty {
    fn connect(&mut self, _: ClientId, _: &impl StateroomContext) {
        self.clients += 1;
    }

    fn disconnect(&mut self, _: ClientId, context: &impl StateroomContext) {
        self.clients -= 1;
        context.set_timer(10);
    }

    fn timer(&mut self, _: &impl StateroomContext) {
        assert!(self.clients > 0 || !self.fails, "the room is empty");
    }
}

#[test]
fn a_fault_in_an_empty_room_is_a_difference() {
    let service = |fails| move || FailsWhenEmpty { fails, clients: 0 };
    let room = |fails| Room::of(service(fails));
    let text = panic_of(|| Interleavings::of(service(false)).check_same(|| room(true)));
    let expected = "the rooms differ after 3 steps: \
                 different numbers of service faults: 0 in this room, 1 in the other room\n\
                 the service failed in `timer`: panic: the room is empty";
    assert!(text.starts_with(expected), "{text}");
    let text = panic_of(|| Interleavings::of(service(true)).check_same(|| room(true)));
    assert!(text.starts_with("the service breaks after 3 steps: the service failed in `timer`"), "{text}");
    let allowed = Interleavings::of(service(true)).allow_faults();
    allowed.check_same(|| room(true));
    assert!(panic_of(|| allowed.check_same(|| room(false))).contains("1 in this room, 0 in the other room"));
}

/// Answers each message with this text, or closes the sender for `close`.
struct FixedAnswer(&'static str);

impl StateroomService for FixedAnswer {
    fn message(&mut self, client: ClientId, _: MessagePayload, context: &impl StateroomContext) {
        match self.0 {
            "" => {}
            "close" => context.close_client(client, 3000, "enough"),
            text => context.send_message(client, text),
        }
    }
}

#[test]
fn a_check_at_the_end_runs_once_per_case() {
    let checked = RefCell::new(Vec::new());
    counters().cases(20).at_the_end().check(|room| {
        checked.borrow_mut().push(room.script().without_expectations().steps.len());
    });
    assert_eq!(checked.borrow().len(), 20);
    assert!(checked.into_inner().iter().any(|steps| *steps > 10));
}

#[test]
fn a_room_that_cannot_be_created_fails_the_test() {
    let rooms = Interleavings::<Counter>::in_rooms("no_room()", || panic!("no such file"));
    let text = rooms.find(|_| ()).unwrap().to_string();
    assert!(text.starts_with("the service breaks after 0 steps: no such file (at "), "{text}");
    assert!(text.contains("let mut room = no_room();"), "{text}");
}

#[test]
fn the_environment_variable_overrides_the_seed() {
    const VARIABLE: &str = "STATEROOM_TEST_SEED";
    if let Ok(seed) = std::env::var(VARIABLE) {
        let failure = counters().seed(1).find(|_| Err::<(), _>("failed")).unwrap();
        assert_eq!(failure.seed.to_string(), seed);
        return;
    }
    // In a separate process, because environment variables are shared by all tests.
    let args = ["--exact", "interleavings::the_environment_variable_overrides_the_seed"];
    let output = std::process::Command::new(std::env::current_exe().unwrap()).args(args).env(VARIABLE, "77").output();
    let output = output.unwrap();
    assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}");
}
