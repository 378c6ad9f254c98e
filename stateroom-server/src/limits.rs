//! What is counted when a limit is met.
//!
//! *Invariant:* a limit's name in the metric is its name in the settings.

/// A limit was met: by its name, as in [`Limits`](crate::Limits).
pub(crate) fn exceeded(limit: &'static str) {
    ::metrics::counter!("stateroom_limit_exceeded_total", "limit" => limit).increment(1);
}
