//! `stateroom bench`: measures rooms, and fails if they were not as good as they were asked to be.
use std::fs;

use anyhow::{Context, Result, bail};
use stateroom_bench::{Bench, Report, measure};
use tokio::runtime::Runtime;

use crate::{report, shutdown};

pub(super) fn run(bench: &Bench, quiet: bool) -> Result<()> {
    let stop = shutdown::requested().context("signals cannot be listened for")?;
    let report = Runtime::new().context("no runtime can be made")?.block_on(measure(bench, quiet, stop))?;
    publish(bench, &report)?;
    let faults = report.faults(bench.p99_under, bench.max_errors);
    if faults.is_empty() { Ok(()) } else { bail!(faults.join("; ")) }
}

/// Writes the report, to wherever it was asked for.
fn publish(bench: &Bench, report: &Report) -> Result<()> {
    if bench.json {
        report::print_json(report)?;
    } else {
        report::print(&report.text())?;
    }
    if let Some(file) = &bench.html {
        fs::write(file, report.page()).with_context(|| format!("cannot write `{}`", file.display()))?;
    }
    Ok(())
}
