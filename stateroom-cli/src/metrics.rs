//! What is measured, in the text format of Prometheus.
use std::time::Duration;

use anyhow::{Context, Result};
use axum::{Router, http::header::CONTENT_TYPE, routing::get};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// From a microsecond to the cpu budget and beyond.
const SECONDS: [f64; 14] = [1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 1e-3, 1e-2, 0.05, 0.25, 1.0, 5.0];
/// From one event at a time to a full inbox.
const EVENTS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 64.0, 256.0, 1024.0, 8192.0];
/// What was measured is put together this often, so that it does not wait for somebody to ask for it.
const UPKEEP: Duration = Duration::from_secs(1);

/// Measures from now on. What is made before is not measured.
///
/// # Errors
///
/// Where something else measures already.
pub(crate) fn record() -> Result<PrometheusHandle> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full("stateroom_event_seconds".to_owned()), &SECONDS)
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Full("stateroom_batch_events".to_owned()), &EVENTS))
        .and_then(PrometheusBuilder::install_recorder)
        .context("nothing can be measured")
}

/// The route `/metrics`.
pub(crate) fn router(measured: PrometheusHandle) -> Router {
    const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
    Router::new().route("/metrics", get(async move || ([(CONTENT_TYPE, TEXT)], render(&measured))))
}

/// Renders the metrics. The server's CPU time only grows; it is recorded as a gauge because recorded counters are integers.
fn render(measured: &PrometheusHandle) -> String {
    const CPU: &str = "# TYPE stateroom_service_cpu_seconds_total";
    measured.render().replacen(&format!("{CPU} gauge"), &format!("{CPU} counter"), 1)
}

/// Keeps what is measured small, for ever.
pub(crate) async fn upkeep(measured: PrometheusHandle) {
    let mut interval = tokio::time::interval(UPKEEP);
    loop {
        interval.tick().await;
        measured.run_upkeep();
    }
}
