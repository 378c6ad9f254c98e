//! The command line: the list of commands, parsing and dispatch.
#[cfg(test)]
mod readme;

use std::{env, process};

use anyhow::Result;
use clap::{
    CommandFactory, FromArgMatches, Parser, Subcommand,
    error::{ContextKind, ContextValue, ErrorKind},
};

use crate::{
    commands::{
        BenchCommand, BuildCommand, CompletionsCommand, ConfigCommand, DevCommand, DoctorCommand, InitCommand,
        InspectCommand, ManCommand, NewCommand, ServeCommand,
    },
    settings::{CACHE_VARIABLE, Defaults, name_variable, variables, with_variables},
    ui::{GlobalArgs, LOG_FORMAT_VARIABLE, closest::closest, color::Color, error::print_usage},
};

const EXAMPLES: &str = "\
Examples:
  stateroom new my-app -t chat      create a service crate
  stateroom dev                     build and serve the current crate on http://127.0.0.1:8080
  stateroom dev 3000 -C my-service  build and serve the crate in my-service on port 3000
  stateroom build                   build the current crate into dist
  stateroom serve dist --port 80    serve a built service
  stateroom serve service.wasm -r uuid -s never
  stateroom doctor                  check this machine's setup

Settings are read from flags, environment variables (STATEROOM_*) and stateroom.toml, in this order of precedence.
Durations are written as 30 (seconds), 30s, 500ms, 5m or 2h; sizes as 65536 (bytes), 64KiB, 16MiB or 1GB.";

/// Rooms over WebSockets: services written in Rust, one sandboxed instance per room
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
    /// Returns whether the command is `dev`.
    pub(crate) fn is_dev(&self) -> bool {
        matches!(self.command, Command::Dev(_))
    }

    /// Runs the command.
    ///
    /// # Errors
    ///
    /// Returns the error of the command.
    pub(crate) fn run(self) -> Result<()> {
        self.global.change_directory()?;
        match self.command {
            Command::New(new) => new.run(&self.global),
            Command::Init(init) => init.run(&self.global),
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

/// Returns the definition of the command line, with the environment variable and the default of each setting.
pub(crate) fn command() -> clap::Command {
    Cli::command()
        .mut_subcommand("build", |command| with_variables(command, &Defaults::SERVE))
        .mut_subcommand("dev", |command| with_variables(command, &Defaults::DEV))
        .mut_subcommand("serve", |command| with_variables(command, &Defaults::SERVE))
        .mut_subcommand("config", |command| with_variables(command, &Defaults::SERVE))
}

/// Parses the command line. Exits if it is invalid or requests help.
pub(crate) fn parse() -> Cli {
    let read = |command: &mut clap::Command| Cli::from_arg_matches(&command.try_get_matches_from_mut(env::args_os())?);
    read(&mut command()).unwrap_or_else(|error| {
        Color::find(env::args_os()).apply();
        let error = name_variable(suggest_command(without_escape(error)));
        print_usage(&error);
        process::exit(error.exit_code())
    })
}

/// Removes the suggestion to pass an unknown flag after `--`, where it would be an argument of cargo, or a name.
fn without_escape(mut error: clap::Error) -> clap::Error {
    if error.kind() == ErrorKind::UnknownArgument
        && let Some(ContextValue::StyledStrs(mut tips)) = error.remove(ContextKind::Suggested)
    {
        tips.retain(|tip| !tip.to_string().starts_with("to pass '"));
        if !tips.is_empty() {
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
        }
    }
    error
}

/// Suggests a command for a misspelled one. In short names, clap does not recognize two swapped letters.
fn suggest_command(mut error: clap::Error) -> clap::Error {
    let unknown = match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(unknown)) if error.get(ContextKind::SuggestedSubcommand).is_none() => unknown.clone(),
        _ => return error,
    };
    let command = command();
    if let Some(known) = closest(&unknown, command.get_subcommands().map(clap::Command::get_name)) {
        error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(vec![known.to_owned()]));
    }
    error
}

/// Warns about unknown environment variables that look like settings.
pub(crate) fn check_variables() {
    const PREFIX: &str = "STATEROOM_";
    let settings = variables();
    let variables = settings.iter().map(String::as_str).chain([CACHE_VARIABLE, LOG_FORMAT_VARIABLE]);
    let known: Vec<&str> = variables.filter_map(|variable| variable.strip_prefix(PREFIX)).collect();
    for (variable, _) in env::vars_os() {
        let Some(name) = variable.to_str().and_then(|variable| variable.strip_prefix(PREFIX)) else { continue };
        match closest(name, known.iter().copied()) {
            Some(known) if known == name => {}
            Some(known) => {
                tracing::warn!("unknown environment variable {PREFIX}{name}: did you mean {PREFIX}{known}?");
            }
            None => {
                tracing::warn!("unknown environment variable {PREFIX}{name}: see `stateroom serve --help`");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_has_examples() {
        let mut command = command();
        command.build();
        for command in command.get_subcommands().filter(|command| command.get_name() != "help") {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let name = command.get_name();
            assert!(help.contains(&format!("Examples:\n  stateroom {name}")), "{name}");
        }
    }

    #[test]
    fn all_examples_parse() {
        let mut command = command();
        command.build();
        let helps = command.get_subcommands().filter_map(clap::Command::get_after_help).chain(command.get_after_help());
        let helps: Vec<_> = helps.map(ToString::to_string).collect();
        let examples = helps.iter().flat_map(|help| help.lines()).filter_map(|line| line.strip_prefix("  stateroom"));
        for example in examples {
            // The rest is for the shell, or a comment.
            let words = example.split(['>', '|']).next().unwrap().split("  ").next().unwrap().split_whitespace();
            let parsed = super::command().try_get_matches_from(["stateroom"].into_iter().chain(words));
            assert!(parsed.is_ok(), "stateroom{example}: {}", parsed.unwrap_err());
        }
    }
}
