//! What is written to stderr, how much of it, and whether in colour.
//!
//! *Invariant:* stdout is never logged to.
use std::{env, io, sync::LazyLock};

use anstream::{AutoStream, ColorChoice};
use indicatif::MultiProgress;
use stateroom_record::GuestLogLayer;
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{LevelFilter, ParseError, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::args::LogFormat;
#[cfg(feature = "otel")]
use crate::telemetry;

/// What moves on the terminal, such as a spinner. Without a terminal, nothing of it is seen.
pub(crate) static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Records what guests print, once a recorder is attached.
pub(crate) static GUEST_LOGS: LazyLock<GuestLogLayer> = LazyLock::new(GuestLogLayer::new);

/// Stderr, beside what moves there.
struct BesideBars;

impl io::Write for BesideBars {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        BARS.suspend(|| io::Write::write(&mut io::stderr(), bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::Write::flush(&mut io::stderr())
    }
}

/// Starts logging. Flags say more than `RUST_LOG`, which says more than the default: our own `info`, others' `warn`.
pub(crate) fn init(verbose: u8, quiet: u8, format: LogFormat, is_dev: bool) {
    let variable = env::var(EnvFilter::DEFAULT_ENV).unwrap_or_default();
    let (filter, misunderstood) = match by_flags(verbose, quiet) {
        Some(asked) => (EnvFilter::new(asked), None),
        None => by_variable(&variable, is_dev),
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(colour())
        .with_writer(|| BesideBars)
        // It would report a closed stderr to that same stderr, and panic.
        .log_internal_errors(false);
    let lines = match format {
        // Whoever develops looks at it as it comes.
        LogFormat::Text if is_dev => {
            lines.compact().without_time().with_target(verbose > 0).with_filter(filter).boxed()
        }
        LogFormat::Text => lines.compact().with_target(verbose > 0).with_filter(filter).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_ansi(false).with_filter(filter).boxed(),
    };
    let guests = GUEST_LOGS.clone().with_filter(Targets::new().with_target("stateroom::guest", LevelFilter::INFO));
    let subscriber = tracing_subscriber::registry().with(lines).with(guests);
    #[cfg(feature = "otel")]
    let (subscriber, trouble) = match telemetry::layer(verbose > 1) {
        Ok(spans) => (subscriber.with(spans), None),
        Err(error) => (subscriber.with(None), Some(error)),
    };
    subscriber.init();
    #[cfg(feature = "otel")]
    if let Some(error) = trouble {
        tracing::warn!("nothing is exported: {error:#}");
    }
    if let Some(error) = misunderstood {
        tracing::warn!("RUST_LOG counts for nothing, since `{variable}` cannot be understood: {error}");
    }
}

fn by_flags(verbose: u8, quiet: u8) -> Option<String> {
    Some(match (verbose, quiet) {
        (0, 0) => return None,
        (0, 1) => "warn".to_owned(),
        (0, 2) => "error".to_owned(),
        (0, _) => "off".to_owned(),
        (1, _) => levels("warn", "debug"),
        (2, _) => levels("warn", "trace"),
        // Below that, the compiler alone writes a million lines.
        _ => levels("info", "trace"),
    })
}

/// What the variable says; where that cannot be understood, the default, and why.
fn by_variable(variable: &str, is_dev: bool) -> (EnvFilter, Option<ParseError>) {
    // What the host has ready is of interest where it is run for others.
    let host = if is_dev { ",stateroom_wasm_host=warn" } else { "" };
    let default = || EnvFilter::new(levels("warn", "info") + host);
    match EnvFilter::builder().parse(variable) {
        Ok(filter) if !variable.is_empty() => (filter, None),
        Ok(_) => (default(), None),
        Err(error) => (default(), Some(error)),
    }
}

/// The filter with these levels for what others write and for what we do.
fn levels(others: &str, ours: &str) -> String {
    format!("{others},stateroom={ours},stateroom_server={ours},stateroom_wasm_host={ours}")
}

/// Whether stderr is for eyes: as `--color` says, else a terminal, unless the environment says otherwise.
pub(crate) fn colour() -> bool {
    AutoStream::choice(&io::stderr()) != ColorChoice::Never
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_are_never_more_than_informative() {
        for verbose in 1..5 {
            let filter = by_flags(verbose, 0).unwrap();
            assert!(filter.starts_with("warn,") || filter.starts_with("info,"), "{filter}");
        }
        assert!(by_flags(3, 0).unwrap().contains("stateroom_server=trace"));
    }

    #[test]
    fn a_variable_that_cannot_be_understood_counts_for_nothing() {
        let default = EnvFilter::new(levels("warn", "info")).to_string();
        for (variable, expected, understood) in
            [("", default.as_str(), true), ("debug", "debug", true), ("stateroom=loud", &default, false)]
        {
            let (filter, error) = by_variable(variable, false);
            assert_eq!((filter.to_string().as_str(), error.is_none()), (expected, understood), "{variable}");
        }
    }
}
