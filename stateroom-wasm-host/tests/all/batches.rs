//! Guests that take rows of events: several in one call, and yet each for itself.
use std::time::Duration;

use stateroom::{
    ClientId, MessageRecipient, StateroomService,
    event_batch::{EventBatch, FinishedEvents},
    fault::FaultKind,
    messages::{Effect, Event},
};

use crate::common::{HOSTILE, Room, config, says, sent};

const ROWS: &str = include_str!("../guests/batches.wat");

fn echo(text: &str) -> Vec<Effect> {
    vec![sent(ClientId(1), text)]
}

#[tokio::test]
async fn each_event_of_a_row_has_its_own_effects() {
    let mut room = Room::new(ROWS, &config()).await;
    let bytes = vec![0_u8, 255];
    let events = [Event::Init, says(1, "one"), Event::Timer, says(7, bytes.clone()), says(1, "")];
    let (effects, outcome) = room.deliver(events).await;
    outcome.unwrap();
    assert_eq!(effects, [vec![], echo("one"), vec![], vec![sent(ClientId(7), bytes)], echo("")]);
    assert_eq!(room.one(says(1, "two")).await, echo("two"), "the next row begins anew");
}

/// The clock ticks before the guest has shown anything.
#[tokio::test]
async fn what_the_row_before_has_shown_is_gone() {
    let mut room = Room::new(ROWS, &config()).await;
    room.one(says(1, "one")).await;
    assert_eq!(room.one(says(1, "Long")).await, echo("Long"));
}

#[tokio::test]
async fn more_than_one_row_holds_comes_in_several() {
    let mut room = Room::new(ROWS, &config()).await;
    let long = "x".repeat(20_000);
    let (effects, outcome) = room.deliver((0..10).map(|_| says(1, long.as_str()))).await;
    outcome.unwrap();
    assert_eq!(effects, vec![echo(&long); 10]);
    let longer = "x".repeat(100_000);
    assert_eq!(room.one(says(1, longer.as_str())).await, echo(&longer));
}

#[tokio::test]
async fn an_event_that_the_guest_does_not_know_is_left_out_where_it_stands() {
    let mut room = Room::new(ROWS, &config()).await;
    let (effects, outcome) = room.deliver([says(1, "one"), Event::Call { message: "?".into() }, says(1, "two")]).await;
    outcome.unwrap();
    assert_eq!(effects, [echo("one"), vec![], echo("two")]);
}

#[tokio::test]
async fn a_trap_releases_what_was_over_before_it() {
    let mut room = Room::new(ROWS, &config()).await;
    let texts = ["1", "2", "3", "4", "5", "6", "Trap", "8"];
    let turn = EventBatch::new(texts.map(|text| says(1, text)));
    let fault = room.host.deliver(&turn, &room.context).await.unwrap_err();
    let mut finished = FinishedEvents::default();
    turn.take_finished(&mut finished);
    assert_eq!(finished.ends, [1, 2, 3, 4, 5, 6]);
    assert_eq!(finished.effects, texts[..6].iter().flat_map(|text| echo(text)).collect::<Vec<_>>());
    assert_eq!((fault.kind(), turn.in_progress_label()), (FaultKind::Trap, Some("message")));
}

#[tokio::test]
async fn a_budget_that_is_used_up_releases_what_was_over_before() {
    for config in
        [config().with_cpu_budget(Duration::from_millis(20)), config().with_time_budget(Duration::from_millis(20))]
    {
        let mut room = Room::new(ROWS, &config).await;
        let (effects, outcome) = room.deliver([says(1, "one"), says(1, "Spin"), says(1, "three")]).await;
        assert!(matches!(outcome.unwrap_err().kind(), FaultKind::CpuBudget | FaultKind::TimeBudget));
        assert_eq!(effects, [echo("one")]);
    }
}

/// The last of them never ends, and still the others do not wait for it.
#[tokio::test]
async fn what_is_over_is_released_at_the_first_tick() {
    is_released(ROWS, ["one", "two", "Spin"], [echo("one"), echo("two")]).await;
}

/// For the host, events that wait together are a row whether the guest sees them so or not.
#[tokio::test]
async fn what_is_over_is_released_before_what_takes_time() {
    let here = || vec![sent(MessageRecipient::Broadcast, "here")];
    for (long, what) in [("l", "computes"), ("z", "sleeps")] {
        println!("the last one {what}");
        is_released(HOSTILE, ["e", "e", long], [here(), here()]).await;
    }
}

#[tokio::test]
async fn what_is_over_is_released_before_it_gets_much() {
    let mut room = Room::new(HOSTILE, &config()).await;
    let turn = EventBatch::new(["L", "L", "L"].map(|text| says(1, text)));
    let mut released = Vec::new();
    let mut deliver = std::pin::pin!(room.host.deliver(&turn, &room.context));
    let outcome = std::future::poll_fn(|task| {
        let poll = deliver.as_mut().poll(task);
        let mut finished = FinishedEvents::default();
        turn.take_finished(&mut finished);
        // At a tick of the clock there may be nothing.
        if !finished.ends.is_empty() {
            released.push((finished.effects.len(), finished.ends.len()));
        }
        poll
    });
    outcome.await.unwrap();
    assert_eq!(released, [(5, 1), (5, 1), (5, 1)]);
}

/// Says three things, of which the last takes so long that it does not matter how long.
async fn is_released(guest: &str, texts: [&str; 3], released: [Vec<Effect>; 2]) {
    let mut room = Room::new(guest, &config()).await;
    let turn = EventBatch::new(texts.map(|text| says(1, text)));
    let mut finished = FinishedEvents::default();
    let mut deliver = std::pin::pin!(room.host.deliver(&turn, &room.context));
    let something = std::future::poll_fn(|task| {
        assert!(deliver.as_mut().poll(task).is_pending());
        turn.take_finished(&mut finished);
        if finished.ends.is_empty() { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
    });
    let in_time = tokio::time::timeout(Duration::from_secs(20), something).await;
    assert!(in_time.is_ok(), "nothing was released");
    assert_eq!((finished.effects, finished.ends), (released.concat(), vec![1, 2]));
    assert_eq!(turn.in_progress_label(), Some("message"));
}

/// Together they take several times as long as one may.
#[tokio::test]
async fn a_budget_is_for_one_event_of_a_row() {
    let config = config().with_cpu_budget(Duration::from_millis(250));
    let mut room = Room::new(ROWS, &config).await;
    let (effects, outcome) = room.deliver((0..60).map(|_| says(1, "Long"))).await;
    outcome.unwrap();
    assert_eq!(effects, vec![echo("Long"); 60]);
}

#[tokio::test]
async fn in_a_row_nothing_is_sent_by_the_import() {
    let fault = Room::new(ROWS, &config()).await.fails(says(1, "Import")).await;
    assert_eq!(fault.kind(), FaultKind::BadMessage);
    assert_eq!(fault.message(), "the guest called `stateroom_send` while handling a batch of events");
}
