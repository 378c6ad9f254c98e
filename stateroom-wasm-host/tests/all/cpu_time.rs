//! Guests are charged for the CPU time that they take, however long an instruction or a call to the host is.
use std::time::Duration;

use metrics_util::debugging::DebuggingRecorder;
use stateroom::fault::FaultKind;

use crate::common::{RAW, Room, config, says};

/// Fills 64 MiB at once; forever for a message of one byte. Requests random numbers forever for one of two bytes.
const BULK: &str = r#"
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))"#;

const BULK_CODE: &str = r#"
  (func $bulk (memory.fill (i32.const 131072) (i32.const 7) (i32.const 67108864)))
  (func (export "stateroom_recv") (param $event i32) (param $length i32) (local $count i32)
    (if (i32.ne (i32.load (local.get $event)) (i32.const 3)) (then return))
    (local.set $count (i32.load offset=12 (local.get $event)))
    (if (i32.eq (local.get $count) (i32.const 1)) (then (loop $again (call $bulk) (br $again))))
    (if (i32.eq (local.get $count) (i32.const 2))
      (then (loop $again (drop (call $random (i32.const 131072) (i32.const 1048576))) (br $again))))
    (call $bulk)))"#;

fn guest() -> String {
    let recv = RAW.find("  (func (export \"stateroom_recv\")").unwrap();
    let guest = format!("{}{BULK_CODE}", &RAW[..recv]);
    guest.replace("(memory (export \"memory\") 32)", &format!("{BULK}(memory (export \"memory\") 1100)"))
}

#[cfg(target_os = "linux")]
fn cpu_time() -> Duration {
    rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime).try_into().unwrap()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_budget_ends_long_instructions_and_calls_after_their_true_time() {
    let budget = Duration::from_millis(200);
    let config = config().with_cpu_budget(budget).with_memory_bytes(80 << 20);
    for text in ["f", "ra"] {
        let mut room = Room::new(&guest(), &config).await;
        let start = cpu_time();
        assert_eq!(room.fails(says(1, text)).await.kind(), FaultKind::CpuBudget);
        // The last instruction is not interrupted, however slow the machine is.
        assert!(cpu_time() - start < budget * 3 / 2, "{text}: {:?}", cpu_time() - start);
    }
}

/// None of the events has an instruction at which it could be interrupted.
#[tokio::test]
async fn events_of_one_long_instruction_use_the_share() {
    let recorder = DebuggingRecorder::new();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let mut room = Room::new(&guest(), &config().with_memory_bytes(80 << 20)).await;
    let mut is_exceeded = false;
    for _ in 0..1000 {
        room.one(says(1, "once")).await;
        let counters = recorder.snapshotter().snapshot().into_vec();
        is_exceeded = counters.iter().any(|(key, ..)| key.key().labels().any(|label| label.value() == "cpu_percent"));
    }
    assert!(is_exceeded);
}
