use std::pin::pin;

use super::*;
use crate::engine::ticker::TICK;

/// Creates the scheduler of a room with a share of 0 percent that has computed for a number of ticks.
fn scheduler(lane: &Arc<SlowLane>, ticks: u32) -> Arc<Scheduler> {
    let config = WasmHostConfig::default().with_cpu_percent(0);
    let scheduler = Arc::new(Scheduler::new(&config, Arc::clone(lane)));
    (0..ticks).for_each(|_| drop(scheduler.tick_after(TICK)));
    scheduler
}

async fn waits(event: impl Future) -> bool {
    time::timeout(Duration::ZERO, event).await.is_err()
}

#[tokio::test]
async fn a_room_above_its_share_needs_a_permit_even_for_a_short_event() {
    let lane = Arc::new(SlowLane::new(Some(1)));
    let (within, above) = (scheduler(&lane, 50), scheduler(&lane, 150));
    let permit = lane.enter().await;
    assert!(!waits(within.run(pin!(async {}))).await);
    assert!(waits(above.run(pin!(async {}))).await);
    above.set_blocking(true);
    assert!(!waits(above.run(pin!(async {}))).await, "a blocked thread does not wait for the lane");
    above.set_blocking(false);
    drop(permit);
    assert!(!waits(above.run(pin!(async {}))).await);
}

#[test]
fn a_replay_has_more_time() {
    let config = WasmHostConfig::default().with_cpu_budget(TICK * 2).with_time_budget(TICK);
    let scheduler = Arc::new(Scheduler::new(&config, Arc::new(SlowLane::new(Some(1)))));
    for (is_replay, is_exhausted) in [(true, false), (false, true)] {
        scheduler.set_replay(is_replay);
        (0..2).for_each(|_| drop(scheduler.tick_after(TICK)));
        assert_eq!(scheduler.is_cpu_exhausted(), is_exhausted);
    }
    assert_eq!(scheduler.time_budget(), TICK);
}

#[tokio::test]
async fn time_that_the_host_spends_on_effects_counts_as_the_guests() {
    let lane = Arc::new(SlowLane::new(Some(1)));
    let scheduler = scheduler(&lane, 0);
    let _permit = lane.enter().await;
    scheduler.charge(Duration::from_millis(50));
    assert!(!waits(scheduler.run(pin!(async {}))).await, "within a burst");
    scheduler.charge(Duration::from_millis(100));
    assert!(waits(scheduler.run(pin!(async {}))).await);
}

#[tokio::test]
async fn a_permit_is_kept_for_the_next_event_and_released_after_the_batch() {
    let lane = Arc::new(SlowLane::new(Some(1)));
    let (one, two) = (scheduler(&lane, 150), scheduler(&lane, 150));
    for _ in 0..3 {
        assert!(!waits(one.run(pin!(async {}))).await);
        assert!(waits(two.run(pin!(async {}))).await);
    }
    one.end_batch();
    assert!(!waits(two.run(pin!(async {}))).await);
}
