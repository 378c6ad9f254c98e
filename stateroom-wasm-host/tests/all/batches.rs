//! Guests that accept batches: several events in one call, each with its own effects and budgets.
use std::time::Duration;

use stateroom::{
    ClientId, MessageRecipient, StateroomService,
    event_batch::{EventBatch, FinishedEvents},
    fault::FaultKind,
    messages::{Effect, Event},
};

use crate::common::{HOSTILE, Room, config, says, sent};

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
    assert_eq!(finished.ends, [1, 2, 3, 4, 5, 6]);
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
        if !finished.ends.is_empty() {
            released.push((finished.effects.len(), finished.ends.len()));
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
        batch.take_finished(&mut finished);
        if finished.ends.is_empty() { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
    });
    let in_time = tokio::time::timeout(Duration::from_secs(20), released_effects).await;
    assert!(in_time.is_ok(), "nothing was released");
    assert_eq!((finished.effects, finished.ends), (released.concat(), vec![1, 2]));
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
async fn rejects_the_import_within_a_batch() {
    let fault = Room::new(BATCHES, &config()).await.fails(says(1, "Import")).await;
    assert_eq!(fault.kind(), FaultKind::BadMessage);
    assert_eq!(fault.message(), "the guest called `stateroom_send` while handling a batch of events");
}
