//! `stateroom man`: the manual pages, of what the help says.
use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use clap_mangen::Man;

use crate::ui::report;

const EXAMPLES: &str = "\
Examples:
  stateroom man ~/.local/share/man/man1   then: man stateroom, man stateroom-serve
  stateroom man | man -l -";

/// Print the manual page, or write one for each verb
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ManCommand {
    /// Where to write a page for each verb, besides the main one; made if it is not there
    #[arg(value_name = "DIR")]
    pages: Option<PathBuf>,
}

impl ManCommand {
    /// Prints the main page, or writes them all.
    ///
    /// # Errors
    ///
    /// Where they cannot be written.
    pub(crate) fn run(self, command: clap::Command) -> Result<()> {
        // A page about it would only be the other pages once more.
        let command = command.disable_help_subcommand(true);
        let Some(directory) = self.pages else {
            let mut page = Vec::new();
            Man::new(command).render(&mut page).context("there is no page")?;
            return report::print(&String::from_utf8_lossy(&page));
        };
        fs::create_dir_all(&directory).with_context(|| format!("`{}` cannot be made", directory.display()))?;
        clap_mangen::generate_to(command, &directory)
            .with_context(|| format!("`{}` cannot be written to", directory.display()))?;
        tracing::info!("the pages are in `{}`", directory.display());
        Ok(())
    }
}
