//! Observes which limits are reached, through the `stateroom_limit_exceeded_total` metric.
use std::cell::RefCell;

use metrics_util::{
    CompositeKey, MetricKind,
    debugging::{DebugValue, DebuggingRecorder, Snapshotter},
};
use stateroom_server::Limit;

thread_local! {
    /// Limits confirmed by [`LimitObserver::assert_reached`] on this thread.
    static REACHED: RefCell<Vec<Limit>> = const { RefCell::new(Vec::new()) };
}

/// Observes one limit of a server that runs on the current thread.
pub(crate) struct LimitObserver {
    limit: Limit,
    snapshotter: Snapshotter,
    _guard: metrics::LocalRecorderGuard<'static>,
}

/// Starts observing the given limit.
pub(crate) fn observe_limit(limit: Limit) -> LimitObserver {
    let recorder: &'static DebuggingRecorder = Box::leak(Box::new(DebuggingRecorder::new()));
    LimitObserver { limit, snapshotter: recorder.snapshotter(), _guard: metrics::set_default_local_recorder(recorder) }
}

impl LimitObserver {
    /// Asserts that this limit was reached and no other limit was.
    #[track_caller]
    pub(crate) fn assert_reached(self) {
        let reached: Vec<String> = self.snapshotter.snapshot().into_vec().into_iter().filter_map(limit).collect();
        assert_eq!(reached, [self.limit.name()], "reached limits");
        REACHED.with_borrow_mut(|reached| reached.push(self.limit));
    }
}

/// Runs `test` on the current thread. Returns whether it reaches the limit.
pub(crate) fn is_reached_by(limit: Limit, test: fn()) -> bool {
    REACHED.take();
    test();
    REACHED.take().contains(&limit)
}

/// Returns the name of the limit if the metric counts a reached limit.
fn limit(
    (key, .., value): (CompositeKey, Option<metrics::Unit>, Option<metrics::SharedString>, DebugValue),
) -> Option<String> {
    let is_reached = matches!(value, DebugValue::Counter(1..)) && key.kind() == MetricKind::Counter;
    let key = key.key();
    let mut labels = key.labels().filter(|label| label.key() == "limit");
    (is_reached && key.name() == "stateroom_limit_exceeded_total").then(|| labels.next().unwrap().value().to_owned())
}
