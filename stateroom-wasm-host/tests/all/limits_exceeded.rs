//! Limits of a guest: a fault or refusal names the limit and its flag, and `stateroom_limit_exceeded_total` counts it.
use std::time::Duration;

use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use stateroom::fault::{Fault, FaultKind};
use stateroom_wasm_host::{CompilerProcess, MemoryBudget, WasmHostConfig, WasmHostError, WasmHostFactory};

use crate::common::{ECHO, HOSTILE, Log, RAW, Room, chain, config, factory, says};

/// Returns the fault that a command of the hostile guest leads to.
async fn fault(command: &str, config: &WasmHostConfig) -> Fault {
    Room::new(HOSTILE, config).await.fails(says(1, command)).await
}

/// Exceeds one limit. Returns the message, or nothing if it is in the log.
async fn exceed(limit: &str) -> String {
    let short = Duration::from_millis(50);
    let (fault, kind) = match limit {
        "memory_bytes" => (fault("m", &config()).await, FaultKind::Memory),
        "table_elements" => (fault("t", &config()).await, FaultKind::Memory),
        "wasm_stack_bytes" => (fault("s", &config()).await, FaultKind::Trap),
        "cpu_budget" => (fault("l", &config().with_cpu_budget(short)).await, FaultKind::CpuBudget),
        "time_budget" => (fault("z", &config().with_time_budget(short)).await, FaultKind::TimeBudget),
        "cpu_percent" => {
            let config = config().with_cpu_percent(1).with_cpu_budget(Duration::from_millis(300));
            (fault("l", &config).await, FaultKind::CpuBudget)
        }
        "effects" => (fault("f", &config()).await, FaultKind::Effects),
        "effect_bytes" => (fault("F", &config()).await, FaultKind::Effects),
        "log_lines_per_second" => {
            Room::new(HOSTILE, &config().with_log_lines_per_second(5)).await.one(says(1, "w")).await;
            return String::new();
        }
        "log_bytes_per_second" => {
            Room::new(HOSTILE, &config().with_log_bytes_per_second(50)).await.one(says(1, "w")).await;
            return String::new();
        }
        "total_log_lines_per_second" => {
            Room::new(HOSTILE, &config().with_total_log_lines_per_second(5)).await.one(says(1, "w")).await;
            return String::new();
        }
        "total_log_bytes_per_second" => {
            Room::new(HOSTILE, &config().with_total_log_bytes_per_second(50)).await.one(says(1, "w")).await;
            return String::new();
        }
        "random_bytes" => (fault("r", &config().with_random_bytes(1_u64 << 20)).await, FaultKind::Trap),
        "instances" => {
            let factory = factory(ECHO, &config().with_instances(1));
            let _room = Room::of(&factory).await;
            (Room::try_of(&factory).await.err().unwrap(), FaultKind::NoSpace)
        }
        "compile_time" | "compile_memory_bytes" => {
            // Stand-ins for the compiler: one that does not end, and one that is denied memory.
            let script = match limit {
                "compile_time" => "exec sleep 600",
                _ => "echo 'memory allocation of 8 bytes failed' >&2; exit 134",
            };
            let config =
                config().with_compiler(CompilerProcess::new("sh", ["-c", script])).with_compile_time(short * 4);
            let error = WasmHostFactory::from_bytes("a.wat", ECHO.as_bytes(), &config).unwrap_err();
            assert!(matches!(&error, WasmHostError::CompileLimit { .. }), "{error}");
            return format!("{error} {}", error.hint().unwrap());
        }
        other => panic!("no test exceeds the limit `{other}`"),
    };
    assert_eq!(fault.kind(), kind, "{fault}");
    fault.message().to_owned()
}

/// A module that does not start within a limit is rejected by name, whichever layer notices first.
#[test]
fn modules_above_a_limit_are_rejected_with_its_name() {
    for (limit, part) in [
        ("memory_bytes", r#"(memory (export "memory") 2000)"#),
        ("table_elements", "(table 30000 funcref)"),
        ("wasm_stack_bytes", "(func $f (call $f) (call $f)) (start $f)"),
        ("cpu_budget", "(func $f (loop $l (br $l))) (start $f)"),
        (
            "memory_bytes",
            "(func $f (loop $l (br_if $l (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable) (start $f)",
        ),
        (
            "effects",
            "(data (i32.const 64) \"\\01\") (func $f (loop $l (call $send (i32.const 64) (i32.const 8)) (br $l))) (start $f)",
        ),
    ] {
        let guest = match part.starts_with("(memory") {
            true => RAW.replace(r#"(memory (export "memory") 32)"#, part),
            false => RAW.replace("(; more ;)", part),
        };
        let config = config().with_cpu_budget(Duration::from_millis(200));
        let error = WasmHostFactory::from_bytes("bad.wat", guest.as_bytes(), &config).unwrap_err();
        let message = format!("{} {}", chain(&error), error.hint().unwrap_or_default());
        assert_names(limit, &message);
    }
}

#[track_caller]
fn assert_names(limit: &str, text: &str) {
    let flag = format!("`--{}`", limit.replace('_', "-"));
    assert!(text.contains(&format!("limit `{limit}`")) && text.contains(&flag), "{limit}: {text}");
}

/// Fails a guest for its memory, one by one, and shows that the memory counts as long as the guest lives.
#[tokio::test]
async fn guests_grow_within_the_memory_of_the_process() {
    let budget = MemoryBudget::of_reservations(1 << 20);
    let config = config().with_memory_budget(budget.clone());
    let recorder = DebuggingRecorder::new();
    let guard = metrics::set_default_local_recorder(&recorder);
    let fault = fault("m", &config).await;
    drop(guard);
    assert_eq!(fault.kind(), FaultKind::Memory, "{fault}");
    assert!(fault.message().contains("left of the 1 MiB for the whole process"), "{fault}");
    assert!(fault.message().contains("limit `total_memory_bytes`: raise it with `--total-memory`"), "{fault}");
    assert_eq!(budget.used(), 0, "the guest is gone");
    assert!(counts(&recorder, "total_memory_bytes"));
}

fn counts(recorder: &DebuggingRecorder, limit: &str) -> bool {
    let counters = recorder.snapshotter().snapshot().into_vec();
    counters.iter().any(|(key, .., value)| {
        let key = key.key();
        key.name() == "stateroom_limit_exceeded_total"
            && key.labels().any(|label| label.value() == limit)
            && matches!(value, DebugValue::Counter(1..))
    })
}

#[tokio::test]
async fn every_limit_is_counted_and_named_when_it_is_exceeded() {
    // It takes two rooms that compute in parallel: tested in `engine::lane`.
    for limit in WasmHostConfig::LIMITS.iter().filter(|limit| **limit != "slow_lane") {
        let recorder = DebuggingRecorder::new();
        let log = Log::default();
        let guards = (metrics::set_default_local_recorder(&recorder), log.begin());
        let message = exceed(limit).await;
        drop(guards);
        // A room above its share is slower, which is not reported.
        if *limit != "cpu_percent" {
            assert_names(limit, &(message + &log.text()));
        }
        assert!(counts(&recorder, limit), "{limit}");
    }
}
