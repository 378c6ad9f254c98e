//! The settings, each declared once.
use std::path::PathBuf;

use clap::{Args, builder::BoolishValueParser};
use serde::{Deserialize, Serialize};
use stateroom_server::RoomStrategy;

use super::{
    admission::AdmissionSettings,
    limits::LimitSettings,
    preset::Preset,
    quantity::{Address, Ip, Policy, Port, Seconds, Swap, as_text},
};

/// What can be set on the command line, in the environment and in `stateroom.toml`, and what in the file alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// A directory of static files to serve under `/`.
    #[arg(skip)]
    #[serde(skip_serializing)]
    pub(crate) static_files: Option<PathBuf>,

    /// Meant for deployment. Nothing here needs it.
    #[arg(skip)]
    #[serde(skip_serializing)]
    pub(super) service_id: Option<String>,

    /// The package that runs in the browser.
    #[arg(skip)]
    #[serde(skip_serializing)]
    pub(crate) client: Option<ClientPackage>,

    /// The package that runs in the rooms.
    #[arg(skip)]
    #[serde(skip_serializing)]
    pub(crate) service: ServicePackage,

    /// The address to listen on
    #[arg(long, value_name = "IP", help_heading = "Server")]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    pub(crate) ip: Option<Ip>,

    /// The port to listen on; 0 is any free one
    #[arg(short, long, value_name = "PORT", help_heading = "Server")]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    pub(crate) port: Option<Port>,

    /// How often a connection is pinged; 0 turns pings off
    #[arg(short = 'i', long, value_name = "SECONDS", help_heading = "Server")]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    pub(crate) heartbeat_interval: Option<Seconds>,

    /// How long a client may be silent; more than the interval
    #[arg(short = 't', long, value_name = "SECONDS", help_heading = "Server")]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    pub(crate) heartbeat_timeout: Option<Seconds>,

    /// How rooms come to be: implicit, api, uuid, short, or short3 to short12
    #[arg(short, long = "rooms", value_name = "STRATEGY", help_heading = "Server")]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    pub(crate) room_strategy: Option<RoomStrategy>,

    /// When an empty room ends: never, immediate, or seconds such as 300
    #[arg(short, long, value_name = "POLICY", help_heading = "Server")]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    pub(crate) shutdown_policy: Option<Policy>,

    /// Compress messages for clients that offer it (permessage-deflate)
    #[arg(long, value_name = "BOOL", help_heading = "Server", value_parser = BoolishValueParser::new(), num_args = 0..=1,
        require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) compression: Option<bool>,

    /// Compile the service at each start, and keep nothing of it
    #[arg(long, value_name = "BOOL", help_heading = "Server", value_parser = BoolishValueParser::new(), num_args = 0..=1,
        require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) no_cache: Option<bool>,

    /// Over how much time clients are closed when the server stops, so that they do not come back all at once
    #[arg(long, value_name = "SECONDS", help_heading = "Server")]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    pub(crate) drain_time: Option<Seconds>,

    /// What becomes of rooms when SIGHUP has the service read again: restart, with their clients, or drain
    #[arg(long, value_name = "WHAT", help_heading = "Server")]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    pub(crate) on_swap: Option<Swap>,

    /// A file with the certificate by which TLS is spoken, in PEM, and those between it and its root
    #[arg(long, value_name = "FILE", help_heading = "Server")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// A file with the certificate's private key, in PEM
    #[arg(long, value_name = "FILE", help_heading = "Server")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tls_key: Option<PathBuf>,

    /// The address, with its port, to listen on for whoever runs the server: /metrics, /healthz, /readyz, /rooms, /reload
    #[arg(long, value_name = "ADDRESS", help_heading = "Server")]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    pub(crate) admin: Option<Address>,

    /// What limits are where they are not set one by one: open, or public for rooms that anybody may join
    #[arg(long, value_name = "PRESET", help_heading = "Server")]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    pub(crate) preset: Option<Preset>,

    #[command(flatten)]
    #[serde(skip_serializing_if = "AdmissionSettings::are_silent")]
    pub(crate) admission: AdmissionSettings,

    #[command(flatten)]
    #[serde(skip_serializing_if = "LimitSettings::are_silent")]
    pub(crate) limits: LimitSettings,
}

/// The table `[client]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table: write `[client]` and `package = \"...\"` below it")]
pub(crate) struct ClientPackage {
    pub(crate) package: String,
    /// Accepted, and without effect: cargo's own profiles say it.
    pub(super) optimization_level: Option<String>,
}

/// The table `[service]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table: write `[service]` and `package = \"...\"` below it")]
pub(crate) struct ServicePackage {
    pub(crate) package: Option<String>,
}
