//! The log on stderr: its level, format and destination.
//!
//! *Invariant:* stdout is never logged to.
mod escaped;
mod fault;

use std::env;

use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::{LevelFilter, ParseError, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use self::{escaped::EscapedJson, fault::PlainFields};
#[cfg(feature = "otel")]
use super::telemetry;
use super::{
    color,
    global::{GlobalArgs, LogFormat},
    stderr::Stderr,
};

/// Installs the subscriber. Flags override `RUST_LOG`, which overrides the default: `info` for Stateroom, `warn` for the rest.
/// Lines that guests print also go to the layer `guest_lines`.
pub(crate) fn init(options: &GlobalArgs, is_dev: bool, guest_lines: impl Layer<Registry> + Send + Sync) {
    let (verbose, quiet) = (options.verbose, options.quiet);
    let variable = env::var(EnvFilter::DEFAULT_ENV).unwrap_or_default();
    let (filter, invalid) = match by_flags(verbose, quiet) {
        Some(directives) => (EnvFilter::new(directives), None),
        None => by_variable(&variable, is_dev),
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(color::is_enabled())
        .with_writer(|| Stderr)
        // Reporting a closed stderr to stderr would panic.
        .log_internal_errors(false);
    let lines = match options.log_format {
        // During development, lines are read as they appear.
        LogFormat::Text if is_dev => {
            lines.compact().fmt_fields(PlainFields).without_time().with_target(verbose > 0).with_filter(filter).boxed()
        }
        LogFormat::Text => lines.compact().fmt_fields(PlainFields).with_target(verbose > 0).with_filter(filter).boxed(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_ansi(false)
            .with_writer(|| EscapedJson(Stderr))
            .with_filter(filter)
            .boxed(),
    };
    let guest_lines = guest_lines.with_filter(Targets::new().with_target("stateroom::guest", LevelFilter::INFO));
    let subscriber = tracing_subscriber::registry().with(guest_lines).with(lines);
    #[cfg(feature = "otel")]
    let (subscriber, otel_error) = match telemetry::layer(verbose > 1) {
        Ok(spans) => (subscriber.with(spans), None),
        Err(error) => (subscriber.with(None), Some(error)),
    };
    subscriber.init();
    #[cfg(feature = "otel")]
    if let Some(error) = otel_error {
        tracing::warn!("spans are not exported: {error:#}");
    }
    if let Some(error) = invalid {
        tracing::warn!("ignoring RUST_LOG: `{variable}` is invalid: {error}");
    }
}

fn by_flags(verbose: u8, quiet: u8) -> Option<String> {
    Some(match (verbose, quiet) {
        (0, 0) => return None,
        (0, 1) => levels("warn", "warn"),
        (0, 2) => "error".to_owned(),
        (0, _) => "off".to_owned(),
        (1, _) => levels("warn", "debug"),
        (2, _) => levels("warn", "trace"),
        // At `debug`, the WebAssembly compiler alone writes a million lines.
        _ => levels("info", "trace"),
    })
}

/// Parses `RUST_LOG`. If it is invalid, returns the default with the error.
fn by_variable(variable: &str, is_dev: bool) -> (EnvFilter, Option<ParseError>) {
    // The startup messages of the host matter in production only.
    let host = if is_dev { ",stateroom_wasm_host=warn" } else { "" };
    let default = || EnvFilter::new(levels("warn", "info") + host);
    match EnvFilter::builder().parse(variable) {
        Ok(filter) if !variable.is_empty() => (filter, None),
        Ok(_) => (default(), None),
        Err(error) => (default(), Some(error)),
    }
}

/// Returns filter directives with a level for Stateroom's crates and one for all others.
fn levels(others: &str, ours: &str) -> String {
    // It warns of each watched directory that is removed.
    format!("{others},notify=error,stateroom={ours},stateroom_server={ours},stateroom_wasm_host={ours}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_never_log_below_info() {
        for verbose in 1..5 {
            let filter = by_flags(verbose, 0).unwrap();
            assert!(filter.starts_with("warn,") || filter.starts_with("info,"), "{filter}");
        }
        assert!(by_flags(3, 0).unwrap().contains("stateroom_server=trace"));
    }

    #[test]
    fn an_invalid_variable_is_ignored() {
        let default = EnvFilter::new(levels("warn", "info")).to_string();
        for (variable, expected, valid) in
            [("", default.as_str(), true), ("debug", "debug", true), ("stateroom=loud", &default, false)]
        {
            let (filter, error) = by_variable(variable, false);
            assert_eq!((filter.to_string().as_str(), error.is_none()), (expected, valid), "{variable}");
        }
    }
}
