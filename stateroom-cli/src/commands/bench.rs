//! `stateroom bench`: load-tests a server.
use anyhow::{Context, Result, bail};
use clap::Args;
use tokio::runtime::Runtime;

use crate::{
    bench::{Bench, measure, publish},
    serve::shutdown,
    ui::GlobalArgs,
};

/// Load-test a server and report latencies
#[derive(Debug, Args)]
pub(crate) struct BenchCommand {
    #[command(flatten)]
    bench: Bench,
}

impl BenchCommand {
    /// Runs the load test and reports its result.
    ///
    /// # Errors
    ///
    /// Returns an error if nothing could be measured, or the result does not meet the given requirements.
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<()> {
        let bench = self.bench;
        let stop = shutdown::requested().context("failed to install signal handlers")?;
        let runtime = Runtime::new().context("failed to start the Tokio runtime")?;
        let report = runtime.block_on(measure(&bench, global.quiet > 0, stop))?;
        publish(&bench, &report)?;
        let faults = report.faults(bench.p99_under, bench.max_errors);
        if faults.is_empty() { Ok(()) } else { bail!(faults.join("; ")) }
    }
}
