//! The options that every command has.
use std::{env, path::PathBuf};

use anyhow::{Context, Result};
use clap::{ArgAction, Args, ValueEnum};

use super::{color::Color, shell::quoted};

const HEADING: &str = "Global options";

/// The environment variable of `--log-format`.
pub(crate) const LOG_FORMAT_VARIABLE: &str = "STATEROOM_LOG_FORMAT";

/// The options that every command has.
#[derive(Debug, Args)]
pub(crate) struct GlobalArgs {
    /// Change to this directory before running the command
    #[arg(short = 'C', long, global = true, help_heading = HEADING, value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,

    /// Use verbose output; repeat for more
    #[arg(short, long, global = true, help_heading = HEADING, action = ArgAction::Count, conflicts_with = "quiet")]
    pub(crate) verbose: u8,

    /// Use quiet output: -q for warnings and errors, -qq for errors, -qqq for none
    #[arg(short, long, global = true, help_heading = HEADING, action = ArgAction::Count)]
    pub(crate) quiet: u8,

    /// Format of log lines
    #[arg(
        long,
        global = true,
        help_heading = HEADING,
        value_name = "FORMAT",
        value_enum,
        default_value_t,
        env = LOG_FORMAT_VARIABLE,
        hide_env_values = true
    )]
    pub(super) log_format: LogFormat,

    /// Control colors; auto respects the terminal, NO_COLOR and CLICOLOR_FORCE
    #[arg(long, global = true, help_heading = HEADING, value_name = "WHEN", value_enum, default_value_t)]
    pub(crate) color: Color,
}

/// The format of log lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    // For people.
    #[default]
    Text,
    // For programs: one object per line.
    Json,
}

impl GlobalArgs {
    /// Returns the flag `-C` for a command that is suggested, if it was given.
    pub(crate) fn directory_flag(&self) -> String {
        self.directory.as_deref().map_or(String::new(), |directory| format!(" -C {}", quoted(directory)))
    }

    /// Changes to the directory of `-C`, if there is one.
    ///
    /// # Errors
    ///
    /// Returns an error if the directory does not exist.
    pub(crate) fn change_directory(&self) -> Result<()> {
        let Some(directory) = &self.directory else { return Ok(()) };
        env::set_current_dir(directory)
            .with_context(|| format!("failed to change to the directory `{}`", directory.display()))
    }
}
