//! What each setting is, and what has said so.
//!
//! *Invariant:* nothing here reads a file that a setting names: of keys and secrets, it knows the paths.
use std::{collections::BTreeSet, path::PathBuf};

use clap::{ArgMatches, Args, FromArgMatches, parser::ValueSource};
use serde::Serialize;

use super::{
    layers::Defaults,
    names::{as_table, at, explain, in_words, key, name_variable, variable},
    resolve::Said,
    schema::Settings,
};

impl Settings {
    /// What the environment says, for a verb that does not take them as flags.
    ///
    /// # Errors
    ///
    /// Where a variable has a value that makes no sense.
    pub(crate) fn of_environment() -> Result<Settings, clap::Error> {
        let command = explain(Settings::augment_args(clap::Command::new("stateroom")), &Defaults::SERVE);
        let matches = command.no_binary_name(true).try_get_matches_from([""; 0]).map_err(name_variable)?;
        Settings::from_arg_matches(&matches)
    }
}

/// Which of the settings the command line itself says. Has to be read before the settings are, which takes them away.
#[derive(Debug, Default)]
pub(crate) struct Flags(BTreeSet<String>);

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let is_said = |id: &&clap::Id| matches.value_source(id.as_str()) == Some(ValueSource::CommandLine);
        Ok(Flags(matches.ids().filter(is_said).map(ToString::to_string).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Flags::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for Flags {
    fn augment_args(command: clap::Command) -> clap::Command {
        command
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        command
    }
}

/// A setting.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    /// Where it is in `stateroom.toml`.
    #[serde(skip)]
    pub(crate) key: String,
    /// Nothing, where it is left to the machine or turns something off.
    value: Option<toml::Value>,
    default: Option<toml::Value>,
    #[serde(flatten)]
    pub(crate) origin: Origin,
    /// The value as it would be written.
    #[serde(skip)]
    pub(crate) text: String,
}

/// What has said that a setting is as it is, and how that is called.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "from", content = "name", rename_all = "snake_case")]
pub(crate) enum Origin {
    Flag(String),
    Variable(String),
    File(PathBuf),
    Preset(String),
    Default,
}

impl Origin {
    /// In a word or two.
    pub(crate) fn describe(&self) -> String {
        match self {
            Origin::Flag(name) | Origin::Variable(name) => name.clone(),
            Origin::File(path) => path.display().to_string(),
            Origin::Preset(name) => format!("preset {name}"),
            Origin::Default => "default".to_owned(),
        }
    }
}

impl Said {
    /// All settings, in the order of the help, for a verb with these defaults.
    pub(crate) fn rows(&self, defaults: &Defaults, flags: &Flags) -> Vec<Row> {
        let preset = self.settings.preset.unwrap_or_default();
        let [given, said, of_preset, default] = [
            self.given.clone(),
            self.settings.clone(),
            Settings { limits: preset.limits(), ..Settings::default() },
            Settings::defaults(defaults),
        ]
        .map(|settings| as_table(&settings));
        let command = Settings::augment_args(clap::Command::new(""));
        let row = |argument: &clap::Arg| {
            let key = key(argument.get_id());
            let [given, said, of_preset, default] = [&given, &said, &of_preset, &default].map(|table| at(table, &key));
            let flag = argument.get_long().unwrap_or_default();
            let (value, origin) = match (given, said, of_preset) {
                (Some(value), ..) if flags.0.contains(argument.get_id().as_str()) => {
                    (Some(value), Origin::Flag(format!("--{flag}")))
                }
                (Some(value), ..) => (Some(value), Origin::Variable(variable(flag))),
                (_, Some(value), _) => (Some(value), Origin::File(self.path.clone())),
                (.., Some(value)) if Some(value) != default => (Some(value), Origin::Preset(preset.to_string())),
                _ => (default, Origin::Default),
            };
            let text = in_words(value, argument.get_help_heading());
            Row { key: key.join("."), value: value.cloned(), default: default.cloned(), origin, text }
        };
        command.get_arguments().map(row).chain(self.rows_of_the_crate()).collect()
    }

    /// What the file alone can say.
    fn rows_of_the_crate(&self) -> impl Iterator<Item = Row> {
        let Settings { static_files, client, service, .. } = &self.settings;
        [
            ("static_files", static_files.as_ref().map(|files| files.display().to_string())),
            ("service.package", service.package.clone()),
            ("client.package", client.as_ref().map(|client| client.package.clone())),
        ]
        .map(|(key, value)| Row {
            key: key.to_owned(),
            origin: if value.is_some() { Origin::File(self.path.clone()) } else { Origin::Default },
            text: value.clone().unwrap_or_else(|| "none".to_owned()),
            value: value.map(toml::Value::String),
            default: None,
        })
        .into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_more_is_where_a_setting_comes_from() {
        let given: Settings = toml::from_str("port = 1\nip = '::1'").unwrap();
        let file: Settings =
            toml::from_str("port = 2\npreset = 'public'\n[limits]\nroom_connections = 3\n[client]\npackage = 'c'")
                .unwrap();
        let said = Said { settings: given.clone().over(file), given, path: "stateroom.toml".into() };
        let rows = said.rows(&Defaults::SERVE, &Flags(["port".to_owned()].into()));
        let file = Origin::File("stateroom.toml".into());
        for (key, text, origin) in [
            ("port", "1", &Origin::Flag("--port".to_owned())),
            ("ip", "::1", &Origin::Variable("STATEROOM_IP".to_owned())),
            ("limits.room_connections", "3", &file),
            ("limits.messages_per_second", "100", &Origin::Preset("public".to_owned())),
            ("limits.rooms", "10000", &Origin::Default),
            ("limits.instances", "what the machine allows", &Origin::Default),
            ("admission.jwt_key_file", "none", &Origin::Default),
            ("client.package", "c", &file),
            ("static_files", "none", &Origin::Default),
        ] {
            let row = rows.iter().find(|row| row.key == key).unwrap();
            assert_eq!((row.text.as_str(), &row.origin), (text, origin), "{key}");
        }
    }
}
