//! The admin API on an address of its own, with metrics in the text format of Prometheus.
use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use axum::{
    Router,
    http::{StatusCode, header::CONTENT_TYPE},
    routing::get,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use stateroom_server::{BoundServer, MemoryBudget};

use super::{address::explain_bind, reload::Reloader};
use crate::ui::stderr;

/// Histogram buckets from a microsecond to beyond the default CPU budget.
const SECONDS: [f64; 17] =
    [1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 0.05, 0.25, 1.0, 5.0];
/// Histogram buckets from a single event to a full inbox.
const EVENTS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 64.0, 256.0, 1024.0, 8192.0];
/// The interval at which samples are aggregated, so that their memory is bounded without scrapes, and memory is measured.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(1);

/// Installs the metrics recorder. Metrics registered before are not recorded.
///
/// # Errors
///
/// Returns an error if a recorder is installed already.
pub(super) fn install_recorder() -> Result<PrometheusHandle> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Full("stateroom_batch_events".to_owned()), &EVENTS))
        .and_then(PrometheusBuilder::install_recorder)
        .inspect(|_| stderr::describe_metric())
        .context("failed to install the Prometheus recorder")
}

/// Adds the admin API to a server, with an inspector if there is one.
///
/// # Errors
///
/// Returns an error if its address cannot be bound.
pub(super) fn bind(
    server: BoundServer,
    address: SocketAddr,
    metrics: PrometheusHandle,
    reloader: &Arc<Reloader>,
    inspector: Option<Router>,
) -> Result<BoundServer> {
    tokio::spawn(run_upkeep(metrics.clone(), reloader.host.memory_budget.clone()));
    let inspector_path = if inspector.is_some() { format!(", {}/", stateroom_inspector::PATH) } else { String::new() };
    let paths = format!("/metrics, /healthz, /readyz, /rooms, /reload{inspector_path}");
    let unmatched = format!("there is nothing at this path; those of the admin API are {paths}, and /rooms/ROOM\n");
    let routes = metrics_router(metrics).merge(reloader.clone().router()).merge(inspector.unwrap_or_default());
    let routes = routes.fallback(async move || (StatusCode::NOT_FOUND, unmatched));
    let server = server.with_admin(address, routes).map_err(|error| explain_bind(&error, "--admin", "--admin"))?;
    if let Some(address) = server.admin_addr() {
        tracing::info!("admin API: http://{address}{paths}");
    }
    Ok(server)
}

fn metrics_router(metrics: PrometheusHandle) -> Router {
    const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
    Router::new().route("/metrics", get(async move || ([(CONTENT_TYPE, TEXT)], render(&metrics))))
}

/// Renders the metrics. The CPU time of the server only grows; it is recorded as a gauge because recorded counters are integers.
fn render(metrics: &PrometheusHandle) -> String {
    const CPU: &str = "# TYPE stateroom_service_cpu_seconds_total";
    metrics.render().replacen(&format!("{CPU} gauge"), &format!("{CPU} counter"), 1)
}

async fn run_upkeep(metrics: PrometheusHandle, memory_budget: MemoryBudget) {
    let mut interval = tokio::time::interval(UPKEEP_INTERVAL);
    loop {
        interval.tick().await;
        memory_budget.record();
        metrics.run_upkeep();
    }
}
