//! `stateroom man`: prints or writes manual pages, generated from the help.
use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use clap_mangen::Man;

use crate::ui::report;

const EXAMPLES: &str = "\
Examples:
  stateroom man ~/.local/share/man/man1   then: man stateroom, man stateroom-serve
  stateroom man | man -l -";

/// Print the manual page, or write the pages of all commands to a directory
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ManCommand {
    /// Directory to write the pages of all commands to; created if missing
    #[arg(value_name = "DIR")]
    pages: Option<PathBuf>,
}

impl ManCommand {
    /// Prints the main page, or writes all pages.
    ///
    /// # Errors
    ///
    /// Returns an error if the pages cannot be written.
    pub(crate) fn run(self, command: clap::Command) -> Result<()> {
        // Its page would repeat the others.
        let command = command.disable_help_subcommand(true);
        let Some(directory) = self.pages else {
            let mut page = Vec::new();
            Man::new(command).render(&mut page).context("failed to render the manual page")?;
            return report::print(&String::from_utf8_lossy(&page));
        };
        fs::create_dir_all(&directory).with_context(|| format!("failed to create `{}`", directory.display()))?;
        clap_mangen::generate_to(command, &directory)
            .with_context(|| format!("failed to write to `{}`", directory.display()))?;
        tracing::info!("wrote the manual pages to `{}`", directory.display());
        Ok(())
    }
}
