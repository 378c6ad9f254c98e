//! The limits: each is kept, named, and felt by nobody else.
use std::time::Duration;

use stateroom::{ClientId, StateroomServiceFactory, fault::FaultKind};
use stateroom_wasm_host::{WasmHostConfig, WasmHostFactory};

use crate::common::{ECHO, HOSTILE, Log, Room, config, factory, here, says, sent};

fn short_of_cpu() -> WasmHostConfig {
    config().with_cpu_budget(Duration::from_millis(50))
}

#[tokio::test]
async fn a_guest_that_spins_uses_up_its_budget() {
    let fault = Room::new(HOSTILE, &short_of_cpu()).await.fails(says(1, "l")).await;
    assert_eq!(fault.kind(), FaultKind::CpuBudget);
    assert_eq!(fault.message(), "an event exceeded its CPU budget of 0.05 s");
    assert!(fault.backtrace().unwrap().contains("spin"));
}

#[tokio::test]
async fn a_budget_is_for_one_event() {
    let mut room = Room::new(HOSTILE, &short_of_cpu()).await;
    for _ in 0..3 {
        assert_eq!(room.one(says(1, "w")).await, here());
    }
}

#[tokio::test]
async fn a_guest_that_spins_before_its_first_event_is_stopped() {
    let guest =
        ECHO.replace("(func $set_timer", r#"(func (export "_initialize") (loop $again (br $again))) (func $set_timer"#);
    let fault = Room::try_of(&factory(&guest, &short_of_cpu())).await.err().unwrap();
    assert_eq!(fault.kind(), FaultKind::CpuBudget);
}

#[tokio::test]
async fn a_guest_that_sleeps_runs_out_of_time() {
    let config = config().with_time_budget(Duration::from_millis(50));
    let fault = Room::new(HOSTILE, &config).await.fails(says(1, "z")).await;
    assert_eq!(fault.kind(), FaultKind::TimeBudget);
    assert_eq!(fault.message(), "an event exceeded its time budget of 0.05 s");
}

/// They wait together, and the host tells the guest of them in one go; each sleeps for 20 s.
#[tokio::test(start_paused = true)]
async fn a_time_budget_is_for_one_event() {
    let config = config().with_time_budget(Duration::from_secs(30));
    let mut room = Room::new(HOSTILE, &config).await;
    let (effects, outcome) = room.deliver(["z", "z", "z"].map(|deed| says(1, deed))).await;
    outcome.unwrap();
    assert_eq!(effects, [vec![], vec![], vec![]]);
}

#[tokio::test]
async fn a_guest_that_spins_runs_out_of_time_if_that_is_shorter() {
    let config = config().with_time_budget(Duration::from_millis(50));
    let fault = Room::new(HOSTILE, &config).await.fails(says(1, "l")).await;
    assert_eq!(fault.kind(), FaultKind::TimeBudget);
}

#[tokio::test]
async fn sleeps_of_no_length_do_not_hide_a_spinner() {
    let fault = Room::new(HOSTILE, &short_of_cpu()).await.fails(says(1, "Y")).await;
    assert_eq!(fault.kind(), FaultKind::CpuBudget);
}

/// One thread for both: had the spinner kept it, the echo would come only after the spinner's fault.
#[tokio::test]
async fn a_spinner_does_not_delay_another_room() {
    let (mut spinner, mut echo) = (Room::new(HOSTILE, &config()).await, Room::new(ECHO, &config()).await);
    let echoes = async {
        let mut echoed = 0;
        for _ in 0..20 {
            tokio::task::yield_now().await;
            echoed += echo.one(says(1, "x")).await.len();
        }
        echoed
    };
    tokio::select! {
        _ = spinner.deliver([says(1, "l")]) => panic!("the spinner ended first"),
        echoed = echoes => assert_eq!(echoed, 20),
    }
}

/// With one place in the slow lane, two events that take long both come to their end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spinners_take_turns() {
    let config = short_of_cpu().with_slow_lane(1).with_instances(16);
    let factory = factory(HOSTILE, &config);
    assert_eq!(spin_in_rooms(&factory, 4).await, [FaultKind::CpuBudget; 4]);
}

/// Has guests compute for ever, all at the same time, and returns how that ended.
async fn spin_in_rooms(factory: &WasmHostFactory, count: usize) -> Vec<FaultKind> {
    let spin = |factory: WasmHostFactory| async move { Room::of(&factory).await.fails(says(1, "l")).await.kind() };
    let rooms: Vec<_> = (0..count).map(|_| tokio::spawn(spin(factory.clone()))).collect();
    let mut kinds = Vec::new();
    for room in rooms {
        kinds.push(room.await.unwrap());
    }
    kinds
}

/// The time in which others compute is not the guest's: it needs 50 ms of its own, of the 800 that all need together.
#[tokio::test]
async fn waiting_for_the_slow_lane_is_no_use_of_time() {
    let config = short_of_cpu().with_slow_lane(1).with_instances(32).with_time_budget(Duration::from_millis(600));
    let factory = factory(HOSTILE, &config);
    assert_eq!(spin_in_rooms(&factory, 16).await, [FaultKind::CpuBudget; 16]);
}

#[tokio::test]
async fn memory_ends_at_the_limit() {
    let fault = Room::new(HOSTILE, &config()).await.fails(says(1, "m")).await;
    assert_eq!(fault.kind(), FaultKind::Memory);
    assert_eq!(fault.message(), "an event needed more than a guest's limit of 4 MiB of memory");
}

#[tokio::test]
async fn a_guest_may_live_with_a_refusal() {
    let mut room = Room::new(HOSTILE, &config()).await;
    assert_eq!(room.one(says(1, "M")).await, here());
    assert_eq!(room.fails(says(1, "u")).await.kind(), FaultKind::Trap, "the refusal is forgotten by then");
}

#[tokio::test]
async fn tables_end_at_the_limit() {
    let fault = Room::new(HOSTILE, &config()).await.fails(says(1, "t")).await;
    assert_eq!(fault.kind(), FaultKind::Memory);
    assert!(fault.message().contains("20000 table elements"), "{fault}");
}

#[tokio::test]
async fn floods_of_effects_end_at_the_limit() {
    let fault = Room::new(HOSTILE, &config()).await.fails(says(1, "f")).await;
    assert_eq!((fault.kind(), fault.message()), (FaultKind::Memory, "an event produced more than 100000 effects"));
    let fault = Room::new(HOSTILE, &config()).await.fails(says(1, "F")).await;
    assert_eq!((fault.kind(), fault.message()), (FaultKind::Memory, "an event produced more than 64 MiB of effects"));
}

#[tokio::test]
async fn random_bytes_come_in_measure() {
    let fault = Room::new(HOSTILE, &config()).await.fails(says(1, "r")).await;
    assert_eq!(fault.kind(), FaultKind::Trap, "{fault}");
}

#[tokio::test]
async fn one_call_writes_no_more_than_it_may() {
    assert_eq!(Room::new(HOSTILE, &config()).await.one(says(1, "W")).await, here());
}

#[tokio::test]
async fn a_full_pool_refuses_rooms_until_one_is_gone() {
    let factory = factory(ECHO, &config().with_instances(2));
    let mut rooms = vec![Room::of(&factory).await, Room::of(&factory).await];
    let fault = Room::try_of(&factory).await.err().unwrap();
    assert_eq!(fault.kind(), FaultKind::NoSpace);
    assert!(fault.message().contains("the maximum number of rooms"), "{fault}");
    assert!(!factory.has_space(0), "whoever has the rooms");
    rooms.pop();
    assert!(factory.has_space(1));
    assert!(!factory.has_space(2), "rooms that have yet to begin count, too");
    assert_eq!(Room::of(&factory).await.one(says(1, "x")).await, [sent(ClientId(1), "x")]);
}

/// So many rooms of 4 GiB do not fit in any address space.
#[tokio::test]
async fn without_a_pool_rooms_are_made_one_by_one() {
    let log = Log::default();
    let _guard = log.begin();
    let mut room = Room::new(ECHO, &config().with_instances(1_000_000)).await;
    assert_eq!(room.one(says(1, "x")).await, [sent(ClientId(1), "x")]);
    assert!(log.text().contains("failed to create a pool of instances"), "{}", log.text());
}

#[tokio::test]
async fn output_goes_to_the_log_in_measure() {
    let log = Log::default();
    let guard = log.begin();
    let config = config().with_log_lines_per_second(5);
    let mut room = Room::new(HOSTILE, &config).await;
    assert_eq!(room.one(says(1, "w")).await, here());
    drop((room, guard));
    let text = log.text();
    let lines = text.lines().filter(|line| line.contains("the bottom")).count();
    // Of 1000. Five a second with the line above it; a slow machine may come into another second.
    assert!((2..100).contains(&lines), "{text}");
    assert!(text.contains(r#"WARN stateroom::guest: the bottom room="a room""#), "{text}");
    assert!(text.contains("the guest exceeded its log quota"), "{text}");
}

/// The host's functions run on the guest's stack. If they did not have their own share of it, this would end the process.
#[tokio::test]
async fn a_guest_without_stack_leaves_some_for_the_host() {
    let log = Log::default();
    let _guard = log.begin();
    let config = config().with_log_lines_per_second(1 << 20).with_log_bytes_per_second(1 << 30);
    let fault = Room::new(HOSTILE, &config).await.fails(says(1, "S")).await;
    assert!(fault.message().contains("call stack exhausted"), "{fault}");
    assert!(log.text().lines().count() > 1000);
}
