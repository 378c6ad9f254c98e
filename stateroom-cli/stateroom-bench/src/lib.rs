//! A load generator for rooms over WebSockets: the library behind `stateroom bench`.
//!
//! `connector` opens WebSockets to a `target`, and `clients` holds them. `generator` has them send, at the rate that `pacer`
//! keeps, and waits for responses. Each `connection` counts into the `counters` of the `run_state`. A [`Measurement`] holds the
//! figures computed from the counters, and a [`Report`] renders them as text, HTML or JSON.
//!
//! *Invariant:* at a fixed rate, the latency of a message counts from the time it was scheduled to be sent. A generator that
//! waits for a response before it sends again would skip exactly the messages that a stall affects (coordinated omission).
mod clients;
mod config;
mod connection;
mod connector;
mod counters;
mod deduplicator;
mod diagnosis;
mod error;
mod error_counts;
mod file_limit;
mod format;
mod generator;
mod latency;
mod marker;
mod measurement;
mod pacer;
mod progress;
mod ramp;
mod report;
mod run_state;
mod target;
#[cfg(test)]
mod tests;
mod timeline;
mod unexpected_messages;

use std::sync::Arc;

use futures_util::FutureExt;

pub use config::{Config, MAX_MESSAGE_SIZE, MESSAGE_PLACEHOLDER, Pattern, UnknownPattern};
pub use error::Error;
pub use error_counts::DisconnectReason;
pub use latency::LatencySummary;
pub use measurement::{Interval, Measurement};
pub use progress::Progress;
pub use ramp::Ramp;
pub use report::{ConnectFailures, Disconnects, Report};
pub use target::TargetError;

use clients::Clients;
use connector::Connector;
use diagnosis::diagnose_no_responses;
use file_limit::raise_file_limit;
use generator::{LoadGenerator, Step};
use run_state::RunState;
use target::Target;

// Compiles the example in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// Runs a load test until it is complete or `stop` resolves. Calls `progress` several times a second.
///
/// If `stop` resolves first, the report covers the time until then.
///
/// # Errors
///
/// Fails if the URL or the rate is invalid, the server cannot be reached, or no message is answered.
///
/// # Cancel safety
///
/// Dropping the future drops all connections without a closing handshake. A thread that keeps a rate ends with the current
/// measurement.
///
/// # Panics
///
/// Panics outside of a Tokio runtime with I/O and time enabled.
pub async fn run(
    config: &Config,
    progress: impl Fn(Progress) + Sync,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<Report, Error> {
    let target = Target::parse(&config.url)?;
    if config.rooms.get() > 1 && !target.has_placeholder() {
        return Err(TargetError::SingleRoom { url: config.url.clone(), rooms: config.rooms.get() }.into());
    }
    if let Some(rate) = config.rate.filter(|rate| !rate.is_finite() || *rate <= 0.0) {
        return Err(Error::Rate(rate));
    }
    raise_file_limit(config.connections.get())?;
    let (state, stop) = (Arc::new(RunState::new(config)?), stop.boxed().shared());
    let connector = Connector::new(config, target).await?;
    let clients = Clients::connect(config, &connector, &state, &progress, &stop).await?;
    let generator = LoadGenerator { clients, state, progress: &progress, stop };
    let rate = config.effective_rate(generator.clients.senders.len());
    let step = Step { rate, warmup: config.warmup, duration: config.duration };
    let (measured, ramp) = match rate.filter(|_| config.ramp) {
        None => (generator.measure(step).await?, None),
        Some(first_rate) => {
            let mut ramp = Ramp::new(config.p99_under.map(|limit| limit.as_secs_f64() * 1e3));
            ramp.run(&generator, step, first_rate).await?;
            (ramp.best_step().cloned().unwrap_or_default(), Some(ramp))
        }
    };
    let report = Report::new(config, generator.clients.opened, &generator.state.error_counts(), measured, ramp);
    generator.clients.close().await;
    match diagnose_no_responses(&report) {
        Some(diagnosis) => Err(Error::NoResponses(diagnosis)),
        None => Ok(report),
    }
}
