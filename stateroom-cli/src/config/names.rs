//! What a setting is called, as a variable and as a key, and what is said of it in the help.
use std::env;

use clap::{Args, Id};

use super::{AdmissionSettings, LimitSettings, Settings};
use crate::args::Defaults;

/// Variables of settings that were renamed, by the current variable. They are accepted where the current one is not set.
const FORMER_VARIABLES: [(&str, &str); 2] = [
    ("STATEROOM_INBOX_BYTES", "STATEROOM_MAILBOX_BYTES"),
    ("STATEROOM_INBOX_EVENTS", "STATEROOM_MAILBOX_EVENTS"),
];

/// Gives each setting of a verb its variable, and tells its default in the help.
pub(crate) fn explain(verb: clap::Command, defaults: &Defaults) -> clap::Command {
    let settings = ids(Settings::augment_args(clap::Command::new("")));
    let defaults = as_table(&Settings::defaults(defaults));
    verb.mut_args(|argument| {
        let Some(flag) = argument.get_long().filter(|_| settings.contains(argument.get_id())) else { return argument };
        let variable = variable_in_use(variable(flag));
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let default = in_words(at(&defaults, &key(argument.get_id())), argument.get_help_heading());
        argument
            .env(variable)
            .hide_env_values(true)
            .allow_negative_numbers(true)
            .help(format!("{help} [default: {default}]"))
    })
}

/// Settings by their keys.
pub(super) fn as_table(settings: &Settings) -> toml::Value {
    toml::Table::try_from(settings).unwrap_or_default().into()
}

/// What is at a key.
pub(super) fn at<'a>(table: &'a toml::Value, key: &[&str]) -> Option<&'a toml::Value> {
    key.iter().try_fold(table, |table, key| table.get(key))
}

/// A value as it is written on the command line; that of a setting under this heading if there is none.
pub(super) fn in_words(value: Option<&toml::Value>, heading: Option<&str>) -> String {
    match value {
        Some(toml::Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None if heading == Some("Limits of a room") => "what the machine allows".to_owned(),
        None => "none".to_owned(),
    }
}

/// Returns the former name of a variable if only that is set.
fn variable_in_use(variable: String) -> String {
    let former = FORMER_VARIABLES.iter().find(|(current, _)| *current == variable).map(|(_, former)| *former);
    match former {
        Some(former) if env::var_os(&variable).is_none() && env::var_os(former).is_some() => former.to_owned(),
        _ => variable,
    }
}

/// The variable of a flag.
pub(crate) fn variable(flag: &str) -> String {
    format!("STATEROOM_{}", flag.replace('-', "_").to_uppercase())
}

/// Where a setting is in `stateroom.toml`.
pub(crate) fn key(setting: &Id) -> Vec<&str> {
    let tables = [
        ("limits", LimitSettings::augment_args(clap::Command::new(""))),
        ("admission", AdmissionSettings::augment_args(clap::Command::new(""))),
    ];
    let table = tables.into_iter().find_map(|(name, table)| ids(table).contains(setting).then_some(name));
    table.into_iter().chain([setting.as_str()]).collect()
}

fn ids(command: clap::Command) -> Vec<Id> {
    command.get_arguments().map(|argument| argument.get_id().clone()).collect()
}
