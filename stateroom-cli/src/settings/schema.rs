//! The declaration of every setting.
use std::path::PathBuf;

use clap::{Args, builder::BoolishValueParser};
use serde::{Deserialize, Serialize};
use stateroom_server::RoomStrategy;

use super::{
    admission::{AdmissionSettings, ResponseHeaders},
    build::{BuildSettings, DevSettings},
    limits::LimitSettings,
    preset::Preset,
    value::{Address, Ip, Policy, Port, Positive, Seconds, Swap, ValueName, as_text},
};

/// Settings of flags, environment variables and `stateroom.toml`. Those without a flag can only be set in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// Directory of static files to serve under `/`.
    #[arg(skip)]
    #[serde(skip_serializing)]
    pub(crate) static_files: Option<PathBuf>,

    /// Accepted for compatibility. Unused.
    #[arg(skip)]
    #[serde(skip_serializing)]
    pub(super) service_id: Option<String>,

    /// Package of the browser client.
    #[arg(skip)]
    #[serde(skip_serializing)]
    pub(crate) client: Option<ClientPackage>,

    /// Package of the service.
    #[arg(skip)]
    #[serde(skip_serializing)]
    pub(crate) service: ServicePackage,

    /// IP address to listen on; localhost is both 127.0.0.1 and ::1
    #[arg(long, value_name = "IP", help_heading = "Server options")]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    pub(crate) ip: Option<Ip>,

    /// Port to listen on; 0 selects a free one
    #[arg(short, long, value_name = "PORT", help_heading = "Server options")]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    pub(crate) port: Option<Port>,

    /// Interval between pings; 0 disables pings
    #[arg(short = 'i', long, value_name = Seconds::VALUE_NAME, help_heading = "Server options")]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    pub(super) heartbeat_interval: Option<Seconds>,

    /// Close clients that are silent for this long; must exceed the interval
    #[arg(short = 't', long, value_name = Seconds::VALUE_NAME, help_heading = "Server options")]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    pub(super) heartbeat_timeout: Option<Seconds>,

    /// How rooms are created: implicit, api, uuid, short, or short3 to short12
    #[arg(short, long = "rooms", value_name = "STRATEGY", help_heading = "Server options")]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    pub(super) room_strategy: Option<RoomStrategy>,

    /// When to end empty rooms: never, immediate, or after a duration
    #[arg(short, long, value_name = "POLICY", help_heading = "Server options")]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    pub(super) shutdown_policy: Option<Policy>,

    /// Compress messages for clients that support permessage-deflate
    #[arg(long, value_name = "BOOL", help_heading = "Server options", value_parser = BoolishValueParser::new(),
        num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) compression: Option<bool>,

    /// Further headers that HTTP responses of rooms may have, besides those about the content: a comma-separated list
    #[arg(long, value_name = "NAMES", help_heading = "Server options")]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    pub(super) response_headers: Option<ResponseHeaders>,

    /// Compile the module on every start instead of caching the result
    #[arg(long, value_name = "BOOL", help_heading = "Server options", value_parser = BoolishValueParser::new(),
        num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) no_cache: Option<bool>,

    /// Directory to keep rooms in: they continue after the server has stopped, or was killed
    #[arg(long, value_name = "DIR", help_heading = "Server options")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<PathBuf>,

    /// Time without an event after which a durable room sleeps, with clients in it or not; others with --sleep-in-memory
    #[arg(long, value_name = Seconds::VALUE_NAME, help_heading = "Server options")]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    pub(super) sleep_after: Option<Seconds>,

    /// Let rooms sleep without --data, too, with their state in memory: for many rooms in which little happens
    #[arg(long, value_name = "BOOL", help_heading = "Server options", value_parser = BoolishValueParser::new(),
        num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sleep_in_memory: Option<bool>,

    /// Time without an event after which a stored room is deleted, if it has no timer and no client
    #[arg(long, value_name = Seconds::VALUE_NAME, help_heading = "Server options")]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    pub(super) forget_after: Option<Positive<Seconds>>,

    /// Do not restrict the server's access to files, programs and the network
    #[arg(long, value_name = "BOOL", help_heading = "Server options", value_parser = BoolishValueParser::new(),
        num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) no_sandbox: Option<bool>,

    /// Period over which clients are closed on shutdown, to spread their reconnects
    #[arg(long, value_name = Seconds::VALUE_NAME, help_heading = "Server options")]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    pub(super) drain_time: Option<Seconds>,

    /// Effect of a reload on running rooms: restart (clients stay connected) or drain
    #[arg(long, value_name = "MODE", help_heading = "Server options")]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    pub(super) on_swap: Option<Swap>,

    /// PEM file with the TLS certificate chain
    #[arg(long, value_name = "FILE", help_heading = "Server options")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tls_cert: Option<PathBuf>,

    /// PEM file with the private key of the certificate
    #[arg(long, value_name = "FILE", help_heading = "Server options")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tls_key: Option<PathBuf>,

    /// Address and port of the admin API: /metrics, /healthz, /readyz, /rooms, /reload
    #[arg(long, value_name = "ADDRESS", help_heading = "Server options")]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    pub(super) admin: Option<Address>,

    /// Defaults of the limits: open, or public for untrusted clients
    #[arg(long, value_name = "PRESET", help_heading = "Server options")]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    pub(super) preset: Option<Preset>,

    /// Settings of builds, for the commands that build.
    #[arg(skip)]
    #[serde(skip_serializing_if = "BuildSettings::is_empty")]
    pub(crate) build: BuildSettings,

    /// Settings of `dev` only.
    #[arg(skip)]
    #[serde(skip_serializing_if = "DevSettings::is_empty")]
    pub(crate) dev: DevSettings,

    #[command(flatten)]
    #[serde(skip_serializing_if = "AdmissionSettings::is_empty")]
    pub(super) admission: AdmissionSettings,

    #[command(flatten)]
    #[serde(skip_serializing_if = "LimitSettings::is_empty")]
    pub(super) limits: LimitSettings,
}

impl Settings {
    /// Returns these settings with those of commands that build.
    pub(crate) fn with_build(self, build: BuildSettings, dev: DevSettings) -> Settings {
        Settings { build, dev, ..self }
    }
}

/// The table `[client]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table: write `[client]` and `package = \"...\"` below it")]
pub(crate) struct ClientPackage {
    pub(crate) package: String,
    /// Accepted for compatibility. Cargo's profiles replace it.
    pub(super) optimization_level: Option<String>,
}

/// The table `[service]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table: write `[service]` and `package = \"...\"` below it")]
pub(crate) struct ServicePackage {
    pub(crate) package: Option<String>,
    /// Whether its rooms are meant to be kept: serving them without a directory for that takes `--ephemeral`.
    pub(crate) durable: bool,
}
