//! The names of settings: flags, environment variables and keys; and the lines of the help.
use std::env;

use clap::{
    Arg, Args, Id,
    error::{ContextKind, ContextValue},
};
use stateroom_quantity::{format_duration, parse_duration};
use toml::{Table, Value};

use super::{
    admission::AdmissionSettings,
    build::{BuildSettings, DevSettings},
    layers::Defaults,
    limits::{LimitSettings, ROOM_LIMITS, TOTAL_MEMORY},
    schema::Settings,
    value::{Seconds, ValueName},
};

/// The former environment variables of renamed settings, which are read if the current one is not set.
const FORMER_VARIABLES: [(&str, &str); 2] =
    [("STATEROOM_INBOX_BYTES", "STATEROOM_MAILBOX_BYTES"), ("STATEROOM_INBOX_EVENTS", "STATEROOM_MAILBOX_EVENTS")];

/// Returns the arguments of all settings.
pub(super) fn all_arguments() -> clap::Command {
    let command = Settings::augment_args(clap::Command::new("stateroom"));
    DevSettings::augment_args(BuildSettings::augment_args(command))
}

/// Returns the environment variables of all settings.
pub(crate) fn variables() -> Vec<String> {
    all_arguments().get_arguments().map(|argument| variable_in_use(variable(&flag(argument)))).collect()
}

/// Returns the flag of a setting, or the name of one without a flag as if it were one.
pub(super) fn flag(argument: &Arg) -> String {
    argument.get_long().map_or_else(|| argument.get_id().as_str().replace('_', "-"), str::to_owned)
}

/// Adds the environment variable and the default of each setting to a command.
pub(crate) fn with_variables(command: clap::Command, defaults: &Defaults) -> clap::Command {
    let settings = ids(all_arguments());
    let defaults = Settings::defaults(defaults).to_table().unwrap_or_default();
    command.mut_args(|argument| {
        let Some(flag) = argument.get_long().filter(|_| settings.contains(argument.get_id())) else { return argument };
        let variable = variable_in_use(variable(flag));
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let default = value_text(find(&defaults, &key(argument.get_id())), &argument);
        argument
            .env(variable)
            .hide_env_values(true)
            .allow_negative_numbers(true)
            .help(format!("{help} [default: {default}]"))
    })
}

/// Returns the value of a key.
pub(super) fn find<'a>(table: &'a Table, key: &[&str]) -> Option<&'a Value> {
    let (last, tables) = key.split_last()?;
    tables.iter().try_fold(table, |table, key| table.get(*key)?.as_table())?.get(*last)
}

/// Formats the value of a setting as on the command line.
pub(crate) fn value_text(value: Option<&Value>, argument: &Arg) -> String {
    let is_duration = argument.get_value_names().is_some_and(|names| names == [Seconds::VALUE_NAME]);
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(list)) => {
            let separator = if argument.is_positional() { " " } else { "," };
            list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(separator)
        }
        Some(value) if is_duration => {
            parse_duration(&value.to_string()).map_or_else(|_| value.to_string(), format_duration)
        }
        Some(value) => value.to_string(),
        None if argument.get_id() == TOTAL_MEMORY => "3/4 of the machine's".to_owned(),
        None if argument.get_help_heading() == Some(ROOM_LIMITS) => "set by the machine".to_owned(),
        None => "none".to_owned(),
    }
}

/// Returns the environment variable of a flag.
pub(super) fn variable(flag: &str) -> String {
    format!("STATEROOM_{}", flag.replace('-', "_").to_uppercase())
}

/// Returns the former name of a variable if only that one is set.
fn variable_in_use(variable: String) -> String {
    let former = FORMER_VARIABLES.iter().find(|(current, _)| *current == variable).map(|(_, former)| *former);
    match former {
        Some(former) if env::var_os(&variable).is_none() && env::var_os(former).is_some() => former.to_owned(),
        _ => variable,
    }
}

/// Adds the environment variable to the error of an invalid value that came from one: clap names the flag.
pub(crate) fn name_variable(mut error: clap::Error) -> clap::Error {
    let (Some(ContextValue::String(flag)), Some(ContextValue::String(value))) =
        (error.get(ContextKind::InvalidArg), error.get(ContextKind::InvalidValue))
    else {
        return error;
    };
    let flag = flag.split_whitespace().next().unwrap_or_default();
    let variable = variable(flag.trim_start_matches('-'));
    if env::var(&variable).is_ok_and(|set| set == *value) {
        let tip = format!("the value comes from the environment variable {variable}");
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

/// Returns the key of a setting in `stateroom.toml`.
pub(crate) fn key(setting: &Id) -> Vec<&str> {
    let tables = [
        ("limits", LimitSettings::augment_args(clap::Command::new(""))),
        ("admission", AdmissionSettings::augment_args(clap::Command::new(""))),
        ("build", BuildSettings::augment_args(clap::Command::new(""))),
        ("dev", DevSettings::augment_args(clap::Command::new(""))),
    ];
    let table = tables.into_iter().find_map(|(name, table)| ids(table).contains(setting).then_some(name));
    table.into_iter().chain([setting.as_str()]).collect()
}

fn ids(command: clap::Command) -> Vec<Id> {
    command.get_arguments().map(|argument| argument.get_id().clone()).collect()
}
