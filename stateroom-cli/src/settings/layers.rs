//! Layers of settings: how one overrides another, and the lowest layer, the defaults.
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result};
use stateroom_server::{Hosts, OnSwap, Origins, Server, ShutdownPolicy};
use toml::{Table, Value};

use super::{
    admission::AdmissionSettings,
    build::{BuildSettings, DevSettings},
    limits::LimitSettings,
    preset::Preset,
    schema::Settings,
    value::{Configures, Ip, Policy, Port, Swap},
};

/// The defaults in which commands differ.
#[derive(Debug)]
pub(crate) struct Defaults {
    ip: &'static str,
    origins: fn() -> Origins,
    drain_time: Duration,
}

impl Defaults {
    /// `dev` serves this machine only, and accepts pages of any of its servers.
    pub(crate) const DEV: Defaults =
        Defaults { ip: Ip::LOCALHOST, origins: Origins::local, drain_time: Duration::ZERO };
    /// `serve` serves every network, and accepts its own pages.
    pub(crate) const SERVE: Defaults =
        Defaults { ip: "0.0.0.0", origins: Origins::same_host, drain_time: Duration::from_secs(5) };
}

impl Settings {
    /// Returns these settings, with those that are not set taken from `lower`. Settings without a flag come from `lower`.
    ///
    /// # Errors
    ///
    /// Returns an error if a path is not Unicode.
    pub(super) fn over(&self, lower: Settings) -> Result<Settings> {
        let mut merged = lower.to_table()?;
        merge(&mut merged, self.to_table()?);
        let merged = merged.try_into().context("failed to merge the settings")?;
        let Settings { static_files, service_id, client, service, .. } = lower;
        Ok(Settings { static_files, service_id, client, service, ..merged })
    }

    /// Returns the settings that have a flag, as in `stateroom.toml`.
    ///
    /// # Errors
    ///
    /// Returns an error if a path is not Unicode.
    pub(super) fn to_table(&self) -> Result<Table> {
        Table::try_from(self).context("failed to write the settings as TOML")
    }

    /// Returns these settings with `change` applied to the path of the data and of every key file.
    pub(super) fn with_paths(mut self, change: impl Fn(&Path) -> PathBuf) -> Settings {
        let AdmissionSettings { jwt_key_file, jwt_secret_file, .. } = &mut self.admission;
        for path in
            [&mut self.data, &mut self.tls_cert, &mut self.tls_key, jwt_key_file, jwt_secret_file].into_iter().flatten()
        {
            *path = change(path);
        }
        self
    }

    /// Returns the defaults. Compared to the library, rooms end some time after their last client leaves, and silent clients
    /// are closed sooner.
    pub(super) fn defaults(defaults: &Defaults) -> Settings {
        let server = Server::default();
        Settings {
            ip: Some(Ip(defaults.ip.to_owned())),
            port: Some(Port(server.port)),
            heartbeat_interval: Configures::read(&server.heartbeat_interval),
            heartbeat_timeout: Configures::read(&Duration::from_secs(120)),
            room_strategy: Some(server.room_strategy),
            shutdown_policy: Some(Policy(ShutdownPolicy::After(Duration::from_secs(300)))),
            compression: Some(server.compression),
            no_cache: Some(false),
            no_sandbox: Some(false),
            drain_time: Configures::read(&defaults.drain_time),
            sleep_after: Configures::read(&server.sleep_after),
            sleep_in_memory: Some(server.sleep_in_memory),
            forget_after: Configures::read(&server.forget_after),
            on_swap: Some(Swap(OnSwap::default())),
            preset: Some(Preset::default()),
            admission: AdmissionSettings {
                origins: Some((defaults.origins)()),
                hosts: Some(Hosts::default()),
                ..AdmissionSettings::default()
            },
            limits: LimitSettings::defaults(),
            build: BuildSettings::defaults(),
            dev: DevSettings { poll: Some(false) },
            ..Settings::default()
        }
    }

    /// Returns the limits of a preset as settings.
    pub(super) fn of_preset(preset: Preset) -> Settings {
        Settings { limits: preset.limits(), ..Settings::default() }
    }
}

/// Overrides the values of one table with those of another, table by table.
fn merge(lower: &mut Table, upper: Table) {
    for (key, value) in upper {
        match (lower.get_mut(&key), value) {
            (Some(Value::Table(lower)), Value::Table(upper)) => merge(lower, upper),
            (_, value) => {
                lower.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_overrides_only_what_it_sets() {
        let file: Settings = toml::from_str("port = 1\nstatic_files = 's'\n[limits]\nrooms = 1\ntokens = 1").unwrap();
        let flags: Settings = toml::from_str("ip = '::1'\n[limits]\nrooms = 2").unwrap();
        let expected: Settings =
            toml::from_str("ip = '::1'\nport = 1\nstatic_files = 's'\n[limits]\nrooms = 2\ntokens = 1").unwrap();
        assert_eq!(flags.over(file).unwrap(), expected);
    }
}
