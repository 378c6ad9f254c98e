//! `stateroom new` and `stateroom init`: a crate to begin with.
//!
//! What was not said is asked, where somebody is there to answer.
use std::{
    fs,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    process,
};

use anyhow::{Context, Error, Result, bail};
use clap::{Args, ValueEnum, error::ErrorKind};
use dialoguer::{Input, Select, console::Term, theme::ColorfulTheme};

use crate::{
    logging,
    new::{self, CrateName, Source, Template},
    shutdown,
};

/// Where a new crate is to be.
#[derive(Debug, Args)]
pub(crate) struct New {
    /// The directory to make for it, whose name becomes the crate's
    #[arg(value_name = "NAME")]
    pub(crate) place: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) options: Options,
}

/// What a new crate is to be.
#[derive(Debug, Args)]
pub(crate) struct Options {
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

/// The end of the help: examples, and the templates.
pub(crate) fn templates(examples: &str) -> String {
    let line = |template: &Template| format!("  {:9}  {}\n", template.name(), template.about());
    let lines: String = Template::ALL.iter().map(line).collect();
    format!("{examples}\n\nTemplates:\n{lines}")
}

/// Makes a directory with a crate in it.
pub(super) fn run(new: New) -> Result<()> {
    let directory = match new.place {
        Some(directory) => directory,
        None if is_attended() => ask_name()?.into(),
        None => return Err(missing("NAME", "stateroom new my-app")),
    };
    // Before anything is asked about it.
    if fs::read_dir(&directory).is_ok_and(|mut files| files.next().is_some()) {
        bail!(
            "`{}` is there already, and not empty\n  hint: `stateroom init -C {0}` makes a crate in it",
            directory.display()
        );
    }
    let name = name(new.options.name.as_ref(), &directory)?;
    let template = template(new.options.template)?;
    let source = Source::find(new.options.stateroom.as_deref())?;
    fs::create_dir_all(&directory).with_context(|| format!("`{}` cannot be made", directory.display()))?;
    create(&directory, template, &name, &source, new.options.no_git)
}

/// Makes a crate in the working directory.
pub(super) fn init(options: Options) -> Result<()> {
    let here = Path::new(".");
    let name = name(options.name.as_ref(), here)?;
    let template = template(options.template)?;
    let source = Source::find(options.stateroom.as_deref())?;
    create(here, template, &name, &source, options.no_git)
}

fn create(directory: &Path, template: Template, name: &CrateName, source: &Source, no_git: bool) -> Result<()> {
    new::create(directory, template, name, source)?;
    if !no_git {
        new::begin_repository(directory);
    }
    let (bold, plain) = if logging::colour() { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    let enter = if directory == Path::new(".") { String::new() } else { format!("    cd {}\n", directory.display()) };
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

/// The crate's name: what was said, or that of the directory.
fn name(said: Option<&CrateName>, directory: &Path) -> Result<CrateName> {
    if let Some(name) = said {
        return Ok(name.clone());
    }
    CrateName::of_directory(directory)
        .map_err(|problem| usage(ErrorKind::ValueValidation, &format!("{problem}\n  hint: or name it by `--name`")))
}

fn template(said: Option<Template>) -> Result<Template> {
    if let Some(template) = said {
        return Ok(template);
    }
    if !is_attended() {
        return Err(missing("--template <TEMPLATE>", "stateroom new my-app -t counter"));
    }
    let items = Template::ALL.map(|template| format!("{:9}  {}", template.name(), template.about()));
    let theme = ColorfulTheme::default();
    let chosen = Select::with_theme(&theme).with_prompt("What does it begin as?").items(items).default(0);
    let chosen = ask(|| chosen.interact())?;
    Template::ALL.get(chosen).copied().context("nothing was chosen")
}

fn ask_name() -> Result<String> {
    let theme = ColorfulTheme::default();
    let name = Input::with_theme(&theme)
        .with_prompt("What is it called?")
        .default("my-app".to_owned())
        .validate_with(|text: &String| text.parse::<CrateName>().map(drop));
    ask(|| name.interact_text())
}

/// Asks something. Who goes away instead of answering gets the cursor back, which is hidden meanwhile.
fn ask<T>(question: impl FnOnce() -> dialoguer::Result<T>) -> Result<T> {
    // Else ctrl-c would end the process on the spot.
    shutdown::hold_interrupts().context("signals cannot be listened for")?;
    question().map_err(|dialoguer::Error::IO(error)| {
        let _ = Term::stderr().show_cursor();
        if error.kind() == io::ErrorKind::Interrupted {
            // As a shell reports a process that died of it.
            process::exit(130);
        }
        Error::new(error).context("there is no answer")
    })
}

/// Whether somebody is there who can be asked.
fn is_attended() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// What has to be said where nobody can be asked.
fn missing(what: &str, example: &str) -> anyhow::Error {
    let names: Vec<_> = Template::value_variants().iter().map(|template| template.name()).collect();
    let problem = format!(
        "`{what}` is needed, as this is no terminal to ask on\n  hint: such as `{example}`; templates are {}",
        names.join(", ")
    );
    usage(ErrorKind::MissingRequiredArgument, &problem)
}

fn usage(kind: ErrorKind, problem: &str) -> anyhow::Error {
    clap::Error::raw(kind, format!("{problem}\n")).into()
}
