//! `stateroom completions`: what a shell is told about our command lines.
use anyhow::Result;
use clap::Args;
use clap_complete::Shell;

use crate::ui::report;

const EXAMPLES: &str = "\
Examples:
  stateroom completions bash > ~/.local/share/bash-completion/completions/stateroom
  stateroom completions zsh > ~/.zfunc/_stateroom      with ~/.zfunc in $fpath
  stateroom completions fish > ~/.config/fish/completions/stateroom.fish";

/// Print a script by which a shell completes command lines of stateroom
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CompletionsCommand {
    /// The shell that is to read it
    shell: Shell,
}

impl CompletionsCommand {
    /// Prints the script.
    ///
    /// # Errors
    ///
    /// Where stdout cannot be written to.
    pub(crate) fn run(self, mut command: clap::Command) -> Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "stateroom", &mut script);
        report::print(&String::from_utf8_lossy(&script))
    }
}
