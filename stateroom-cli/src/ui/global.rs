//! The options that every verb has.
use std::{env, path::PathBuf};

use anyhow::{Context, Result};
use clap::{ArgAction, Args, ValueEnum};

use super::color::Colour;

/// Their heading in the help.
const GLOBAL: &str = "Global options";

/// The variable of `--log-format`.
pub(crate) const LOG_FORMAT_VARIABLE: &str = "STATEROOM_LOG_FORMAT";

/// What every verb can be told, apart from what is its own.
#[derive(Debug, Args)]
pub(crate) struct GlobalArgs {
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
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    // For people.
    #[default]
    Text,
    // For programs: an object a line.
    Json,
}

impl GlobalArgs {
    /// Works in the directory that was named, if one was.
    ///
    /// # Errors
    ///
    /// Where there is no such directory.
    pub(crate) fn enter_directory(&self) -> Result<()> {
        let Some(directory) = &self.directory else { return Ok(()) };
        env::set_current_dir(directory).with_context(|| format!("cannot work in `{}`", directory.display()))
    }
}
