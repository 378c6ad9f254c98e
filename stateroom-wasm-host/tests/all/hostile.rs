//! Hostile and broken guests fail without affecting others.
use stateroom::{ClientId, fault::FaultKind};

use crate::common::{ECHO, HOSTILE, RAW, Room, config, factory, here, says, sent};

async fn fault(command: &str) -> stateroom::fault::Fault {
    Room::new(HOSTILE, &config()).await.fails(says(1, command)).await
}

#[tokio::test]
async fn traps_are_faults_with_a_backtrace() {
    for (command, message) in [
        ("u", "unreachable"),
        ("o", "out of bounds memory access"),
        ("s", "call stack exhausted"),
        ("d", "integer divide by zero"),
    ] {
        let fault = fault(command).await;
        assert_eq!(fault.kind(), FaultKind::Trap);
        assert!(fault.message().contains(message), "{fault}");
        let backtrace = fault.backtrace().unwrap();
        let function = if command == "s" { "recurse" } else { "recv" };
        assert!(backtrace.lines().all(|line| line.ends_with(function)), "{backtrace}");
    }
}

#[tokio::test]
async fn a_fault_has_the_message_of_the_panic() {
    let fault = fault("p").await;
    assert_eq!(fault.kind(), FaultKind::Trap);
    assert_eq!(fault.message(), "panicked at lib.rs:1:1: the bottom");
    assert_eq!(fault.public_reason(), "the room's service failed (trap)");
}

#[tokio::test]
async fn output_of_an_earlier_event_is_not_the_cause() {
    let mut room = Room::new(HOSTILE, &config()).await;
    assert_eq!(room.one(says(1, "c")).await, []);
    let fault = room.fails(says(1, "u")).await;
    assert!(!fault.message().contains("panicked"), "{fault}");
}

#[tokio::test]
async fn events_before_a_trap_keep_their_effects() {
    let mut room = Room::new(HOSTILE, &config()).await;
    let (effects, outcome) = room.deliver(["e", "c", "e", "u", "e"].map(|command| says(1, command))).await;
    assert_eq!(effects, [here(), vec![], here()]);
    let fault = outcome.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Trap);
    assert!(!fault.message().contains("panicked"), "that is the output of an earlier event: {fault}");
    let backtrace = fault.backtrace().unwrap();
    assert!(backtrace.lines().all(|line| line.ends_with("recv")), "{backtrace}");
}

#[tokio::test]
async fn a_guest_that_exits_is_gone() {
    let fault = fault("x").await;
    assert_eq!(fault.kind(), FaultKind::Trap);
    assert_eq!(fault.message(), "the guest exited with code 3");
}

#[tokio::test]
async fn rejects_pointers_out_of_bounds() {
    for command in ["b", "B"] {
        let fault = fault(command).await;
        assert_eq!(fault.kind(), FaultKind::BadPointer);
        assert!(fault.message().contains("its memory has 2097152 bytes"), "{fault}");
    }
}

#[tokio::test]
async fn rejects_invalid_messages() {
    for command in ["g", "G"] {
        assert_eq!(fault(command).await.kind(), FaultKind::BadMessage);
    }
}

#[tokio::test]
async fn rejects_invalid_allocations() {
    for address in ["0", "-1", "2097152", "2096640"] {
        let guest = RAW.replace("(result i32) (i32.const 65536)", &format!("(result i32) (i32.const {address})"));
        let fault = Room::new(&guest, &config()).await.fails(says(1, "x")).await;
        assert_eq!(fault.kind(), FaultKind::BadPointer, "{fault}");
    }
}

#[tokio::test]
async fn traps_in_malloc_and_free_are_faults() {
    let guest = RAW.replace("(result i32) (i32.const 65536)", "(result i32) unreachable");
    assert_eq!(Room::new(&guest, &config()).await.fails(says(1, "x")).await.kind(), FaultKind::Trap);
    let guest = RAW.replace(r#""stateroom_free") (param i32 i32)"#, r#""stateroom_free") (param i32 i32) unreachable"#);
    let mut room = Room::new(&guest, &config()).await;
    room.one(stateroom::messages::Event::Init).await;
    assert_eq!(room.fails(says(1, "x".repeat(2000))).await.kind(), FaultKind::Trap);
}

#[tokio::test]
async fn sockets_do_not_exist() {
    assert_eq!(Room::new(HOSTILE, &config()).await.one(says(1, "n")).await, here());
}

#[tokio::test]
async fn a_guest_may_sleep_for_zero_time() {
    assert_eq!(Room::new(HOSTILE, &config()).await.one(says(1, "y")).await, here());
}

#[tokio::test]
async fn a_canceled_event_ends_the_guest() {
    let mut room = Room::new(HOSTILE, &config()).await;
    tokio::select! {
        biased;
        _ = room.deliver([says(1, "l")]) => panic!("the guest returned"),
        () = tokio::task::yield_now() => {}
    }
    let (_, outcome) = room.deliver([says(1, "e")]).await;
    assert!(outcome.unwrap_err().message().contains("canceled"));
}

#[tokio::test]
async fn a_fault_does_not_affect_other_rooms() {
    let factory = factory(HOSTILE, &config());
    let (mut bad, mut good) = (Room::of(&factory).await, Room::of(&factory).await);
    let mut echo = Room::new(ECHO, &config()).await;
    bad.fails(says(1, "u")).await;
    assert_eq!(good.one(says(1, "e")).await, here());
    assert_eq!(echo.one(says(1, "x")).await, [sent(ClientId(1), "x")]);
    let mut fresh = Room::of(&factory).await;
    assert_eq!(fresh.one(says(1, "e")).await, here());
}
