//! `stateroom new`: a crate to begin with, in a directory of its own.
use std::{fs, path::PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use dialoguer::{Input, theme::ColorfulTheme};

use crate::{
    scaffold::{CrateName, ScaffoldArgs, missing, with_templates},
    ui::prompt,
};

const EXAMPLES: &str = "\
Examples:
  stateroom new my-app               asks what it begins as
  stateroom new my-app -t chat
  stateroom new games/pong -t game-loop --name pong --no-git";

/// Make a crate to begin with
#[derive(Debug, Args)]
#[command(after_help = with_templates(EXAMPLES))]
pub(crate) struct NewCommand {
    /// The directory to make for it, whose name becomes the crate's
    #[arg(value_name = "NAME")]
    place: Option<PathBuf>,

    #[command(flatten)]
    scaffold: ScaffoldArgs,
}

impl NewCommand {
    /// Makes a directory with a crate in it.
    ///
    /// # Errors
    ///
    /// Where something is in the way, or was not said and cannot be asked.
    pub(crate) fn run(self) -> Result<()> {
        let directory = match self.place {
            Some(directory) => directory,
            None if prompt::is_attended() => ask_name()?.into(),
            None => return Err(missing("NAME", "stateroom new my-app")),
        };
        // Before anything is asked about it.
        if fs::read_dir(&directory).is_ok_and(|mut files| files.next().is_some()) {
            bail!(
                "`{}` is there already, and not empty\n  hint: `stateroom init -C {0}` makes a crate in it",
                directory.display()
            );
        }
        let plan = self.scaffold.plan(&directory)?;
        fs::create_dir_all(&directory).with_context(|| format!("`{}` cannot be made", directory.display()))?;
        plan.create()
    }
}

fn ask_name() -> Result<String> {
    let theme = ColorfulTheme::default();
    let name = Input::with_theme(&theme)
        .with_prompt("What is it called?")
        .default("my-app".to_owned())
        .validate_with(|text: &String| text.parse::<CrateName>().map(drop));
    prompt::ask(|| name.interact_text())
}
