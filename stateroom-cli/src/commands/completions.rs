//! `stateroom completions`: what a shell is told about our command lines.
use anyhow::Result;
use clap::Args;
use clap_complete::Shell;

use crate::{args, report};

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell that is to read it
    shell: Shell,
}

pub(super) fn run(completions: &Completions) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(completions.shell, &mut args::command(), "stateroom", &mut script);
    report::print(&String::from_utf8_lossy(&script))
}
