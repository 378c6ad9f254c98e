//! What a failed expectation says.
use stateroom::testing::Room;

use crate::{ANN, BOB, Diary, panic_of, room};

#[test]
fn the_difference_is_shown_line_by_line() {
    let mut room = room(1);
    for text in ["one", "two\nlines", "four"] {
        room.send(ANN, text);
    }
    room.send(ANN, b"\x00five");
    let text = panic_of(|| room.expect(ANN, ["one", "three", "four"]));
    let expected = r#"client 1 got something else than was expected (- expected, + got):
    "one"
  - "three"
  + "two\nlines"
    "four"
  + b"\x00five""#;
    assert_eq!(text, expected);
    assert_eq!(panic_of(|| room.expect(ANN, ["x"])).lines().last(), Some(r#"  - "x""#), "what was shown is taken");
}

#[test]
fn what_is_not_expected_is_shown() {
    let mut room = room(2);
    room.send(BOB, "to 2 hi");
    assert!(panic_of(|| room.expect_nothing_more()).ends_with("+ \"hi\""));
    room.send(BOB, "to 2 hi");
    assert!(panic_of(|| room.expect_nothing(BOB)).ends_with("+ \"hi\""));
    room.expect_nothing_more();
}

#[test]
fn closes_that_did_not_come_are_shown() {
    let mut room = room(2);
    let text = panic_of(|| room.expect_closed(BOB, 4000));
    assert_eq!(text, "client 2 should have been closed with 4000, and was not closed");
    room.send(ANN, "close 2 3000");
    let text = panic_of(|| room.expect_closed(BOB, 4000));
    assert_eq!(text, r#"client 2 should have been closed with 4000, and was closed with 3000 "so it was said""#);
}

#[test]
fn a_failed_service_is_named_where_something_is_missing() {
    let mut room = room(1);
    room.send(ANN, "panic");
    let failed = "the service failed in `message`: panic: as told by 1";
    let text = panic_of(|| room.expect(ANN, ["hello"]));
    let head = "client 1 got something else than was expected (- expected, + got):";
    assert_eq!(text, format!("{head}\n  - \"hello\"\n{failed}"));
    assert_eq!(panic_of(|| room.expect_no_fault()), failed);
    assert_eq!(panic_of(|| _ = room.service()), format!("the room has ended\n{failed}"));
    let mut room = Room::of(Diary::default);
    room.shutdown();
    assert_eq!(panic_of(|| _ = room.service()), "the room has ended");
}
