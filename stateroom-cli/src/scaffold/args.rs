//! The arguments of `new` and `init`, with prompts for missing ones.
use std::{
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum, error::ErrorKind};
use dialoguer::{Select, theme::ColorfulTheme};

use super::{name::CrateName, source::Source, template::Template, write::Crate};
use crate::ui::{color::BOLD, error::usage, prompt, shell::quoted};

/// The arguments that `new` and `init` share.
#[derive(Debug, Args)]
pub(crate) struct ScaffoldArgs {
    /// Template to create the crate from
    #[arg(short, long, value_enum)]
    template: Option<Template>,

    /// Crate name, if different from the directory name
    #[arg(long, value_name = "NAME")]
    name: Option<CrateName>,

    /// Checkout or Git URL to get Stateroom's crates from [default: what this command was built from]
    #[arg(long, value_name = "PATH-OR-URL")]
    stateroom: Option<String>,

    /// Do not create a Git repository
    #[arg(long)]
    no_git: bool,
}

/// A crate to create.
pub(crate) struct Plan {
    directory: PathBuf,
    template: Template,
    name: CrateName,
    source: Source,
    no_git: bool,
}

impl ScaffoldArgs {
    /// Plans a crate in a directory, prompting for missing arguments. `example` is a complete command for the error without a
    /// terminal.
    ///
    /// # Errors
    ///
    /// Returns an error if an argument is invalid, or is missing and cannot be asked for.
    pub(crate) fn plan(self, directory: &Path, example: &str) -> Result<Plan> {
        Ok(Plan {
            directory: directory.to_owned(),
            name: resolve_name(self.name, directory)?,
            template: resolve_template(self.template, example)?,
            source: Source::find(self.stateroom.as_deref())?,
            no_git: self.no_git,
        })
    }
}

impl Plan {
    /// Creates the crate and prints the next steps.
    ///
    /// # Errors
    ///
    /// Returns an error if files exist already or cannot be written, or cargo rejects the crate.
    pub(crate) fn create(self) -> Result<()> {
        let Plan { directory, template, name, source, no_git } = self;
        let workspace = Crate { directory: &directory, template, name: &name, source: &source, no_git }.write()?;
        let change_directory =
            if directory == Path::new(".") { String::new() } else { format!("    cd {}\n", quoted(&directory)) };
        let mut note = String::new();
        if let Source::Checkout { directory, .. } = source {
            note = format!(
                "Its dependencies are in the checkout {}. Use `--stateroom URL` to depend on a repository instead.\n",
                directory.display()
            );
        }
        if let Some(manifest) = workspace {
            note += &format!(
                "It is a member of the workspace {}, whose profiles apply. For small modules, set there:\n\n    \
                 [profile.release]\n    codegen-units = 1\n    lto = true\n    strip = \"debuginfo\"\n",
                manifest.display()
            );
        }
        let (name, about, run) = (name.as_str(), template.about(), template.run());
        let text = format!("created {BOLD}{name}{BOLD:#}: {about}\n\n{change_directory}    {run}\n\n{note}");
        // A closed stderr is ignored.
        let _ = anstream::stderr().write_all(text.as_bytes());
        Ok(())
    }
}

/// Returns the given name, or that of the directory.
fn resolve_name(given: Option<CrateName>, directory: &Path) -> Result<CrateName> {
    if let Some(name) = given {
        return Ok(name);
    }
    CrateName::of_directory(directory).map_err(|problem| {
        let example =
            CrateName::like(directory).map_or(String::new(), |name| format!(", such as `--name {}`", name.as_str()));
        usage(ErrorKind::ValueValidation, &format!("{problem}\n  hint: choose another name with `--name`{example}"))
    })
}

/// Returns the given template, or prompts for one.
fn resolve_template(given: Option<Template>, example: &str) -> Result<Template> {
    if let Some(template) = given {
        return Ok(template);
    }
    if !prompt::is_interactive() {
        return Err(missing_argument("--template <TEMPLATE>", example));
    }
    let items = Template::ALL.map(|template| format!("{:9}  {}", template.name(), template.about()));
    let theme = ColorfulTheme::default();
    let chosen = Select::with_theme(&theme).with_prompt("Template").items(items).default(0);
    let chosen = prompt::ask(|| chosen.interact())?;
    Template::ALL.get(chosen).copied().context("no template was chosen")
}

/// Returns the error for an argument that is missing without a terminal to prompt on.
pub(crate) fn missing_argument(argument: &str, example: &str) -> anyhow::Error {
    let names: Vec<_> = Template::value_variants().iter().map(|template| template.name()).collect();
    let problem = format!(
        "`{argument}` is required without a terminal\n  hint: for example `{example}`; the templates are {}",
        names.join(", ")
    );
    usage(ErrorKind::MissingRequiredArgument, &problem)
}

/// Appends the list of templates to the examples of the help.
pub(crate) fn with_templates(examples: &str) -> String {
    let line = |template: &Template| format!("  {:9}  {}\n", template.name(), template.about());
    let lines: String = Template::ALL.iter().map(line).collect();
    format!("{examples}\n\nTemplates:\n{lines}")
}
