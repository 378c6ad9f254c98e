//! Scripts: recording, replay, printing.
use std::time::Duration;

use stateroom::{
    details::ClientDetails,
    http::{Request, Response},
    testing::{Room, Script, Step, Time},
    *,
};

use crate::{ANN, BOB, Chat, room};

/// Creates a room with a script that contains every kind of step.
fn recorded() -> Room<Chat> {
    let mut room = Room::of(Chat::default);
    let ann = room.connect();
    let bob = room.connect_with_token("bob's");
    room.send(ann, "say \"hi\"\n");
    room.send(bob, b"\x00\xff\"");
    room.send(ann, "timer 1500");
    room.advance(1500.milliseconds());
    room.connect_with_token("bob's");
    room.call("lines");
    room.request(Request::new("GET", "/lines?all").with_header("accept", "*/*"));
    room.disconnect(ann);
    room.send(ann, "absent");
    let mut details = ClientDetails::default();
    details.subject = Some("Cleo".into());
    details.query.push(("color".into(), "red".into()));
    room.connect_with(details);
    room.shutdown();
    room
}

#[test]
fn prints_a_recorded_room_as_a_test() {
    let text = recorded().script().to_test("as_recorded", "Room::of(Chat::default)");
    let expected = r#"#[test]
fn as_recorded() {
    let mut room = Room::of(Chat::default);
    let ann = room.connect();
    room.expect(ann, ["1 joined"]);
    let bob = room.connect_with_token("bob's");
    room.expect(ann, ["2 joined"]);
    room.expect(bob, ["2 joined"]);
    room.send(ann, "say \"hi\"\n");
    room.expect(ann, ["say \"hi\"\n"]);
    room.expect(bob, ["say \"hi\"\n"]);
    room.send(bob, b"\x00\xff\"");
    room.expect(bob, [MessagePayload::from(b"\x00\xff\"")]);
    room.send(ann, "timer 1500");
    room.advance(1500.milliseconds());
    room.expect(ann, ["timer"]);
    room.expect(bob, ["timer"]);
    let bob = room.connect_with_token("bob's");
    room.expect(ann, ["2 left", "2 joined"]);
    room.expect(bob, ["2 joined"]);
    room.expect_closed(bob, 4000);
    assert_eq!(room.call("lines"), Some("7".into()));
    room.expect(ann, ["call"]);
    room.expect(bob, ["call"]);
    assert_eq!(room.request(http::Request::new("GET", "/lines?all").with_header("accept", "*/*")), Some(http::Response::new(200, "7").with_header("content-type", "text/plain; charset=utf-8")));
    room.disconnect(ann);
    room.expect(bob, ["1 left"]);
    let mut details = details::ClientDetails::default();
    details.subject = Some("Cleo".into());
    details.query.push(("color".into(), "red".into()));
    let cleo = room.connect_as(None, details);
    room.expect(bob, ["3 joined as Cleo"]);
    room.expect(cleo, ["3 joined as Cleo"]);
    room.shutdown();
    room.expect(bob, ["shutdown"]);
    room.expect_closed(bob, 1012);
    room.expect(cleo, ["shutdown", "2 left"]);
    room.expect_closed(cleo, 1012);
    room.expect_nothing_more();
}
"#;
    assert_eq!(text, expected);
}

/// Part of the test printed above, to verify that it compiles and passes.
#[test]
fn as_recorded() {
    let mut room = Room::of(Chat::default);
    let ann = room.connect();
    room.expect(ann, ["1 joined"]);
    let bob = room.connect_with_token("bob's");
    room.expect(ann, ["2 joined"]);
    room.expect(bob, ["2 joined"]);
    room.send(bob, b"\x00\xff\"");
    room.expect(bob, [MessagePayload::from(b"\x00\xff\"")]);
    assert_eq!(room.call("lines"), Some("3".into()));
    room.expect(ann, ["call"]);
    room.expect(bob, ["call"]);
    assert_eq!(
        room.request(http::Request::new("GET", "/lines?all").with_header("accept", "*/*")),
        Some(http::Response::new(200, "3").with_header("content-type", "text/plain; charset=utf-8"))
    );
    let mut details = details::ClientDetails::default();
    details.subject = Some("Cleo".into());
    let cleo = room.connect_as(None, details);
    room.expect(ann, ["3 joined as Cleo"]);
    room.expect(bob, ["3 joined as Cleo"]);
    room.expect(cleo, ["3 joined as Cleo"]);
    room.expect_nothing_more();
}

#[test]
fn a_replayed_script_records_the_same_script() {
    let first = recorded();
    for script in [first.script().clone(), first.script().without_expectations()] {
        let mut again = Room::of(Chat::default);
        script.run(&mut again).unwrap();
        assert_eq!(again.script(), first.script());
    }
}

#[test]
fn an_unmet_expectation_names_its_step() {
    let mut script = recorded().script().clone();
    script.steps.remove(1);
    let error = script.run(&mut Room::of(Chat::default)).unwrap_err();
    let expected = r#"step 3 of 31:
client 1 received unexpected messages (- expected, + received):
  + "1 joined"
    "2 joined""#;
    assert_eq!(error.to_string(), expected);
}

#[test]
fn unexpected_messages_and_answers_fail_a_script() {
    let connect = |client| Step::Connect { client, token: None, details: None };
    let expects = |text: &str| Step::Expect { client: ANN, messages: vec![text.into()] };
    let script = Script::from_iter([connect(ANN), expects("1 joined"), connect(BOB)]);
    assert!(script.run(&mut Room::of(Chat::default)).unwrap_err().to_string().ends_with("+ \"2 joined\""));
    let call = Step::Call { message: "lines".into(), answer: Some("5".into()) };
    let error = Script::from_iter([call]).run(&mut Room::of(Chat::default)).unwrap_err();
    let expected = "step 1 of 1:\nunexpected answer to the call (- expected, + received):\n  - Some(Text(\"5\"))\n  + Some(Text(\"1\"))";
    assert_eq!(error.to_string(), expected);
    let response = Some(Box::new(Response::new(404, "")));
    let request = Step::Request { request: Box::new(Request::new("GET", "/lines")), response };
    Script::from_iter([request]).run(&mut Room::of(Chat::default)).unwrap_err();
}

#[test]
fn maps_the_clients_of_a_script_and_skips_steps_of_absent_ones() {
    let gwen = ClientId(7);
    let script = Script::from_iter([
        Step::Send { client: ANN, message: "never".into() },
        Step::Connect { client: gwen, token: None, details: None },
        Step::Send { client: gwen, message: "hello".into() },
        Step::Connect { client: ClientId(90), token: None, details: None },
        Step::Disconnect { client: ClientId(90) },
        Step::Connect { client: BOB, token: None, details: None },
        Step::Advance { time: Duration::from_micros(5) },
        Step::Advance { time: 2.minutes() },
        Step::Advance { time: 1.second() },
    ]);
    let mut room = room(0);
    script.run(&mut room).unwrap();
    assert_eq!(room.take_texts(ANN), ["1 joined", "hello", "2 joined", "2 left", "3 joined"]);
    let expected = "#[test]
fn skips() {
    let mut room = Room::of(Chat::default);
    let gwen = room.connect();
    room.send(gwen, \"hello\");
    let client_90 = room.connect();
    room.disconnect(client_90);
    room.connect();
    room.advance(std::time::Duration::new(0, 5000));
    room.advance(2.minutes());
    room.advance(1.second());
}
";
    assert_eq!(script.to_test("skips", "Room::of(Chat::default)"), expected);
}

#[test]
fn records_a_fault_and_the_fresh_room_after_it() {
    let mut room = room(1);
    room.send(ANN, "panic");
    room.connect();
    let text = room.script().to_test("fails", "Room::of(Chat::default)");
    let expected = r#"    room.send(ann, "panic");
    room.expect_closed(ann, 1011);
    let ann = room.connect();
    room.expect(ann, ["1 joined"]);
"#;
    assert!(text.contains(expected), "{text}");
}
