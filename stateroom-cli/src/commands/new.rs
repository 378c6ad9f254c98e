//! `stateroom new`: creates a service crate in a new directory.
use std::{fs, path::PathBuf};

use anyhow::{Result, bail};
use clap::Args;
use dialoguer::{Input, theme::ColorfulTheme};

use crate::{
    scaffold::{CrateName, ScaffoldArgs, missing_argument, with_templates},
    ui::{GlobalArgs, prompt, shell::quoted},
};

const EXAMPLES: &str = "\
Examples:
  stateroom new my-app               prompts for the template
  stateroom new my-app -t chat
  stateroom new games/pong -t game-loop --name pong --no-git";

/// Create a service crate in a new directory
#[derive(Debug, Args)]
#[command(after_help = with_templates(EXAMPLES))]
pub(crate) struct NewCommand {
    /// Directory to create; its name becomes the crate name
    #[arg(value_name = "NAME")]
    path: Option<PathBuf>,

    #[command(flatten)]
    scaffold: ScaffoldArgs,
}

impl NewCommand {
    /// Creates the directory and the crate.
    ///
    /// # Errors
    ///
    /// Returns an error if the directory is not empty, or a missing argument cannot be asked for.
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<()> {
        let directory = match self.path {
            Some(directory) => directory,
            None if prompt::is_interactive() => ask_name()?.into(),
            None => return Err(missing_argument("NAME", &format!("stateroom new{} my-app", global.directory_flag()))),
        };
        // Checked before any prompt.
        if fs::read_dir(&directory).is_ok_and(|mut files| files.next().is_some()) {
            bail!(
                "the directory `{}` is not empty\n  hint: use `stateroom init -C {}` to create a crate in it",
                directory.display(),
                quoted(&global.directory.clone().unwrap_or_default().join(&directory))
            );
        }
        let example = format!("stateroom new{} {} -t counter", global.directory_flag(), quoted(&directory));
        self.scaffold.plan(&directory, &example)?.create()
    }
}

fn ask_name() -> Result<String> {
    let theme = ColorfulTheme::default();
    let name = Input::with_theme(&theme)
        .with_prompt("Crate name")
        .default("my-app".to_owned())
        .validate_with(|text: &String| text.parse::<CrateName>().map(drop));
    prompt::ask(|| name.interact_text())
}
