//! `stateroom completions`: prints completion scripts for shells.
use anyhow::Result;
use clap::Args;
use clap_complete::Shell;

use crate::ui::report;

const EXAMPLES: &str = "\
Examples:
  stateroom completions bash > ~/.local/share/bash-completion/completions/stateroom
  stateroom completions zsh > ~/.zfunc/_stateroom      requires ~/.zfunc in $fpath
  stateroom completions fish > ~/.config/fish/completions/stateroom.fish";

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CompletionsCommand {
    /// Shell to print the script for
    shell: Shell,
}

impl CompletionsCommand {
    /// Prints the script.
    ///
    /// # Errors
    ///
    /// Returns an error if stdout cannot be written.
    pub(crate) fn run(self, mut command: clap::Command) -> Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "stateroom", &mut script);
        report::print(&String::from_utf8_lossy(&script))
    }
}
