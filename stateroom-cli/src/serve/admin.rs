//! What is there for whoever runs the server: an address of its own, with what is measured in the text format of Prometheus.
use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use axum::{Router, http::header::CONTENT_TYPE, routing::get};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use stateroom_server::BoundServer;

use super::{address::explain_bind, reload::Reload};
use crate::inspector;

/// From a microsecond to the cpu budget and beyond.
const SECONDS: [f64; 14] = [1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 1e-3, 1e-2, 0.05, 0.25, 1.0, 5.0];
/// From one event at a time to a full mailbox.
const EVENTS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 64.0, 256.0, 1024.0, 8192.0];
/// What was measured is put together this often, so that it does not wait for somebody to ask for it.
const UPKEEP: Duration = Duration::from_secs(1);

/// Measures from now on. What is made before is not measured.
///
/// # Errors
///
/// Where something else measures already.
pub(super) fn record() -> Result<PrometheusHandle> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full("stateroom_event_seconds".to_owned()), &SECONDS)
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Full("stateroom_turn_events".to_owned()), &EVENTS))
        .and_then(PrometheusBuilder::install_recorder)
        .context("nothing can be measured")
}

/// Listens for whoever runs the server, too.
///
/// # Errors
///
/// Where that address cannot be listened on.
pub(super) fn administer(
    server: BoundServer,
    address: SocketAddr,
    measured: PrometheusHandle,
    reload: &Arc<Reload>,
    inspector: Option<Router>,
) -> Result<BoundServer> {
    tokio::spawn(upkeep(measured.clone()));
    let more = if inspector.is_some() { format!(", {}/", inspector::PATH) } else { String::new() };
    let routes = router(measured).merge(reload.clone().router()).merge(inspector.unwrap_or_default());
    let explain = |error| explain_bind(error, &address.ip().to_string(), address.port(), "--admin", "--admin");
    let server = server.with_admin(address, routes).map_err(explain)?;
    if let Some(address) = server.admin_addr() {
        tracing::info!("for whoever runs it: http://{address}/metrics, /healthz, /readyz, /rooms, /reload{more}");
    }
    Ok(server)
}

/// The route `/metrics`.
fn router(measured: PrometheusHandle) -> Router {
    const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
    Router::new().route("/metrics", get(async move || ([(CONTENT_TYPE, TEXT)], measured.render())))
}

/// Keeps what is measured small, for ever.
async fn upkeep(measured: PrometheusHandle) {
    let mut interval = tokio::time::interval(UPKEEP);
    loop {
        interval.tick().await;
        measured.run_upkeep();
    }
}
