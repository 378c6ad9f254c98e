//! The value of each setting, and its origin: a flag, an environment variable, the file, the preset or the default.
//!
//! *Invariant:* no file that a setting names is read: of keys and secrets, only the paths are shown.
use std::{collections::BTreeSet, path::PathBuf};

use anyhow::Result;
use clap::{ArgMatches, Args, FromArgMatches, parser::ValueSource};
use serde::Serialize;

use super::{
    build::{BuildSettings, DevSettings},
    layers::Defaults,
    names::{all_arguments, find, flag, key, name_variable, value_text, variable, with_variables},
    schema::Settings,
    sources::SettingsSources,
};

impl Settings {
    /// Reads the settings of the environment, for commands that do not have them as flags.
    ///
    /// # Errors
    ///
    /// Returns an error if an environment variable has an invalid value.
    pub(crate) fn of_environment() -> Result<Settings, clap::Error> {
        let command = with_variables(all_arguments(), &Defaults::SERVE);
        let matches = command.no_binary_name(true).try_get_matches_from([""; 0]).map_err(name_variable)?;
        Ok(Settings {
            build: BuildSettings::from_arg_matches(&matches)?,
            dev: DevSettings::from_arg_matches(&matches)?,
            ..Settings::from_arg_matches(&matches)?
        })
    }
}

/// The flags that were given on the command line. Must be parsed before [`Settings`], which removes their values.
#[derive(Debug, Default)]
pub(crate) struct GivenFlags(BTreeSet<String>);

impl GivenFlags {
    /// Returns whether a setting was given.
    pub(crate) fn contains(&self, setting: &str) -> bool {
        self.0.contains(setting)
    }
}

impl FromArgMatches for GivenFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let is_given = |id: &&clap::Id| matches.value_source(id.as_str()) == Some(ValueSource::CommandLine);
        Ok(GivenFlags(matches.ids().filter(is_given).map(ToString::to_string).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = GivenFlags::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for GivenFlags {
    fn augment_args(command: clap::Command) -> clap::Command {
        command
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        command
    }
}

/// A setting with its value and origin.
#[derive(Debug, Serialize)]
pub(crate) struct ListedSetting {
    /// Key in `stateroom.toml`.
    #[serde(skip)]
    pub(crate) key: String,
    /// Value. `None` if the machine determines it or the feature is off.
    value: Option<toml::Value>,
    default: Option<toml::Value>,
    #[serde(flatten)]
    pub(crate) origin: Origin,
    /// Value as on the command line.
    #[serde(skip)]
    pub(crate) text: String,
}

/// The origin of a value, with its name.
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
    /// Formats the origin for a table.
    pub(crate) fn describe(&self) -> String {
        match self {
            Origin::Flag(name) | Origin::Variable(name) => name.clone(),
            Origin::File(path) => path.display().to_string(),
            Origin::Preset(name) => format!("preset {name}"),
            Origin::Default => "default".to_owned(),
        }
    }
}

impl SettingsSources {
    /// Lists all settings of a command with these defaults, in the order of its help.
    ///
    /// # Errors
    ///
    /// Returns an error if a path is not Unicode.
    pub(crate) fn list(&self, defaults: &Defaults, flags: &GivenFlags) -> Result<Vec<ListedSetting>> {
        let preset = self.settings.preset.unwrap_or_default();
        let (given, settings) = (self.given.to_table()?, self.settings.to_table()?);
        let of_preset = Settings::of_preset(preset).to_table()?;
        let defaults = Settings::defaults(defaults).to_table()?;
        let command = all_arguments();
        let setting = |argument: &clap::Arg| {
            let key = key(argument.get_id());
            let default = find(&defaults, &key);
            let flag = flag(argument);
            let (value, origin) = match (find(&given, &key), find(&settings, &key), find(&of_preset, &key)) {
                (Some(value), ..) if flags.contains(argument.get_id().as_str()) => {
                    let name = if argument.is_positional() { "--".to_owned() } else { format!("--{flag}") };
                    (Some(value), Origin::Flag(name))
                }
                (Some(value), ..) => (Some(value), Origin::Variable(variable(&flag))),
                (_, Some(value), _) => (Some(value), Origin::File(self.path.clone())),
                (.., Some(value)) if Some(value) != default => (Some(value), Origin::Preset(preset.to_string())),
                _ => (default, Origin::Default),
            };
            let text = value_text(value, argument);
            ListedSetting { key: key.join("."), value: value.cloned(), default: default.cloned(), origin, text }
        };
        Ok(command.get_arguments().map(setting).chain(self.list_file_only()).collect())
    }

    /// Lists the settings without a flag.
    fn list_file_only(&self) -> impl Iterator<Item = ListedSetting> {
        let Settings { static_files, client, service, .. } = &self.settings;
        [
            ("static_files", static_files.as_ref().map(|files| files.display().to_string())),
            ("service.package", service.package.clone()),
            ("service.durable", service.durable.then(|| "true".to_owned())),
            ("client.package", client.as_ref().map(|client| client.package.clone())),
        ]
        .map(|(key, value)| ListedSetting {
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
    fn the_origin_is_the_source_that_takes_precedence() {
        let given: Settings = toml::from_str("port = 1\nip = '::1'").unwrap();
        let file: Settings =
            toml::from_str("port = 2\npreset = 'public'\n[limits]\nroom_connections = 3\n[client]\npackage = 'c'")
                .unwrap();
        let settings = given.over(file).unwrap();
        let sources = SettingsSources { settings, given, path: "stateroom.toml".into() };
        let settings = sources.list(&Defaults::SERVE, &GivenFlags(["port".to_owned()].into())).unwrap();
        let file = Origin::File("stateroom.toml".into());
        for (key, text, origin) in [
            ("port", "1", &Origin::Flag("--port".to_owned())),
            ("ip", "::1", &Origin::Variable("STATEROOM_IP".to_owned())),
            ("limits.room_connections", "3", &file),
            ("limits.messages_per_second", "100", &Origin::Preset("public".to_owned())),
            ("limits.rooms", "10000", &Origin::Default),
            ("limits.cpu_budget", "2s", &Origin::Default),
            ("limits.instances", "set by the machine", &Origin::Default),
            ("admission.jwt_key_file", "none", &Origin::Default),
            ("client.package", "c", &file),
            ("static_files", "none", &Origin::Default),
        ] {
            let setting = settings.iter().find(|setting| setting.key == key).unwrap();
            assert_eq!((setting.text.as_str(), &setting.origin), (text, origin), "{key}");
        }
    }
}
