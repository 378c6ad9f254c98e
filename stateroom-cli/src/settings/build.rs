//! Settings of builds and of `dev`.
//!
//! *Invariant:* what cargo has a flag for is passed on under the same name.
use clap::{Args, builder::BoolishValueParser};
use serde::{Deserialize, Deserializer, Serialize};

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
}

impl DevSettings {
    /// Returns whether nothing is set.
    pub(super) fn is_empty(&self) -> bool {
        *self == DevSettings::default()
    }
}

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
