//! `stateroom man`: the manual pages, of what the help says.
use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use clap_mangen::Man as Page;

use crate::{args, report};

#[derive(Debug, Args)]
pub(crate) struct Man {
    /// Where to write a page for each verb, besides the main one; made if it is not there
    #[arg(value_name = "DIR")]
    pages: Option<PathBuf>,
}

pub(super) fn run(man: &Man) -> Result<()> {
    // A page about it would only be the other pages once more.
    let command = args::command().disable_help_subcommand(true);
    let Some(directory) = &man.pages else {
        let mut page = Vec::new();
        Page::new(command).render(&mut page).context("there is no page")?;
        return report::print(&String::from_utf8_lossy(&page));
    };
    fs::create_dir_all(directory).with_context(|| format!("`{}` cannot be made", directory.display()))?;
    clap_mangen::generate_to(command, directory)
        .with_context(|| format!("`{}` cannot be written to", directory.display()))?;
    tracing::info!("the pages are in `{}`", directory.display());
    Ok(())
}
