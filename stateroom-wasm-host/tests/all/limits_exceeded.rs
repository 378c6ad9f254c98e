//! The metric `stateroom_limit_exceeded_total` counts each limit of a guest.
use std::time::Duration;

use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use stateroom::fault::FaultKind;
use stateroom_wasm_host::WasmHostConfig;

use crate::common::{ECHO, HOSTILE, Room, config, factory, says};

/// Returns the kind of fault that a command of the hostile guest leads to.
async fn fault(command: &str, config: &WasmHostConfig) -> FaultKind {
    Room::new(HOSTILE, config).await.fails(says(1, command)).await.kind()
}

/// Exceeds one limit.
async fn exceed(limit: &str) {
    let short = Duration::from_millis(50);
    match limit {
        "memory_bytes" => assert_eq!(fault("m", &config()).await, FaultKind::Memory),
        "table_elements" => assert_eq!(fault("t", &config()).await, FaultKind::Memory),
        "wasm_stack_bytes" => assert_eq!(fault("s", &config()).await, FaultKind::Trap),
        "cpu_budget" => assert_eq!(fault("l", &config().with_cpu_budget(short)).await, FaultKind::CpuBudget),
        "time_budget" => assert_eq!(fault("z", &config().with_time_budget(short)).await, FaultKind::TimeBudget),
        "cpu_percent" => {
            let config = config().with_cpu_percent(1).with_cpu_budget(Duration::from_millis(300));
            assert_eq!(fault("l", &config).await, FaultKind::CpuBudget);
        }
        "effects" => assert_eq!(fault("f", &config()).await, FaultKind::Memory),
        "effect_bytes" => assert_eq!(fault("F", &config()).await, FaultKind::Memory),
        "log_lines_per_second" => {
            Room::new(HOSTILE, &config().with_log_lines_per_second(5)).await.one(says(1, "w")).await;
        }
        "log_bytes_per_second" => {
            Room::new(HOSTILE, &config().with_log_bytes_per_second(50)).await.one(says(1, "w")).await;
        }
        "random_bytes" => assert_eq!(fault("r", &config()).await, FaultKind::Trap),
        "instances" => {
            let factory = factory(ECHO, &config().with_instances(1));
            let _room = Room::of(&factory).await;
            assert_eq!(Room::try_of(&factory).await.err().unwrap().kind(), FaultKind::NoSpace);
        }
        other => panic!("no test exceeds the limit `{other}`"),
    }
}

#[tokio::test]
async fn every_limit_is_counted_when_it_is_exceeded() {
    // It takes two rooms that compute in parallel: tested in `engine::lane`.
    for limit in WasmHostConfig::LIMITS.iter().filter(|limit| **limit != "slow_lane") {
        let recorder = DebuggingRecorder::new();
        let guard = metrics::set_default_local_recorder(&recorder);
        exceed(limit).await;
        drop(guard);
        let counters = recorder.snapshotter().snapshot().into_vec();
        let is_counted = counters.iter().any(|(key, .., value)| {
            let key = key.key();
            key.name() == "stateroom_limit_exceeded_total"
                && key.labels().any(|label| label.value() == *limit)
                && matches!(value, DebugValue::Counter(1..))
        });
        assert!(is_counted, "{limit}");
    }
}
