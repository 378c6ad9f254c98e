//! The command line: its verbs, and what each can be told.
mod examples;

use std::{
    env,
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    time::Duration,
};

use clap::{
    ArgAction, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum,
    error::{ContextKind, ContextValue},
};

use stateroom_server::Origins;

use crate::{
    build::CACHE_VARIABLE,
    closest::closest,
    colour::Colour,
    commands::{
        bench::BenchCommand,
        completions::Completions,
        config::Config,
        doctor::Doctor,
        inspect::Inspect,
        man::Man,
        new::{self, New},
    },
    config::{Port, Settings, explain, variable},
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

/// What every verb can be told, apart from what is its own.
const GLOBAL: &str = "Global options";

/// Rooms over WebSockets: a service written in Rust, a sandboxed instance for each room.
#[derive(Debug, Parser)]
#[command(name = "stateroom", version, after_help = EXAMPLES)]
pub(crate) struct Cli {
    /// Work in this directory, as if called from there
    #[arg(short = 'C', long, global = true, help_heading = GLOBAL, value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,

    /// Log more; -vv and -vvv still more
    #[arg(short, long, global = true, help_heading = GLOBAL, action = ArgAction::Count, conflicts_with = "quiet")]
    pub(crate) verbose: u8,

    /// Log less; -qq and -qqq still less
    #[arg(short, long, global = true, help_heading = GLOBAL, action = ArgAction::Count)]
    pub(crate) quiet: u8,

    /// How log lines are written
    #[arg(
        long,
        global = true,
        help_heading = GLOBAL,
        value_name = "FORMAT",
        value_enum,
        default_value_t,
        env = LOG_FORMAT_VARIABLE,
        hide_env_values = true
    )]
    pub(crate) log_format: LogFormat,

    /// Whether there are colours; auto is on a terminal, unless NO_COLOR or CLICOLOR_FORCE say otherwise
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "WHEN", value_enum, default_value_t)]
    pub(crate) color: Colour,

    #[command(subcommand)]
    pub(crate) verb: Verb,
}

const LOG_FORMAT_VARIABLE: &str = "STATEROOM_LOG_FORMAT";

/// How log lines are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    // For people.
    #[default]
    Text,
    // For programs: an object a line.
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Make a crate to begin with
    #[command(after_help = new::templates(examples::NEW))]
    New(New),
    /// Make one in this directory
    #[command(after_help = new::templates(examples::INIT))]
    Init(new::Options),
    /// Build the service crate here, serve it on this machine, and do so again on each save
    #[command(after_help = examples::DEV)]
    Dev(Dev),
    /// Build the service crate here into the directory dist
    #[command(after_help = examples::BUILD)]
    Build,
    /// Serve a built service
    #[command(after_help = examples::SERVE)]
    Serve(Serve),
    Bench(BenchCommand),
    /// Look at what a module is made of, and whether it can be served
    #[command(after_help = examples::INSPECT)]
    Inspect(Inspect),
    /// List the settings, and where each comes from
    #[command(after_help = examples::CONFIG)]
    Config(Config),
    /// Check this machine for what building and serving take
    #[command(after_help = examples::DOCTOR)]
    Doctor(Doctor),
    /// Print a script by which a shell completes command lines of stateroom
    #[command(after_help = examples::COMPLETIONS)]
    Completions(Completions),
    /// Print the manual page, or write one for each verb
    #[command(after_help = examples::MAN)]
    Man(Man),
}

impl Verb {
    /// What is being developed is seen by this machine alone, whatever serves its pages.
    pub(crate) const DEV: Defaults =
        Defaults { ip: IpAddr::V4(Ipv4Addr::LOCALHOST), origins: Origins::loopback, drain_time: Duration::ZERO };
    /// What is served is seen by all, from its own pages.
    pub(crate) const SERVE: Defaults = Defaults {
        ip: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        origins: Origins::same_host,
        drain_time: Duration::from_secs(5),
    };
}

/// What the verbs do not have in common where nothing is said.
#[derive(Debug)]
pub(crate) struct Defaults {
    pub(crate) ip: IpAddr,
    pub(crate) origins: fn() -> Origins,
    pub(crate) drain_time: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct Dev {
    /// The port to listen on: the same as --port; wins over it
    #[arg(value_name = "PORT", allow_negative_numbers = true)]
    pub(crate) at: Option<Port>,

    #[command(flatten)]
    pub(crate) options: DevOptions,

    #[command(flatten)]
    pub(crate) settings: Settings,
}

/// How `dev` goes about it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Development")]
pub(crate) struct DevOptions {
    /// Have rooms that begin again with new code told what they were told before, so that they know what they knew
    #[arg(long)]
    pub(crate) restore: bool,

    /// Open the page in a browser
    #[arg(long)]
    pub(crate) open: bool,

    /// Take the next port that is free, where this one is not
    #[arg(long)]
    pub(crate) next_port: bool,

    /// Build by cargo's profile `release`, as it is without this
    #[arg(long, overrides_with = "debug")]
    pub(crate) release: bool,

    /// Build by cargo's profile `dev`: faster to build, slower to run
    #[arg(long, overrides_with = "release")]
    pub(crate) debug: bool,

    /// Show what happens in the rooms to other machines, too, where these may come in
    #[arg(long)]
    pub(crate) inspector: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// What to serve: a .wasm file, a .wat file, or a directory that `stateroom build` made
    pub(crate) module: PathBuf,

    /// Show what happens in the rooms in a browser, on the address of --admin, under /_stateroom/. It is written down for that
    #[arg(long, help_heading = "Server")]
    pub(crate) inspector: bool,

    #[command(flatten)]
    pub(crate) settings: Settings,
}

/// The command as clap knows it, each setting with its variable and its default.
pub(crate) fn command() -> clap::Command {
    Cli::command()
        .mut_subcommand("dev", |verb| explain(verb, &Verb::DEV))
        .mut_subcommand("serve", |verb| explain(verb, &Verb::SERVE))
        .mut_subcommand("config", |verb| explain(verb, &Verb::SERVE))
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

/// clap calls a wrong value by its flag, even where it is that of a variable.
pub(crate) fn name_variable(mut error: clap::Error) -> clap::Error {
    let (Some(ContextValue::String(flag)), Some(ContextValue::String(value))) =
        (error.get(ContextKind::InvalidArg), error.get(ContextKind::InvalidValue))
    else {
        return error;
    };
    let flag = flag.split_whitespace().next().unwrap_or_default();
    let variable = variable(flag.trim_start_matches('-'));
    if env::var(&variable).is_ok_and(|set| set == *value) {
        let tip = format!("the value is that of the variable {variable}");
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
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
