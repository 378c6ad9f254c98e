//! The command line: its verbs, and how it is read.
#[cfg(test)]
mod readme;

use std::env;

use anyhow::Result;
use clap::{
    CommandFactory, FromArgMatches, Parser, Subcommand,
    error::{ContextKind, ContextValue},
};

use crate::{
    commands::{
        BenchCommand, BuildCommand, CompletionsCommand, ConfigCommand, DevCommand, DoctorCommand, InitCommand,
        InspectCommand, ManCommand, NewCommand, ServeCommand,
    },
    settings::{CACHE_VARIABLE, Defaults, explain, name_variable},
    ui::{GlobalArgs, LOG_FORMAT_VARIABLE, closest::closest, color::Colour},
};

const EXAMPLES: &str = "\
Examples:
  stateroom new my-app -t chat      make a crate to begin with
  stateroom dev                     build the crate here, serve it on http://127.0.0.1:8080
  stateroom dev 3000 -C my-service  the crate in my-service, on port 3000
  stateroom build                   build the crate here into dist
  stateroom serve dist --port 80    serve what was built
  stateroom serve service.wasm -r uuid -s never
  stateroom doctor                  check this machine for what all of that takes

Every setting is a flag, a variable STATEROOM_*, or a key of stateroom.toml: the first of these that is given counts.";

/// Rooms over WebSockets: a service written in Rust, a sandboxed instance for each room.
#[derive(Debug, Parser)]
#[command(name = "stateroom", version, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    New(NewCommand),
    Init(InitCommand),
    Dev(DevCommand),
    Build(BuildCommand),
    Serve(ServeCommand),
    Bench(BenchCommand),
    Inspect(InspectCommand),
    Config(ConfigCommand),
    Doctor(DoctorCommand),
    Completions(CompletionsCommand),
    Man(ManCommand),
}

impl Cli {
    /// Whether a service is being worked on.
    pub(crate) fn is_dev(&self) -> bool {
        matches!(self.command, Command::Dev(_))
    }

    /// Does what the command line says.
    ///
    /// # Errors
    ///
    /// All that can go wrong, with what to do about it.
    pub(crate) fn run(self) -> Result<()> {
        self.global.enter_directory()?;
        match self.command {
            Command::New(new) => new.run(),
            Command::Init(init) => init.run(),
            Command::Dev(dev) => dev.run(&self.global),
            Command::Build(build) => build.run(&self.global),
            Command::Serve(serve) => serve.run(),
            Command::Bench(bench) => bench.run(&self.global),
            Command::Inspect(inspect) => inspect.run(),
            Command::Config(config) => config.run(),
            Command::Doctor(doctor) => doctor.run(),
            Command::Completions(completions) => completions.run(command()),
            Command::Man(man) => man.run(command()),
        }
    }
}

/// The command as clap knows it, each setting with its variable and its default.
pub(crate) fn command() -> clap::Command {
    Cli::command()
        .mut_subcommand("dev", |verb| explain(verb, &Defaults::DEV))
        .mut_subcommand("serve", |verb| explain(verb, &Defaults::SERVE))
        .mut_subcommand("config", |verb| explain(verb, &Defaults::SERVE))
}

/// Reads the command line. Where it asks for help or makes no sense, the process ends here.
pub(crate) fn parse() -> Cli {
    let read = |command: &mut clap::Command| Cli::from_arg_matches(&command.try_get_matches_from_mut(env::args_os())?);
    read(&mut command()).unwrap_or_else(|error| {
        Colour::said(env::args_os()).choose();
        name_variable(name_verb(error)).exit()
    })
}

/// In a short word, two letters that have changed places are too much for clap.
fn name_verb(mut error: clap::Error) -> clap::Error {
    let unknown = match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(unknown)) if error.get(ContextKind::SuggestedSubcommand).is_none() => unknown.clone(),
        _ => return error,
    };
    let command = command();
    if let Some(meant) = closest(&unknown, command.get_subcommands().map(clap::Command::get_name)) {
        error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(vec![meant.to_owned()]));
    }
    error
}

/// Warns of variables that look like settings and are none.
pub(crate) fn check_variables() {
    const PREFIX: &str = "STATEROOM_";
    let command = command();
    let arguments = command.find_subcommand("serve").into_iter().flat_map(clap::Command::get_arguments);
    let variables =
        arguments.filter_map(|argument| argument.get_env()?.to_str()).chain([CACHE_VARIABLE, LOG_FORMAT_VARIABLE]);
    let known: Vec<&str> = variables.filter_map(|variable| variable.strip_prefix(PREFIX)).collect();
    for (variable, _) in env::vars_os() {
        let Some(name) = variable.to_str().and_then(|variable| variable.strip_prefix(PREFIX)) else { continue };
        match closest(name, known.iter().copied()) {
            Some(meant) if meant == name => {}
            Some(meant) => tracing::warn!("there is no variable {PREFIX}{name}: did you mean {PREFIX}{meant}?"),
            None => tracing::warn!("there is no variable {PREFIX}{name}: `stateroom serve --help` lists them"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_verb_has_examples() {
        let mut command = command();
        command.build();
        for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
            let help = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains(&format!("Examples:\n  stateroom {}", verb.get_name())), "{}", verb.get_name());
        }
    }

    #[test]
    fn all_examples_can_be_typed() {
        let mut command = command();
        command.build();
        let helps = command.get_subcommands().filter_map(clap::Command::get_after_help).chain(command.get_after_help());
        let helps: Vec<_> = helps.map(ToString::to_string).collect();
        let examples = helps.iter().flat_map(|help| help.lines()).filter_map(|line| line.strip_prefix("  stateroom"));
        for example in examples {
            // What follows is for a shell, or says what it does.
            let words = example.split(['>', '|']).next().unwrap().split("  ").next().unwrap().split_whitespace();
            let parsed = super::command().try_get_matches_from(["stateroom"].into_iter().chain(words));
            assert!(parsed.is_ok(), "stateroom{example}: {}", parsed.unwrap_err());
        }
    }
}
