//! `stateroom bench`: measures rooms, and fails if they were not as good as they were asked to be.
use anyhow::{Context, Result, bail};
use clap::Args;
use tokio::runtime::Runtime;

use crate::{
    bench::{Bench, measure, publish},
    serve::shutdown,
    ui::GlobalArgs,
};

/// Put a load on rooms, and tell how fast they answer
#[derive(Debug, Args)]
pub(crate) struct BenchCommand {
    #[command(flatten)]
    bench: Bench,
}

impl BenchCommand {
    /// Measures.
    ///
    /// # Errors
    ///
    /// Where nothing could be measured, or it was worse than asked for.
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<()> {
        let bench = self.bench;
        let stop = shutdown::requested().context("signals cannot be listened for")?;
        let runtime = Runtime::new().context("no runtime can be made")?;
        let report = runtime.block_on(measure(&bench, global.quiet > 0, stop))?;
        publish(&bench, &report)?;
        let faults = report.faults(bench.p99_under, bench.max_errors);
        if faults.is_empty() { Ok(()) } else { bail!(faults.join("; ")) }
    }
}
