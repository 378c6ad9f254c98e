//! What a new crate is to be. What was not said is asked, where somebody is there to answer.
use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum, error::ErrorKind};
use dialoguer::{Select, theme::ColorfulTheme};

use super::{
    name::CrateName,
    source::Source,
    template::Template,
    write::{begin_repository, write},
};
use crate::ui::{color, error::usage, prompt};

/// What a new crate is to be.
#[derive(Debug, Args)]
pub(crate) struct ScaffoldArgs {
    /// What it begins as
    #[arg(short, long, value_enum)]
    template: Option<Template>,

    /// Its name, where that is not to be the directory's
    #[arg(long, value_name = "NAME")]
    name: Option<CrateName>,

    /// Where the crates of Stateroom are: a checkout, or a repository for git [default: what this command was built from]
    #[arg(long, value_name = "PATH-OR-URL")]
    stateroom: Option<String>,

    /// Begin no repository of git
    #[arg(long)]
    no_git: bool,
}

/// A crate that is about to be made.
pub(crate) struct Plan {
    directory: PathBuf,
    template: Template,
    name: CrateName,
    source: Source,
    no_git: bool,
}

impl ScaffoldArgs {
    /// Settles what is made in a directory.
    ///
    /// # Errors
    ///
    /// Where something was not said and cannot be asked, or cannot be had.
    pub(crate) fn plan(self, directory: &Path) -> Result<Plan> {
        Ok(Plan {
            directory: directory.to_owned(),
            name: name(self.name, directory)?,
            template: template(self.template)?,
            source: Source::find(self.stateroom.as_deref())?,
            no_git: self.no_git,
        })
    }
}

impl Plan {
    /// Makes the crate, and says how to go on.
    ///
    /// # Errors
    ///
    /// Where files are in the way, or cannot be written.
    pub(crate) fn create(self) -> Result<()> {
        let Plan { directory, template, name, source, no_git } = self;
        write(&directory, template, &name, &source)?;
        if !no_git {
            begin_repository(&directory);
        }
        let (bold, plain) = if color::is_enabled() { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
        let enter =
            if directory == Path::new(".") { String::new() } else { format!("    cd {}\n", directory.display()) };
        let depends = match source {
            Source::Checkout(checkout) => format!(
                "It depends on the checkout in {}; for other machines, `--stateroom URL` names a repository.\n",
                checkout.display()
            ),
            Source::Git { .. } => String::new(),
        };
        let (name, about, run) = (name.as_str(), template.about(), template.run());
        let text = format!("made {bold}{name}{plain}: {about}\n\n{enter}    {run}\n\n{depends}");
        // Nobody may be there to read it.
        let _ = io::stderr().write_all(text.as_bytes());
        Ok(())
    }
}

/// The crate's name: what was said, or that of the directory.
fn name(said: Option<CrateName>, directory: &Path) -> Result<CrateName> {
    if let Some(name) = said {
        return Ok(name);
    }
    CrateName::of_directory(directory)
        .map_err(|problem| usage(ErrorKind::ValueValidation, &format!("{problem}\n  hint: or name it by `--name`")))
}

fn template(said: Option<Template>) -> Result<Template> {
    if let Some(template) = said {
        return Ok(template);
    }
    if !prompt::is_attended() {
        return Err(missing("--template <TEMPLATE>", "stateroom new my-app -t counter"));
    }
    let items = Template::ALL.map(|template| format!("{:9}  {}", template.name(), template.about()));
    let theme = ColorfulTheme::default();
    let chosen = Select::with_theme(&theme).with_prompt("What does it begin as?").items(items).default(0);
    let chosen = prompt::ask(|| chosen.interact())?;
    Template::ALL.get(chosen).copied().context("nothing was chosen")
}

/// What has to be said where nobody can be asked.
pub(crate) fn missing(what: &str, example: &str) -> anyhow::Error {
    let names: Vec<_> = Template::value_variants().iter().map(|template| template.name()).collect();
    let problem = format!(
        "`{what}` is needed, as this is no terminal to ask on\n  hint: such as `{example}`; templates are {}",
        names.join(", ")
    );
    usage(ErrorKind::MissingRequiredArgument, &problem)
}

/// The end of the help: examples, and the templates.
pub(crate) fn with_templates(examples: &str) -> String {
    let line = |template: &Template| format!("  {:9}  {}\n", template.name(), template.about());
    let lines: String = Template::ALL.iter().map(line).collect();
    format!("{examples}\n\nTemplates:\n{lines}")
}
