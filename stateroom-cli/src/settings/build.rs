//! Settings of builds and of `dev`.
//!
//! *Invariant:* what cargo has a flag for is passed on under the same name. Arguments that would change what is built, or where,
//! are refused.
use std::env;

use anyhow::Result;
use clap::{Args, builder::BoolishValueParser};
use serde::{Deserialize, Deserializer, Serialize};
use toml::Table;

use super::{
    names::{find, variable},
    resolve::{SettingsSources, contradiction},
    schema::Settings,
};

/// The heading of the help.
const HEADING: &str = "Build options";
/// The cargo profile of builds.
const DEFAULT_PROFILE: &str = "release";

/// The table `[build]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table: write `[build]` and its keys below it")]
pub(crate) struct BuildSettings {
    /// Features of the service: a comma-separated list
    #[arg(short = 'F', long, value_name = "NAMES", help_heading = HEADING, value_delimiter = ',')]
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub(crate) features: Vec<String>,

    /// Build the service with all of its features
    #[arg(long, value_name = "BOOL", help_heading = HEADING, value_parser = BoolishValueParser::new(),
        num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) all_features: Option<bool>,

    /// Build the service without its default features
    #[arg(long, value_name = "BOOL", help_heading = HEADING, value_parser = BoolishValueParser::new(),
        num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) no_default_features: Option<bool>,

    /// Features of the client: a comma-separated list
    #[arg(long, value_name = "NAMES", help_heading = HEADING, value_delimiter = ',')]
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub(crate) client_features: Vec<String>,

    /// Build the client with all of its features
    #[arg(long, value_name = "BOOL", help_heading = HEADING, value_parser = BoolishValueParser::new(),
        num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_all_features: Option<bool>,

    /// Build the client without its default features
    #[arg(long, value_name = "BOOL", help_heading = HEADING, value_parser = BoolishValueParser::new(),
        num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_no_default_features: Option<bool>,

    /// Cargo profile of the service and the client
    #[arg(long, value_name = "NAME", help_heading = HEADING)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) profile: Option<String>,

    /// Require that Cargo.lock is up to date
    #[arg(long, value_name = "BOOL", help_heading = HEADING, value_parser = BoolishValueParser::new(),
        num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) locked: Option<bool>,

    /// Build without network access
    #[arg(long, value_name = "BOOL", help_heading = HEADING, value_parser = BoolishValueParser::new(),
        num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) offline: Option<bool>,

    /// As --locked and --offline together
    #[arg(long, value_name = "BOOL", help_heading = HEADING, value_parser = BoolishValueParser::new(),
        num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) frozen: Option<bool>,

    /// Further arguments of `cargo build`
    #[arg(last = true, value_name = "CARGO-ARGS", help_heading = HEADING)]
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub(crate) cargo_args: Vec<String>,
}

/// The table `[dev]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table: write `[dev]` and its keys below it")]
pub(crate) struct DevSettings {
    /// Look for changes every second, for file systems that do not report them
    #[arg(long, value_name = "BOOL", help_heading = "Development options", value_parser = BoolishValueParser::new(),
        num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) poll: Option<bool>,
}

impl BuildSettings {
    /// Returns whether nothing is set.
    pub(super) fn is_empty(&self) -> bool {
        *self == BuildSettings::default()
    }

    /// Returns the defaults.
    pub(super) fn defaults() -> BuildSettings {
        BuildSettings {
            all_features: Some(false),
            no_default_features: Some(false),
            client_all_features: Some(false),
            client_no_default_features: Some(false),
            profile: Some(DEFAULT_PROFILE.to_owned()),
            locked: Some(false),
            offline: Some(false),
            frozen: Some(false),
            ..BuildSettings::default()
        }
    }

    /// Returns the cargo profile.
    pub(crate) fn profile(&self) -> &str {
        self.profile.as_deref().unwrap_or(DEFAULT_PROFILE)
    }

    /// Takes the arguments of cargo from the environment if there are none on the command line.
    pub(super) fn or_environment(mut self) -> BuildSettings {
        if self.cargo_args.is_empty() {
            let arguments = env::var(variable("cargo-args")).unwrap_or_default();
            self.cargo_args = arguments.split_whitespace().map(str::to_owned).collect();
        }
        self
    }
}

impl DevSettings {
    /// Returns whether nothing is set.
    pub(super) fn is_empty(&self) -> bool {
        *self == DevSettings::default()
    }
}

impl Settings {
    /// Returns these settings with those of commands that build.
    pub(crate) fn with_build(self, build: BuildSettings, dev: DevSettings) -> Settings {
        Settings { build, dev, ..self }
    }
}

impl SettingsSources {
    /// Checks the arguments of cargo. Only commands that build need them to be valid.
    ///
    /// # Errors
    ///
    /// Returns an error if one of them contradicts a build: a usage error if it was given on the command line.
    pub(crate) fn check_cargo_args(&self) -> Result<()> {
        let arguments = &self.settings.build.cargo_args;
        let following = arguments.iter().skip(1).map(Some).chain([None]);
        let refused =
            arguments.iter().zip(following).find_map(|(argument, next)| Some((argument, refusal(argument, next)?)));
        let Some((argument, hint)) = refused else { return Ok(()) };
        let is_given = self.given.build.cargo_args.contains(argument);
        Err(contradiction(is_given, &format!("`{argument}` cannot be passed to cargo"), hint))
    }
}

/// Returns what to do instead of passing an argument, which another may follow, to cargo.
fn refusal(argument: &str, next: Option<&String>) -> Option<&'static str> {
    let (name, value) = match argument.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (argument, next.map(String::as_str)),
    };
    match name {
        "--target" => Some("remove it: services are built for wasm32-wasip1, clients for wasm32-unknown-unknown"),
        "--manifest-path" => Some("use `-C DIR` before `--`"),
        "--package" | "--workspace" | "--all" | "--exclude" => Some(PACKAGE),
        "--lib" | "--bin" | "--bins" | "--example" | "--examples" | "--test" | "--tests" | "--bench" | "--benches"
        | "--all-targets" => Some("remove it: only the libraries of the service and the client are built"),
        "--features" | "--all-features" | "--no-default-features" => Some(FEATURES),
        "--message-format" => Some("remove it: stateroom reads the messages of cargo"),
        "--target-dir" => Some(TARGET_DIRECTORY),
        "--config" if value.is_some_and(sets_target_directory) => Some(TARGET_DIRECTORY),
        "--release" | "--profile" => Some(PROFILE),
        "--quiet" => Some(QUIET),
        "--help" => Some(HELP),
        "--" => Some("remove it: `cargo build` takes no further arguments"),
        _ if argument.starts_with('+') => Some("select a toolchain with RUSTUP_TOOLCHAIN or rust-toolchain.toml"),
        _ if argument.starts_with("--") => None,
        _ => short_flags(argument).find_map(|flag| match flag {
            'p' => Some(PACKAGE),
            'F' => Some(FEATURES),
            'r' => Some(PROFILE),
            'q' => Some(QUIET),
            'h' => Some(HELP),
            _ => None,
        }),
    }
}

/// Returns the flags of an argument such as `-vp`, without the value of the last one.
fn short_flags(argument: &str) -> impl Iterator<Item = char> {
    let mut has_value = false;
    let flags = argument.strip_prefix('-').unwrap_or_default().chars();
    flags.take_while(move |flag| !std::mem::replace(&mut has_value, "pFjZ".contains(*flag)))
}

/// Returns whether an argument of `--config` moves the artifacts.
fn sets_target_directory(value: &str) -> bool {
    let is_key = |key: &str| key.trim() == "build.target-dir";
    let parsed = value.parse::<Table>();
    value.split_once('=').is_some_and(|(key, _)| is_key(key))
        || parsed.is_ok_and(|table| find(&table, &["build", "target-dir"]).is_some())
}

const PACKAGE: &str = "set `package` under [service] or [client] in stateroom.toml, or use `-C DIR` before `--`";
const TARGET_DIRECTORY: &str = "set CARGO_TARGET_DIR, or `target-dir` under [build] in .cargo/config.toml";
const PROFILE: &str = "use `--profile NAME` before `--`";
const QUIET: &str = "use `-q` before `--`";
const HELP: &str = "run `cargo build --help`";
const FEATURES: &str = "use `--features` or `--client-features` before `--`: the client may have other features";

/// Reads an array of strings, or a string as on the command line.
fn list<'a, D: Deserializer<'a>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "an array of strings, or a string")]
    enum ListOrText {
        List(Vec<String>),
        Text(String),
    }

    Ok(match ListOrText::deserialize(from)? {
        ListOrText::List(list) => list,
        ListOrText::Text(text) => text.split([',', ' ']).filter(|part| !part.is_empty()).map(str::to_owned).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_that_contradict_a_build_are_refused_in_any_form() {
        for (arguments, hint) in [
            ("-pother", Some(PACKAGE)),
            ("-vp other", Some(PACKAGE)),
            ("-vvpother", Some(PACKAGE)),
            ("--package=other", Some(PACKAGE)),
            ("-vr", Some(PROFILE)),
            ("-vFx", Some(FEATURES)),
            ("-vq", Some(QUIET)),
            ("-h", Some(HELP)),
            ("-vh", Some(HELP)),
            ("--help", Some(HELP)),
            ("--target-dir x", Some(TARGET_DIRECTORY)),
            ("--config build.target-dir='x'", Some(TARGET_DIRECTORY)),
            ("--config=build.target-dir=x", Some(TARGET_DIRECTORY)),
            ("--config build={target-dir='x'}", Some(TARGET_DIRECTORY)),
            ("--config net.retry=1", None),
            ("--config", None),
            ("-vj1", None),
            ("-j", None),
            ("-Zprofile-hint-mostly-unused", None),
            ("--timings --verbose -vv", None),
        ] {
            let list: Vec<_> = arguments.split(' ').map(str::to_owned).collect();
            assert_eq!(list.first().and_then(|argument| refusal(argument, list.get(1))), hint, "{arguments}");
        }
    }
}
