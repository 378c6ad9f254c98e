//! Each limit of a guest is counted where it is met.
use std::time::Duration;

use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use stateroom::fault::FaultKind;
use stateroom_wasm_host::WasmHostConfig;

use crate::common::{ECHO, HOSTILE, Room, config, factory, says};

/// Watches one limit, on this thread.
struct Trips {
    limit: &'static str,
    snapshotter: Snapshotter,
    _guard: metrics::LocalRecorderGuard<'static>,
}

/// From here on, whether this limit is met is counted. Each limit has a test that does so: that is checked where the table of
/// limits is written.
fn trips(limit: &'static str) -> Trips {
    let recorder: &'static DebuggingRecorder = Box::leak(Box::new(DebuggingRecorder::new()));
    Trips { limit, snapshotter: recorder.snapshotter(), _guard: metrics::set_default_local_recorder(recorder) }
}

impl Trips {
    /// Sees that it was met.
    #[track_caller]
    fn tripped(self) {
        let is_it = |(key, .., value): &(metrics_util::CompositeKey, _, _, DebugValue)| {
            let key = key.key();
            key.name() == "stateroom_limit_exceeded_total"
                && key.labels().any(|label| label.value() == self.limit)
                && matches!(value, DebugValue::Counter(1..))
        };
        let met = self.snapshotter.snapshot().into_vec();
        assert!(met.iter().any(is_it), "{} was not met", self.limit);
    }
}

/// The kind of fault that such a deed of a hostile guest is.
async fn fault(deed: &str, config: &WasmHostConfig) -> FaultKind {
    Room::new(HOSTILE, config).await.fails(says(1, deed)).await.kind()
}

#[tokio::test]
async fn memory_and_tables() {
    let limit = trips("memory_bytes");
    assert_eq!(fault("m", &config()).await, FaultKind::Memory);
    limit.tripped();
    let limit = trips("table_elements");
    assert_eq!(fault("t", &config()).await, FaultKind::Memory);
    limit.tripped();
    let limit = trips("wasm_stack_bytes");
    assert_eq!(fault("s", &config()).await, FaultKind::Trap);
    limit.tripped();
}

#[tokio::test]
async fn time() {
    let short = Duration::from_millis(50);
    let limit = trips("cpu_budget");
    assert_eq!(fault("l", &WasmHostConfig { cpu_budget: short, ..config() }).await, FaultKind::CpuBudget);
    limit.tripped();
    let limit = trips("time_budget");
    assert_eq!(fault("z", &WasmHostConfig { time_budget: short, ..config() }).await, FaultKind::TimeBudget);
    limit.tripped();
    let limit = trips("cpu_percent");
    let little = WasmHostConfig { cpu_percent: 1, cpu_budget: Duration::from_millis(300), ..config() };
    assert_eq!(fault("l", &little).await, FaultKind::CpuBudget);
    limit.tripped();
}

#[tokio::test]
async fn effects() {
    let limit = trips("effects");
    assert_eq!(fault("f", &config()).await, FaultKind::Memory);
    limit.tripped();
    let limit = trips("effect_bytes");
    assert_eq!(fault("F", &config()).await, FaultKind::Memory);
    limit.tripped();
}

#[tokio::test]
async fn output_and_random_bytes() {
    let limit = trips("log_lines_per_second");
    Room::new(HOSTILE, &WasmHostConfig { log_lines_per_second: 5, ..config() }).await.one(says(1, "w")).await;
    limit.tripped();
    let limit = trips("log_bytes_per_second");
    Room::new(HOSTILE, &WasmHostConfig { log_bytes_per_second: 50, ..config() }).await.one(says(1, "w")).await;
    limit.tripped();
    let limit = trips("random_bytes");
    assert_eq!(fault("r", &config()).await, FaultKind::Trap);
    limit.tripped();
}

#[tokio::test]
async fn instances() {
    let limit = trips("instances");
    let factory = factory(ECHO, &WasmHostConfig { instances: Some(1), ..config() });
    let _room = Room::of(&factory).await;
    assert_eq!(Room::try_of(&factory).await.err().unwrap().kind(), FaultKind::NoSpace);
    limit.tripped();
}
