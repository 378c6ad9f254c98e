//! Guests that accept batches: several events in one call, each with its own effects and budgets.
use std::time::Duration;

use stateroom::{
    ClientId, MessageRecipient, StateroomService,
    event_batch::{EventBatch, FinishedEvents},
    fault::FaultKind,
    messages::{Effect, Event},
};

use crate::common::{HOSTILE, RAW, Room, config, says, sent};

const BATCHES: &str = include_str!("../guests/batches.wat");

fn echo(text: &str) -> Vec<Effect> {
    vec![sent(ClientId(1), text)]
}

#[tokio::test]
async fn each_event_of_a_batch_has_its_own_effects() {
    let mut room = Room::new(BATCHES, &config()).await;
    let bytes = vec![0_u8, 255];
    let events = [Event::Init, says(1, "one"), Event::Timer, says(7, bytes.clone()), says(1, "")];
    let (effects, outcome) = room.deliver(events).await;
    outcome.unwrap();
    assert_eq!(effects, [vec![], echo("one"), vec![], vec![sent(ClientId(7), bytes)], echo("")]);
    assert_eq!(room.one(says(1, "two")).await, echo("two"), "the next batch starts empty");
}

/// The clock ticks before the guest publishes effects.
#[tokio::test]
async fn effects_of_the_previous_batch_are_cleared() {
    let mut room = Room::new(BATCHES, &config()).await;
    room.one(says(1, "one")).await;
    assert_eq!(room.one(says(1, "Long")).await, echo("Long"));
}

#[tokio::test]
async fn splits_events_above_the_size_of_a_batch() {
    let mut room = Room::new(BATCHES, &config()).await;
    let long = "x".repeat(20_000);
    let (effects, outcome) = room.deliver((0..10).map(|_| says(1, long.as_str()))).await;
    outcome.unwrap();
    assert_eq!(effects, vec![echo(&long); 10]);
    let longer = "x".repeat(100_000);
    assert_eq!(room.one(says(1, longer.as_str())).await, echo(&longer));
}

#[tokio::test]
async fn skips_an_unknown_event_in_its_place() {
    let mut room = Room::new(BATCHES, &config()).await;
    let (effects, outcome) = room.deliver([says(1, "one"), Event::Call { message: "?".into() }, says(1, "two")]).await;
    outcome.unwrap();
    assert_eq!(effects, [echo("one"), vec![], echo("two")]);
}

/// Output of a finished event is no reason of a later one's failure.
#[tokio::test]
async fn a_trap_has_the_output_of_its_own_event() {
    for texts in [["Print\n", "Trap"].as_slice(), &["Print\n", "Pr", "Trap"]] {
        let mut room = Room::new(BATCHES, &config()).await;
        let (_, outcome) = room.deliver(texts.iter().map(|text| says(1, *text))).await;
        let fault = outcome.unwrap_err();
        assert!(!fault.message().contains("Pr"), "{texts:?}: {fault}");
    }
}

#[tokio::test]
async fn a_trap_releases_the_effects_of_finished_events() {
    let mut room = Room::new(BATCHES, &config()).await;
    let texts = ["1", "2", "3", "4", "5", "6", "Trap", "8"];
    let batch = EventBatch::new(texts.map(|text| says(1, text)));
    let fault = room.host.deliver(&batch, &room.context).await.unwrap_err();
    let mut finished = FinishedEvents::default();
    batch.take_finished(&mut finished);
    assert_eq!(finished.lengths, [1; 6]);
    assert_eq!(finished.effects, texts[..6].iter().flat_map(|text| echo(text)).collect::<Vec<_>>());
    assert_eq!((fault.kind(), batch.in_progress_label()), (FaultKind::Trap, Some("message")));
}

#[tokio::test]
async fn an_exceeded_budget_releases_the_effects_of_finished_events() {
    for config in
        [config().with_cpu_budget(Duration::from_millis(20)), config().with_time_budget(Duration::from_millis(20))]
    {
        let mut room = Room::new(BATCHES, &config).await;
        let (effects, outcome) = room.deliver([says(1, "one"), says(1, "Spin"), says(1, "three")]).await;
        assert!(matches!(outcome.unwrap_err().kind(), FaultKind::CpuBudget | FaultKind::TimeBudget));
        assert_eq!(effects, [echo("one")]);
    }
}

/// The last event never ends, and does not delay the others.
#[tokio::test]
async fn releases_finished_events_at_the_first_tick() {
    assert_released(BATCHES, ["one", "two", "Spin"], [echo("one"), echo("two")]).await;
}

/// Simultaneous events are a batch for the host, whether or not the guest accepts batches.
#[tokio::test]
async fn releases_finished_events_before_a_long_one() {
    let here = || vec![sent(MessageRecipient::Broadcast, "here")];
    for long in ["l", "z"] {
        println!("the last event is `{long}`");
        assert_released(HOSTILE, ["e", "e", long], [here(), here()]).await;
    }
}

#[tokio::test]
async fn releases_large_effects_event_by_event() {
    let mut room = Room::new(HOSTILE, &config()).await;
    let batch = EventBatch::new(["L", "L", "L"].map(|text| says(1, text)));
    let mut released = Vec::new();
    let mut deliver = std::pin::pin!(room.host.deliver(&batch, &room.context));
    let outcome = std::future::poll_fn(|task| {
        let poll = deliver.as_mut().poll(task);
        let mut finished = FinishedEvents::default();
        batch.take_finished(&mut finished);
        // Nothing may be finished at a tick.
        if !finished.lengths.is_empty() {
            released.push((finished.effects.len(), finished.lengths.len()));
        }
        poll
    });
    outcome.await.unwrap();
    assert_eq!(released, [(5, 1), (5, 1), (5, 1)]);
}

/// Sends three messages, the last of which takes longer than the test, and checks which effects are released.
async fn assert_released(guest: &str, texts: [&str; 3], released: [Vec<Effect>; 2]) {
    let mut room = Room::new(guest, &config()).await;
    let batch = EventBatch::new(texts.map(|text| says(1, text)));
    let mut finished = FinishedEvents::default();
    let mut deliver = std::pin::pin!(room.host.deliver(&batch, &room.context));
    let released_effects = std::future::poll_fn(|task| {
        assert!(deliver.as_mut().poll(task).is_pending());
        // A tick may come between the two.
        let mut more = FinishedEvents::default();
        batch.take_finished(&mut more);
        finished.append(&mut more);
        if finished.lengths.len() < 2 { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
    });
    let in_time = tokio::time::timeout(Duration::from_secs(20), released_effects).await;
    assert!(in_time.is_ok(), "nothing was released");
    assert_eq!((finished.effects, finished.lengths), (released.concat().into(), [1, 1].into()));
    assert_eq!(batch.in_progress_label(), Some("message"));
}

/// Together the events take several times the budget of one.
#[tokio::test]
async fn a_budget_applies_to_each_event_of_a_batch() {
    let config = config().with_cpu_budget(Duration::from_millis(250));
    let mut room = Room::new(BATCHES, &config).await;
    let (effects, outcome) = room.deliver((0..60).map(|_| says(1, "Long"))).await;
    outcome.unwrap();
    assert_eq!(effects, vec![echo("Long"); 60]);
}

#[tokio::test]
async fn a_guest_may_hand_over_effects_within_a_batch() {
    let mut room = Room::new(BATCHES, &config()).await;
    let texts = ["one", "Import", "two", "Import again", "Import"];
    let (effects, outcome) = room.deliver(texts.map(|text| says(1, text))).await;
    outcome.unwrap();
    assert_eq!(effects, texts.map(echo));
    assert_eq!(room.one(says(1, "three")).await, echo("three"));
}

#[tokio::test]
async fn effects_handed_over_are_released_with_their_event_only() {
    let mut room = Room::new(BATCHES, &config()).await;
    let (effects, outcome) = room.deliver(["one", "Joined", "two"].map(|text| says(1, text))).await;
    assert_eq!(outcome.unwrap_err().kind(), FaultKind::BadMessage, "more events ended than there are");
    assert_eq!(effects[0], echo("one"));
}

/// Answers each byte of a message with 10 000 bytes, and keeps the answers of a batch in its memory, as modules do that were
/// built before guests could hand over effects.
const HOARDER: &str = r#"
  (global (export "STATEROOM_EFFECTS") i32 (i32.const 16))
  (data (i32.const 64) "\04\00\00\00\00\00\00\00" "\00\00\00\00" "\01\00\00\00" "\02\00\00\00" "\03\00\00\00"
    "\00\00\00\00\00\00\00\00")
  (func (export "stateroom_hello") (param i32 i32) (result i64) (i64.const 0x4000000020))
  (func (export "stateroom_batch") (param $at i32) (param $length i32)
    (local $end i32) (local $out i32) (local $size i32)
    (local.set $out (i32.const 131072))
    (local.set $end (i32.add (local.get $at) (local.get $length)))
    (loop $next
      (local.set $size (i32.mul (i32.load offset=8 (local.get $at)) (i32.const 10000)))
      (loop $grow
        (if (i32.gt_u
            (i32.add (i32.add (local.get $out) (local.get $size)) (i32.const 24)) (i32.mul (memory.size) (i32.const 65536)))
          (then
            (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))
            (br $grow))))
      (i32.store (local.get $out) (i32.const 0x20000))
      (i32.store offset=4 (local.get $out) (i32.load offset=4 (local.get $at)))
      (i32.store offset=8 (local.get $out) (local.get $size))
      (memory.fill (i32.add (local.get $out) (i32.const 12)) (i32.const 7) (local.get $size))
      (local.set $out (i32.add (i32.add (local.get $out) (local.get $size)) (i32.const 12)))
      (i64.store (local.get $out) (i64.const 0xffff))
      (i32.store offset=8 (local.get $out) (i32.const 0))
      (local.set $out (i32.add (local.get $out) (i32.const 12)))
      (i32.store (i32.const 16) (i32.const 131072))
      (i32.store (i32.const 20) (i32.sub (local.get $out) (i32.const 131072)))
      (local.set $at (i32.add (i32.add (local.get $at) (i32.const 12)) (i32.load offset=8 (local.get $at))))
      (br_if $next (i32.lt_u (local.get $at) (local.get $end)))))"#;

/// All answers together would need ten times the memory of the guest.
#[tokio::test]
async fn a_batch_is_bounded_by_its_effects() {
    let hoarder = RAW.replace("(; more ;)", HOARDER);
    for lengths in [&[50; 160][..], &[&[1; 200][..], &[10; 60], &[50; 160]].concat()] {
        let mut room = Room::new(&hoarder, &config().with_memory_bytes(8 << 20)).await;
        let batch = EventBatch::new(lengths.iter().map(|length| says(1, vec![0; *length])));
        let mut answers = 0;
        while !batch.is_empty() {
            room.host.deliver(&batch, &room.context).await.unwrap();
            let mut finished = FinishedEvents::default();
            batch.take_finished(&mut finished);
            answers += finished.effects.len();
        }
        assert_eq!(answers, lengths.len());
    }
}
