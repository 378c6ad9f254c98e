//! Export of spans to an OpenTelemetry collector with OTLP over HTTP. Requires the cargo feature `otel`.
//!
//! *Invariant:* configured by the environment variables of the OpenTelemetry specification; without an endpoint, nothing is
//! exported. The threads of the exporter start with the log, before the sandbox, which does not restrict them.
use std::{env, sync::OnceLock};

use anyhow::{Context, Result};
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{Layer, filter::Targets, registry::LookupSpan};

const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// Returns a layer that exports spans of rooms and connections, and of events if `events` is set. `None` without an endpoint.
///
/// # Errors
///
/// Returns an error if the exporter cannot be created.
pub(crate) fn layer<S>(events: bool) -> Result<Option<Box<dyn Layer<S> + Send + Sync>>>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    if !is_enabled() {
        return Ok(None);
    }
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().build();
    let exporter = exporter.context("failed to create the span exporter")?;
    let name = env::var("OTEL_SERVICE_NAME").unwrap_or_else(|_| "stateroom".to_owned());
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(Resource::builder().with_service_name(name).build())
        .build();
    let tracer = provider.tracer("stateroom");
    let _ = PROVIDER.set(provider);
    let level = if events { LevelFilter::TRACE } else { LevelFilter::DEBUG };
    let server = Targets::new().with_target("stateroom_server", level);
    Ok(Some(tracing_opentelemetry::layer().with_tracer(tracer).with_filter(server).boxed()))
}

/// Returns whether spans are exported.
fn is_enabled() -> bool {
    ENDPOINTS.iter().any(|variable| env::var_os(variable).is_some())
}

/// Exports the remaining spans.
pub(crate) fn shut_down() {
    if let Some(provider) = PROVIDER.get()
        && let Err(error) = provider.shutdown()
    {
        tracing::warn!(%error, "failed to export the last spans");
    }
}
