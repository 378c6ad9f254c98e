//! Whether a limit was met, as the metric of it says.
use metrics_util::{
    CompositeKey, MetricKind,
    debugging::{DebugValue, DebuggingRecorder, Snapshotter},
};

/// Watches one limit, on this thread: a server under test has no other.
pub(crate) struct Trips {
    limit: &'static str,
    snapshotter: Snapshotter,
    _guard: metrics::LocalRecorderGuard<'static>,
}

/// From here on, whether this limit is met is counted. Each limit has a test that does so: that is checked where the table of
/// limits is written.
pub(crate) fn trips(limit: &'static str) -> Trips {
    let recorder: &'static DebuggingRecorder = Box::leak(Box::new(DebuggingRecorder::new()));
    Trips { limit, snapshotter: recorder.snapshotter(), _guard: metrics::set_default_local_recorder(recorder) }
}

impl Trips {
    /// Sees that it was met, and no other limit.
    #[track_caller]
    pub(crate) fn tripped(self) {
        let met: Vec<String> = self.snapshotter.snapshot().into_vec().into_iter().filter_map(limit).collect();
        assert_eq!(met, [self.limit], "the limits that were met");
    }
}

/// The limit that was met, if that is what the metric says.
fn limit(
    (key, .., value): (CompositeKey, Option<metrics::Unit>, Option<metrics::SharedString>, DebugValue),
) -> Option<String> {
    let is_met = matches!(value, DebugValue::Counter(1..)) && key.kind() == MetricKind::Counter;
    let key = key.key();
    let mut labels = key.labels().filter(|label| label.key() == "limit");
    (is_met && key.name() == "stateroom_limit_exceeded_total").then(|| labels.next().unwrap().value().to_owned())
}
