//! The texts of unmet expectations.
use stateroom::testing::Room;

use crate::{ANN, BOB, Chat, panic_of, room};

#[test]
fn shows_the_difference_line_by_line() {
    let mut room = room(1);
    for text in ["one", "two\nlines", "four"] {
        room.send(ANN, text);
    }
    room.send(ANN, b"\x00five");
    let text = panic_of(|| room.expect(ANN, ["one", "three", "four"]));
    let expected = r#"client 1 received unexpected messages (- expected, + received):
    "one"
  - "three"
  + "two\nlines"
    "four"
  + b"\x00five""#;
    assert_eq!(text, expected);
    assert_eq!(panic_of(|| room.expect(ANN, ["x"])).lines().last(), Some(r#"  - "x""#), "the messages shown are taken");
}

#[test]
fn shows_unexpected_messages() {
    let mut room = room(2);
    room.send(BOB, "to 2 hi");
    assert!(panic_of(|| room.expect_nothing_more()).ends_with("+ \"hi\""));
    room.send(BOB, "to 2 hi");
    assert!(panic_of(|| room.expect_nothing(BOB)).ends_with("+ \"hi\""));
    room.expect_nothing_more();
}

#[test]
fn shows_a_missing_close() {
    let mut room = room(2);
    let text = panic_of(|| room.expect_closed(BOB, 4000));
    assert_eq!(text, "expected client 2 to be closed with 4000, but it was not closed");
    room.send(ANN, "close 2 3000");
    let text = panic_of(|| room.expect_closed(BOB, 4000));
    assert_eq!(text, r#"expected client 2 to be closed with 4000, but it was closed with 3000 "requested""#);
}

#[test]
fn shows_the_fault_of_the_service() {
    let mut room = room(1);
    room.send(ANN, "panic");
    let failed = "the service failed in `message`: panic: requested by 1";
    let text = panic_of(|| room.expect(ANN, ["hello"]));
    let head = "client 1 received unexpected messages (- expected, + received):";
    assert_eq!(text, format!("{head}\n  - \"hello\"\n{failed}"));
    assert_eq!(panic_of(|| room.expect_no_fault()), failed);
    assert_eq!(panic_of(|| _ = room.service()), format!("the room has ended\n{failed}"));
    let mut room = Room::of(Chat::default);
    room.shutdown();
    assert_eq!(panic_of(|| _ = room.service()), "the room has ended");
}
