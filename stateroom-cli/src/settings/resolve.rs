//! Resolving settings from flags, environment variables, `stateroom.toml`, the preset and the defaults.
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use stateroom_quantity::{Bytes, format_duration};
use stateroom_server::{OnSwap, Server};
use stateroom_wasm_host::WasmHostConfig;

use super::{
    admission::AdmissionSettings,
    file::FILE_NAME,
    layers::Defaults,
    schema::Settings,
    sources::{SettingsSources, contradiction},
    value::Configures,
};

/// Maximum size of a room's stack. A room reserves it in the address space.
const MAX_WASM_STACK_BYTES: usize = 1 << 30;

/// The configuration of the libraries that the settings resolve to.
#[derive(Debug)]
pub(crate) struct ResolvedSettings {
    pub(crate) server: Server,
    pub(crate) host: WasmHostConfig,
    /// Whether compiled modules are cached.
    pub(crate) cache: bool,
    /// Directory of durable rooms.
    pub(crate) data: Option<PathBuf>,
    /// Whether `serve` restricts itself to what it needs.
    pub(crate) sandbox: bool,
    /// Effect of a reload on running rooms.
    pub(crate) on_swap: OnSwap,
    /// Files of the TLS certificate and its key, read when the server starts.
    pub(crate) tls: (Option<PathBuf>, Option<PathBuf>),
    /// Address of the admin API.
    pub(crate) admin: Option<SocketAddr>,
    /// Admission settings. Key files are read when the server starts.
    pub(crate) admission: AdmissionSettings,
}

impl ResolvedSettings {
    /// Sets the directory of static files.
    ///
    /// # Errors
    ///
    /// Returns an error if the path is not Unicode.
    pub(crate) fn set_static_files(&mut self, directory: Option<&Path>) -> Result<()> {
        self.server.static_path = directory.map(unicode).transpose()?;
        Ok(())
    }

    /// Sets the directory of the built client.
    ///
    /// # Errors
    ///
    /// Returns an error if the path is not Unicode.
    pub(crate) fn set_client(&mut self, directory: Option<&Path>) -> Result<()> {
        self.server.client_path = directory.map(unicode).transpose()?;
        Ok(())
    }
}

fn unicode(path: &Path) -> Result<String> {
    path.to_str().map(str::to_owned).with_context(|| format!("the path `{}` is not Unicode", path.display()))
}

impl SettingsSources {
    /// Resolves the settings of a command with these defaults.
    ///
    /// # Errors
    ///
    /// Returns an error if settings contradict each other: a usage error if one of them was given on the command line.
    pub(crate) fn resolve(&self, defaults: &Defaults) -> Result<ResolvedSettings> {
        let preset = Settings::of_preset(self.settings.preset.unwrap_or_default());
        let settings = self.settings.over(preset.over(Settings::defaults(defaults))?)?;
        let (limits, admission) = (settings.limits.server(), settings.admission.admission());
        let memory_budget = settings.limits.memory().budget();
        let mut server = Server { limits, admission, memory_budget, ..Server::default() };
        assign(settings.ip.map(|ip| ip.to_string()), &mut server.ip);
        assign(settings.port.map(|port| port.0), &mut server.port);
        apply(settings.heartbeat_interval, &mut server.heartbeat_interval);
        apply(settings.heartbeat_timeout, &mut server.heartbeat_timeout);
        assign(settings.room_strategy, &mut server.room_strategy);
        assign(settings.shutdown_policy.map(|policy| policy.0), &mut server.shutdown_policy);
        assign(settings.compression, &mut server.compression);
        assign(settings.response_headers.map(|names| names.0.0), &mut server.response_headers);
        apply(settings.drain_time, &mut server.drain_time);
        apply(settings.sleep_after, &mut server.sleep_after);
        assign(settings.sleep_in_memory, &mut server.sleep_in_memory);
        apply(settings.forget_after, &mut server.forget_after);
        self.check_heartbeats(&server)?;
        let host = settings.limits.host().with_memory_budget(server.memory_budget.clone());
        check_stack(&host)?;
        if host.cpu_budget > host.time_budget {
            tracing::warn!(
                "the CPU budget ({}) exceeds the time budget ({}), which ends events first",
                format_duration(host.cpu_budget),
                format_duration(host.time_budget)
            );
        }
        Ok(ResolvedSettings {
            on_swap: settings.on_swap.map(|swap| swap.0).unwrap_or_default(),
            tls: (settings.tls_cert, settings.tls_key),
            server,
            host,
            data: settings.data,
            cache: settings.no_cache != Some(true),
            sandbox: settings.no_sandbox != Some(true),
            admin: settings.admin.map(|admin| admin.0),
            admission: settings.admission,
        })
    }

    /// Checks that a client that answers every ping does not time out.
    fn check_heartbeats(&self, server: &Server) -> Result<()> {
        let (interval, timeout) = (server.heartbeat_interval, server.heartbeat_timeout);
        if interval.is_zero() || timeout > interval {
            return Ok(());
        }
        let problem = format!(
            "the heartbeat timeout ({}, {}) must exceed the heartbeat interval ({}, {})",
            format_duration(timeout),
            self.source("heartbeat-timeout", |settings| settings.heartbeat_timeout),
            format_duration(interval),
            self.source("heartbeat-interval", |settings| settings.heartbeat_interval),
        );
        let is_given = self.given.heartbeat_interval.or(self.given.heartbeat_timeout).is_some();
        let hint = if is_given {
            "raise `--heartbeat-timeout`, lower `--heartbeat-interval`, or disable pings with `--heartbeat-interval 0`"
        } else {
            "raise `heartbeat_timeout`, lower `heartbeat_interval`, or disable pings with `heartbeat_interval = 0`"
        };
        Err(contradiction(is_given, &problem, hint))
    }
}

fn assign<T>(setting: Option<T>, target: &mut T) {
    if let Some(setting) = setting {
        *target = setting;
    }
}

fn apply<T>(setting: Option<impl Configures<T>>, target: &mut T) {
    if let Some(setting) = setting {
        setting.apply(target);
    }
}

/// Checks that rooms can have stacks of that size.
///
/// # Errors
///
/// Returns an error if they are too large.
fn check_stack(host: &WasmHostConfig) -> Result<()> {
    if host.wasm_stack_bytes <= MAX_WASM_STACK_BYTES {
        return Ok(());
    }
    bail!(
        "the limit `wasm_stack_bytes` is {}; its maximum is {}\n  hint: lower `--wasm-stack-bytes`, or `wasm_stack_bytes` in \
         {FILE_NAME}: each room reserves that much of the address space",
        Bytes(host.wasm_stack_bytes as u64),
        Bytes(MAX_WASM_STACK_BYTES as u64)
    )
}

#[cfg(test)]
mod tests {
    use clap::{Args, FromArgMatches};

    use super::*;
    use crate::settings::names::key;

    /// Returns a value other than the default, for the placeholder of a setting.
    fn sample(value_name: &str) -> &'static str {
        match value_name {
            "IP" => "10.1.2.3",
            "DURATION" => "31s",
            "SIZE" => "7KiB",
            "STRATEGY" => "uuid",
            "POLICY" => "never",
            "BOOL" => "true",
            "ORIGINS" => "https://a.example",
            "PRESET" => "public",
            "MODE" => "drain",
            "ADDRESS" => "127.0.0.1:9",
            "PROXIES" => "10.0.0.0/8",
            "NAMES" => "x-a,x-b",
            _ => "7",
        }
    }

    fn resolve_file(settings: Settings, defaults: &Defaults) -> Result<ResolvedSettings> {
        SettingsSources { given: Settings::default(), settings, path: FILE_NAME.into() }.resolve(defaults)
    }

    fn resolve_flags(flags: &[&str]) -> String {
        let command = Settings::augment_args(clap::Command::new("serve")).no_binary_name(true);
        let settings = Settings::from_arg_matches(&command.get_matches_from(flags)).unwrap();
        format!("{:?}", resolve_file(settings, &Defaults::SERVE).unwrap())
    }

    #[test]
    fn every_setting_has_an_effect_that_is_the_same_as_a_flag_and_in_the_file() {
        let unset = resolve_flags(&[]);
        for argument in Settings::augment_args(clap::Command::new("")).get_arguments() {
            let value_name = argument.get_value_names().unwrap()[0].as_str();
            let value = sample(value_name);
            let flag = format!("--{}={value}", argument.get_long().unwrap());
            let set = resolve_flags(&[&flag]);
            assert_ne!(set, unset, "{flag}");

            let key = key(argument.get_id()).join(".");
            let quote = if value_name == "BOOL" { "" } else { "'" };
            let file: Settings = toml::from_str(&format!("{key} = {quote}{value}{quote}")).unwrap();
            assert_eq!(format!("{:?}", resolve_file(file, &Defaults::SERVE).unwrap()), set, "{key}");
        }
    }

    #[test]
    fn settings_that_are_not_set_resolve_to_the_defaults() {
        let settings: Settings = toml::from_str("ip = '::1'\nport = 1\n[limits]\nrooms = 2").unwrap();
        let ResolvedSettings { server, .. } = resolve_file(settings, &Defaults::SERVE).unwrap();
        assert_eq!((server.ip.as_str(), server.port), ("::1", 1));
        assert_eq!((server.limits.rooms, server.limits.room_id_bytes), (2, 512));
    }

    #[test]
    fn the_heartbeat_timeout_must_exceed_the_interval() {
        for (text, valid) in [
            ("", true),
            ("heartbeat_interval = 120", false),
            ("heartbeat_interval = 119.5", true),
            ("heartbeat_timeout = '30s'", false),
            ("heartbeat_interval = 0\nheartbeat_timeout = 1", true),
        ] {
            let settings: Settings = toml::from_str(text).unwrap();
            assert_eq!(resolve_file(settings, &Defaults::DEV).is_ok(), valid, "{text}");
        }
    }

    #[test]
    fn a_room_has_at_most_a_gibibyte_of_stack() {
        for (size, valid) in [(1 << 30, true), (100_000_000_000, false)] {
            let checked = check_stack(&WasmHostConfig::default().with_wasm_stack_bytes(size));
            assert_eq!(checked.is_ok(), valid, "{checked:?}");
        }
    }
}
