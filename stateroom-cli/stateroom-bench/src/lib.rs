//! `stateroom bench`: a load on rooms, and what it comes to.
//!
//! [`clients`] opens the connections, [`generator`] has them speak and waits for what they hear, [`pacer`] keeps the rate by a
//! [`schedule`]; each [`connection`] counts into a [`counters`] on the [`run_state`]. [`measurement`] makes figures of the counts, a
//! [`report`] of those, and `table`, `html` and JSON show it.
//!
//! *Invariant:* with a rate, a message's latency counts from when it was meant to be sent. Who waits for the server before
//! sending the next would leave out just those messages that a stall would have met (*coordinated omission*).
mod args;
mod clients;
mod connection;
mod connector;
mod counters;
mod deduplicator;
mod diagnosis;
mod error_counts;
mod file_limit;
mod generator;
mod latency;
mod marker;
mod measurement;
mod notes;
mod pacer;
mod progress;
mod quantity;
mod ramp;
mod report;
mod run_state;
mod schedule;
mod target;
#[cfg(test)]
mod tests;
mod timeline;
mod unexpected_messages;

use std::sync::Arc;

use anyhow::{Result, bail};
use clap::error::ErrorKind;
use futures_util::FutureExt;

pub use args::{Bench, Pattern};

use clients::Clients;
use connector::Connector;
use diagnosis::diagnose_no_responses;
use generator::{LoadGenerator, Step};
use progress::Progress;
use ramp::Ramp;
pub use report::Report;
use run_state::RunState;
use target::Target;

/// Measures, until all is measured or `stop` resolves.
///
/// # Errors
///
/// Where nothing could be measured, and why.
pub async fn measure(bench: &Bench, quiet: bool, stop: impl Future<Output = ()> + Send + 'static) -> Result<Report> {
    let target = Target::parse(&bench.url).map_err(misuse)?;
    if bench.rooms > 1 && !target.is_many() {
        let problem = format!("`{}` is one room, and --rooms asks for {}", bench.url, bench.rooms);
        return Err(misuse(format!("{problem}\n  hint: put `{{room}}` into the URL, where the room's number belongs")));
    }
    file_limit::allow(bench.connections)?;
    let (state, progress, stop) = (Arc::new(RunState::new(bench)?), Progress::new(quiet), stop.boxed().shared());
    progress.joining(bench.connections);
    let clients = Clients::gather(bench, &Connector::find(bench, target).await?, &state, &progress, &stop).await?;
    let generator = LoadGenerator { clients, state, progress, stop };
    let rate = bench.rate(generator.clients.speakers.len());
    let step = Step { rate, warmup: bench.warmup, duration: bench.duration };
    let (measured, ramp) = match rate.filter(|_| bench.ramp) {
        None => (step.measure(&generator).await?, None),
        Some(first) => {
            let mut ramp = Ramp::new(bench.p99_under.map(|most| most.as_secs_f64() * 1e3));
            ramp.climb(&generator, step, first).await?;
            (ramp.best().cloned().unwrap_or_default(), Some(ramp))
        }
    };
    let report = Report::new(bench, generator.clients.opened, &generator.state.errors(), measured, ramp);
    generator.clients.leave().await;
    match diagnose_no_responses(&report) {
        Some(text) => bail!(text),
        None => Ok(report),
    }
}

/// A command line that asks for what cannot be.
fn misuse(problem: String) -> anyhow::Error {
    clap::Error::raw(ErrorKind::ValueValidation, problem + "\n").into()
}
