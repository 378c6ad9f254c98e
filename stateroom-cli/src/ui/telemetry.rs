//! Export of spans to an OpenTelemetry collector, by OTLP over HTTP. Only with the cargo feature `otel`.
//!
//! The variables are those of the specification of OpenTelemetry's environment: nothing is exported where neither endpoint is
//! set.
use std::{env, sync::OnceLock};

use anyhow::{Context, Result};
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{Layer, filter::Targets, registry::LookupSpan};

const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// What exports spans, if an endpoint is set: those of rooms and connections; of events, too, if `events` says so.
///
/// # Errors
///
/// Where there is an endpoint, and nothing can be exported to it.
pub(crate) fn layer<S>(events: bool) -> Result<Option<Box<dyn Layer<S> + Send + Sync>>>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    if ENDPOINTS.iter().all(|variable| env::var_os(variable).is_none()) {
        return Ok(None);
    }
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().build();
    let exporter = exporter.context("spans cannot be exported")?;
    // `OTEL_SERVICE_NAME` says more than this.
    let name = env::var("OTEL_SERVICE_NAME").unwrap_or_else(|_| "stateroom".to_owned());
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(Resource::builder().with_service_name(name).build())
        .build();
    let tracer = provider.tracer("stateroom");
    let _ = PROVIDER.set(provider);
    let level = if events { LevelFilter::TRACE } else { LevelFilter::DEBUG };
    let ours = Targets::new().with_target("stateroom_server", level);
    Ok(Some(tracing_opentelemetry::layer().with_tracer(tracer).with_filter(ours).boxed()))
}

/// Exports what is left.
pub(crate) fn end() {
    if let Some(provider) = PROVIDER.get()
        && let Err(error) = provider.shutdown()
    {
        tracing::warn!(%error, "the last spans are not exported");
    }
}
