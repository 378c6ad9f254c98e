//! Settings of builds and of `dev`.
//!
//! *Invariant:* what cargo has a flag for is passed on under the same name. Arguments that would change what is built, or where,
//! are refused.
use std::env;

use anyhow::Result;
use clap::{Args, builder::BoolishValueParser};
use serde::{Deserialize, Deserializer, Serialize};

use super::{
    names::variable,
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
        let refused = self.settings.build.cargo_args.iter().find_map(|argument| Some((argument, refusal(argument)?)));
        let Some((argument, hint)) = refused else { return Ok(()) };
        let is_given = self.given.build.cargo_args.contains(argument);
        Err(contradiction(is_given, &format!("`{argument}` cannot be passed to cargo"), hint))
    }
}

/// Returns what to do instead of passing an argument to cargo.
fn refusal(argument: &str) -> Option<&'static str> {
    let name = argument.split('=').next().unwrap_or_default();
    let is_short = |letter: &str| argument.starts_with(letter);
    match name {
        "--target" => Some("remove it: services are built for wasm32-wasip1, clients for wasm32-unknown-unknown"),
        "--manifest-path" => Some("use `-C DIR` before `--`"),
        "--package" | "--workspace" | "--all" | "--exclude" => Some(PACKAGE),
        "--lib" | "--bin" | "--bins" | "--example" | "--examples" | "--test" | "--tests" | "--bench" | "--benches"
        | "--all-targets" => Some("remove it: only the libraries of the service and the client are built"),
        "--release" | "--profile" => Some("use `--profile NAME` before `--`"),
        "--features" | "--all-features" | "--no-default-features" => Some(FEATURES),
        "--message-format" => Some("remove it: stateroom reads the messages of cargo"),
        "--target-dir" => Some("set CARGO_TARGET_DIR, or `target-dir` under [build] in .cargo/config.toml"),
        "--quiet" => Some("use `-q` before `--`"),
        "--" => Some("remove it: `cargo build` takes no further arguments"),
        _ if argument.starts_with('+') => Some("select a toolchain with RUSTUP_TOOLCHAIN or rust-toolchain.toml"),
        _ if argument.starts_with("--") => None,
        _ if is_short("-p") => Some(PACKAGE),
        _ if is_short("-F") => Some(FEATURES),
        _ if is_short("-r") => Some("use `--profile NAME` before `--`"),
        _ if is_short("-q") => Some("use `-q` before `--`"),
        _ => None,
    }
}

const PACKAGE: &str = "set `package` under [service] or [client] in stateroom.toml, or use `-C DIR` before `--`";
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
