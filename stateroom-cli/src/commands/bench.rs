//! `stateroom bench`: measures rooms, and fails if they were not as good as they were asked to be.
use anyhow::{Context, Result, bail};
use tokio::runtime::Runtime;

use crate::{
    bench::{Bench, measure, publish},
    shutdown,
};

pub(super) fn run(bench: &Bench, quiet: bool) -> Result<()> {
    let stop = shutdown::requested().context("signals cannot be listened for")?;
    let report = Runtime::new().context("no runtime can be made")?.block_on(measure(bench, quiet, stop))?;
    publish(bench, &report)?;
    let faults = report.faults(bench.p99_under, bench.max_errors);
    if faults.is_empty() { Ok(()) } else { bail!(faults.join("; ")) }
}
