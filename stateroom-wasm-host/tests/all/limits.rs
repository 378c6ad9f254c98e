//! Limits are enforced, named in the fault, and do not affect other rooms.
use std::time::Duration;

use stateroom::{ClientId, StateroomServiceFactory, fault::FaultKind};
use stateroom_wasm_host::{WasmHostConfig, WasmHostFactory};

use crate::common::{ECHO, HOSTILE, Log, Room, config, factory, here, says, sent};

fn short_cpu_budget() -> WasmHostConfig {
    config().with_cpu_budget(Duration::from_millis(50))
}

#[tokio::test]
async fn a_spinning_guest_exceeds_its_cpu_budget() {
    let fault = Room::new(HOSTILE, &short_cpu_budget()).await.fails(says(1, "l")).await;
    assert_eq!(fault.kind(), FaultKind::CpuBudget);
    assert!(fault.message().starts_with("an event exceeded its CPU budget of 0.05 s ("), "{fault}");
    assert_eq!(fault.public_reason(), "an event exceeded its CPU budget of 0.05 s", "clients need no hint");
    assert!(fault.backtrace().unwrap().contains("spin"));
}

#[tokio::test]
async fn a_cpu_budget_applies_to_each_event() {
    let mut room = Room::new(HOSTILE, &short_cpu_budget()).await;
    for _ in 0..3 {
        assert_eq!(room.one(says(1, "w")).await, here());
    }
}

#[tokio::test]
async fn a_sleeping_guest_exceeds_its_time_budget() {
    let config = config().with_time_budget(Duration::from_millis(50));
    let fault = Room::new(HOSTILE, &config).await.fails(says(1, "z")).await;
    assert_eq!(fault.kind(), FaultKind::TimeBudget);
    assert_eq!(fault.public_reason(), "an event exceeded its time budget of 0.05 s");
}

/// The events are delivered in one call, and each sleeps for 20 s.
#[tokio::test(start_paused = true)]
async fn a_time_budget_applies_to_each_event() {
    let config = config().with_time_budget(Duration::from_secs(30));
    let mut room = Room::new(HOSTILE, &config).await;
    let (effects, outcome) = room.deliver(["z", "z", "z"].map(|command| says(1, command))).await;
    outcome.unwrap();
    assert_eq!(effects, [vec![], vec![], vec![]]);
}

#[tokio::test]
async fn a_spinning_guest_exceeds_a_shorter_time_budget() {
    let config = config().with_time_budget(Duration::from_millis(50));
    let fault = Room::new(HOSTILE, &config).await.fails(says(1, "l")).await;
    assert_eq!(fault.kind(), FaultKind::TimeBudget);
}

#[tokio::test]
async fn sleeps_of_zero_length_count_as_computing() {
    let fault = Room::new(HOSTILE, &short_cpu_budget()).await.fails(says(1, "Y")).await;
    assert_eq!(fault.kind(), FaultKind::CpuBudget);
}

/// Both rooms share one thread: if the spinner kept it, the echo would arrive only after the spinner's fault.
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

/// With one permit of the slow lane, all long events end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spinners_take_turns() {
    let config = short_cpu_budget().with_slow_lane(1).with_instances(16);
    let factory = factory(HOSTILE, &config);
    assert_eq!(spin_in_rooms(&factory, 4).await, [FaultKind::CpuBudget; 4]);
}

/// Lets guests compute forever, all at the same time. Returns the kinds of faults.
async fn spin_in_rooms(factory: &WasmHostFactory, count: usize) -> Vec<FaultKind> {
    let spin = |factory: WasmHostFactory| async move { Room::of(&factory).await.fails(says(1, "l")).await.kind() };
    let rooms: Vec<_> = (0..count).map(|_| tokio::spawn(spin(factory.clone()))).collect();
    let mut kinds = Vec::new();
    for room in rooms {
        kinds.push(room.await.unwrap());
    }
    kinds
}

/// Time in which others compute does not count: each guest uses 50 ms, of 800 ms for all together.
#[tokio::test]
async fn waiting_for_the_slow_lane_does_not_use_the_time_budget() {
    let config = short_cpu_budget().with_slow_lane(1).with_instances(32).with_time_budget(Duration::from_millis(600));
    let factory = factory(HOSTILE, &config);
    assert_eq!(spin_in_rooms(&factory, 16).await, [FaultKind::CpuBudget; 16]);
}

#[tokio::test]
async fn memory_is_limited() {
    let fault = Room::new(HOSTILE, &config()).await.fails(says(1, "m")).await;
    assert_eq!(fault.kind(), FaultKind::Memory);
    assert_eq!(fault.public_reason(), "an event needed more than a guest's limit of 4 MiB of memory");
}

/// The guest handled the refusal, and fails for another reason.
#[tokio::test]
async fn a_handled_refusal_is_not_the_reason_of_a_failure() {
    for refused in ["1", "2"] {
        for (command, message) in [
            ("s", "limit `wasm_stack_bytes`"),
            ("d", "integer divide by zero"),
            ("o", "out of bounds memory access"),
            ("p", "panicked at lib.rs:1:1: the bottom"),
        ] {
            let config = config().with_random_bytes(1_u64 << 20);
            let fault = Room::new(HOSTILE, &config).await.fails(says(1, format!("{refused}{command}"))).await;
            assert_eq!(fault.kind(), FaultKind::Trap, "{refused}{command}: {fault}");
            assert!(fault.message().contains(message), "{refused}{command}: {fault}");
            assert!(!fault.message().contains("memory_bytes"), "{refused}{command}: {fault}");
        }
        let exit = Room::new(HOSTILE, &config()).await.fails(says(1, "1x")).await;
        assert_eq!(exit.kind(), FaultKind::Memory, "{exit}");
    }
}

#[tokio::test]
async fn a_guest_may_survive_a_refused_allocation() {
    let mut room = Room::new(HOSTILE, &config()).await;
    assert_eq!(room.one(says(1, "M")).await, here());
    assert_eq!(room.fails(says(1, "u")).await.kind(), FaultKind::Trap, "the refusal was in an earlier event");
}

#[tokio::test]
async fn tables_are_limited() {
    let fault = Room::new(HOSTILE, &config()).await.fails(says(1, "t")).await;
    assert_eq!(fault.kind(), FaultKind::Memory);
    assert!(fault.message().contains("20000 table elements"), "{fault}");
}

#[tokio::test]
async fn effects_are_limited() {
    let fault = Room::new(HOSTILE, &config()).await.fails(says(1, "f")).await;
    assert_eq!(fault.kind(), FaultKind::Effects);
    assert_eq!(fault.public_reason(), "an event produced more than 100000 effects");
    let fault = Room::new(HOSTILE, &config()).await.fails(says(1, "F")).await;
    assert_eq!(fault.kind(), FaultKind::Effects);
    assert_eq!(fault.public_reason(), "an event produced more than 64 MiB of effects");
}

#[tokio::test]
async fn random_bytes_are_limited() {
    let fault = Room::new(HOSTILE, &config().with_random_bytes(1_u64 << 20)).await.fails(says(1, "r")).await;
    assert_eq!(fault.kind(), FaultKind::Trap, "{fault}");
    assert!(fault.message().contains("requested more than 1 MiB of random numbers at once"), "{fault}");
}

/// Much output, input and randomness at once is an answer and not the end of a program.
#[tokio::test]
async fn large_wasi_calls_succeed() {
    let mut room = Room::new(HOSTILE, &config().with_random_bytes(4_u64 << 20)).await;
    for command in ["r", "W", "i"] {
        assert_eq!(room.one(says(1, command)).await, here(), "{command}");
    }
}

#[tokio::test]
async fn the_beginning_of_a_long_panic_is_reported_once() {
    let log = Log::default();
    let guard = log.begin();
    let fault = Room::new(HOSTILE, &config()).await.fails(says(1, "P")).await;
    drop(guard);
    assert!(fault.message().starts_with("panicked at lib.rs:1:1: the bottom xxxx"), "{fault}");
    assert!(fault.message().ends_with("xxxx... (cut: 1048587 bytes in all)"), "{fault}");
    assert!(fault.message().len() < 5000);
    assert!(!log.text().contains("panicked"), "the fault has it: {}", log.text());
}

#[tokio::test]
async fn the_text_of_a_panic_without_a_fault_is_logged() {
    let log = Log::default();
    let _guard = log.begin();
    let mut room = Room::new(HOSTILE, &config()).await;
    room.one(says(1, "c")).await;
    let lines = log.text();
    let lines: Vec<_> = lines.lines().filter(|line| line.contains("stateroom::guest")).collect();
    assert!(lines.len() == 2 && lines[0].contains("panicked at lib.rs:1:1:") && lines[1].contains("the bottom"));
}

#[tokio::test]
async fn a_full_pool_rejects_rooms_until_one_ends() {
    let factory = factory(ECHO, &config().with_instances(2));
    let mut rooms = vec![Room::of(&factory).await, Room::of(&factory).await];
    let fault = Room::try_of(&factory).await.err().unwrap();
    assert_eq!(fault.kind(), FaultKind::NoSpace);
    assert!(fault.message().contains("the maximum of 2 rooms in this process is reached"), "{fault}");
    assert!(!factory.has_space(0), "rooms of other servers count");
    rooms.pop();
    assert!(factory.has_space(1));
    assert!(!factory.has_space(2), "rooms that have not started count as well");
    assert_eq!(Room::of(&factory).await.one(says(1, "x")).await, [sent(ClientId(1), "x")]);
}

/// That many rooms of 4 GiB do not fit in any address space.
#[tokio::test]
async fn falls_back_to_on_demand_instances() {
    let log = Log::default();
    let _guard = log.begin();
    let mut room = Room::new(ECHO, &config().with_instances(1_000_000)).await;
    assert_eq!(room.one(says(1, "x")).await, [sent(ClientId(1), "x")]);
    assert!(log.text().contains("failed to create a pool of instances"), "{}", log.text());
}

#[tokio::test]
async fn logged_output_is_limited() {
    let log = Log::default();
    let guard = log.begin();
    let config = config().with_log_lines_per_second(5);
    let mut room = Room::new(HOSTILE, &config).await;
    assert_eq!(room.one(says(1, "w")).await, here());
    drop((room, guard));
    let text = log.text();
    let lines = text.lines().filter(|line| line.contains("the bottom")).count();
    // Of 1000 lines: five per second, and the first line of a panic. A slow machine may reach another second.
    assert!((2..100).contains(&lines), "{text}");
    assert!(text.contains(r#"WARN stateroom::guest: the bottom room="a room""#), "{text}");
    assert!(text.contains("the guest exceeded its log quota"), "{text}");
}

/// A fresh room has a fresh quota, but there is one for all of them.
#[tokio::test]
async fn logged_output_of_all_rooms_is_limited() {
    let log = Log::default();
    let guard = log.begin();
    let factory = factory(HOSTILE, &config().with_total_log_lines_per_second(80));
    for _ in 0..30 {
        Room::of(&factory).await.one(says(1, "w")).await;
    }
    drop(guard);
    let text = log.text();
    let lines = text.lines().filter(|line| line.contains("the bottom")).count();
    // The 30 000 lines take several seconds on a slow machine, at 80 lines per second.
    assert!((20..400).contains(&lines), "{lines}");
    assert!(text.contains("the guests of all rooms exceeded their log quota"), "{text}");
}

/// The host's functions run on the guest's stack. Without space of their own, this would end the process.
#[tokio::test]
async fn stack_exhaustion_leaves_stack_for_the_host() {
    let log = Log::default();
    let _guard = log.begin();
    let config = config()
        .with_log_lines_per_second(1 << 20)
        .with_log_bytes_per_second(1 << 30)
        .with_total_log_lines_per_second(1 << 30)
        .with_total_log_bytes_per_second(1 << 40);
    let fault = Room::new(HOSTILE, &config).await.fails(says(1, "S")).await;
    assert!(fault.message().contains("call stack exhausted"), "{fault}");
    assert!(log.text().lines().count() > 1000);
}
