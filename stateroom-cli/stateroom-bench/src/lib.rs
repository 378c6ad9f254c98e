//! `stateroom bench`: a load on rooms, and what it comes to.
//!
//! [`crowd`] opens the connections, [`phase`] has them speak and waits for what they hear, [`pacer`] keeps the rate by a
//! [`schedule`]; each [`connection`] counts into a [`tally`] on the [`board`]. [`measured`] makes figures of the counts, a
//! [`report`] of those, and `table`, `html` and JSON show it.
//!
//! *Invariant:* with a rate, a message's latency counts from when it was meant to be sent. Who waits for the server before
//! sending the next would leave out just those messages that a stall would have met (*coordinated omission*).
mod args;
mod board;
mod connection;
mod crowd;
mod descriptors;
mod door;
mod ears;
mod html;
mod latency;
mod marker;
mod measured;
mod notes;
mod pacer;
mod phase;
mod plot;
mod progress;
mod quantity;
mod ramp;
mod report;
mod schedule;
mod silence;
mod slots;
mod strange;
mod table;
mod tally;
mod target;
#[cfg(test)]
mod tests;
mod trouble;

use std::sync::Arc;

use anyhow::{Result, bail};
use clap::error::ErrorKind;
use futures_util::FutureExt;

pub use args::{Bench, Pattern};

use board::Board;
use crowd::Crowd;
use door::Door;
use phase::{Phase, Stage};
use progress::Progress;
use ramp::Ramp;
pub use report::Report;
use silence::silence;
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
    descriptors::allow(bench.connections)?;
    let (board, progress, stop) = (Arc::new(Board::new(bench)?), Progress::new(quiet), stop.boxed().shared());
    progress.joining(bench.connections);
    let crowd = Crowd::gather(bench, &Door::find(bench, target).await?, &board, &progress, &stop).await?;
    let stage = Stage { crowd, board, progress, stop };
    let rate = bench.rate(stage.crowd.speakers.len());
    let phase = Phase { rate, warmup: bench.warmup, duration: bench.duration };
    let (measured, ramp) = match rate.filter(|_| bench.ramp) {
        None => (phase.measure(&stage).await?, None),
        Some(first) => {
            let mut ramp = Ramp::new(bench.p99_under.map(|most| most.as_secs_f64() * 1e3));
            ramp.climb(&stage, phase, first).await?;
            (ramp.best().cloned().unwrap_or_default(), Some(ramp))
        }
    };
    let report = Report::new(bench, stage.crowd.opened, &stage.board.trouble(), measured, ramp);
    stage.crowd.leave().await;
    match silence(&report) {
        Some(text) => bail!(text),
        None => Ok(report),
    }
}

/// A command line that asks for what cannot be.
fn misuse(problem: String) -> anyhow::Error {
    clap::Error::raw(ErrorKind::ValueValidation, problem + "\n").into()
}
