//! Observes which limits were reached, by their metric.
use std::cell::RefCell;

use metrics_util::{
    CompositeKey, MetricKind,
    debugging::{DebugValue, DebuggingRecorder, Snapshotter},
};
use stateroom_server::Limit;

thread_local! {
    /// The limits that [`LimitObserver::tripped`] has seen on this thread.
    static TRIPPED: RefCell<Vec<Limit>> = const { RefCell::new(Vec::new()) };
}

/// Observes one limit on this thread, on which the server under test runs.
pub(crate) struct LimitObserver {
    limit: Limit,
    snapshotter: Snapshotter,
    _guard: metrics::LocalRecorderGuard<'static>,
}

/// Counts from here on whether this limit is reached.
pub(crate) fn observe_limit(limit: Limit) -> LimitObserver {
    let recorder: &'static DebuggingRecorder = Box::leak(Box::new(DebuggingRecorder::new()));
    LimitObserver { limit, snapshotter: recorder.snapshotter(), _guard: metrics::set_default_local_recorder(recorder) }
}

impl LimitObserver {
    /// Asserts that the limit was reached, and no other.
    #[track_caller]
    pub(crate) fn assert_reached(self) {
        let met: Vec<String> = self.snapshotter.snapshot().into_vec().into_iter().filter_map(limit).collect();
        assert_eq!(met, [self.limit.name()], "the limits that were reached");
        TRIPPED.with_borrow_mut(|tripped| tripped.push(self.limit));
    }
}

/// Returns whether `test` trips this limit. It runs on this thread.
pub(crate) fn is_reached_by(limit: Limit, test: fn()) -> bool {
    TRIPPED.take();
    test();
    TRIPPED.take().contains(&limit)
}

/// Returns the limit that was reached, if that is what the metric says.
fn limit(
    (key, .., value): (CompositeKey, Option<metrics::Unit>, Option<metrics::SharedString>, DebugValue),
) -> Option<String> {
    let is_met = matches!(value, DebugValue::Counter(1..)) && key.kind() == MetricKind::Counter;
    let key = key.key();
    let mut labels = key.labels().filter(|label| label.key() == "limit");
    (is_met && key.name() == "stateroom_limit_exceeded_total").then(|| labels.next().unwrap().value().to_owned())
}
