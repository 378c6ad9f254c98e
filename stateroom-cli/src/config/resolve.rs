//! From what was said, and where, to what counts.
use std::{net::IpAddr, time::Duration};

use anyhow::Result;
use clap::{Args, CommandFactory, Id, error::ErrorKind};
use stateroom_server::{Server, ShutdownPolicy};
use stateroom_wasm_host::WasmHostConfig;

use super::{LimitSettings, Settings, quantity::Sets};
use crate::args::Cli;

/// All settings, settled.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) server: Server,
    pub(crate) host: WasmHostConfig,
}

impl Settings {
    /// These, and the others where these say nothing. What only a file can say is the others'.
    pub(crate) fn over(self, under: Settings) -> Settings {
        Settings {
            ip: self.ip.or(under.ip),
            port: self.port.or(under.port),
            heartbeat_interval: self.heartbeat_interval.or(under.heartbeat_interval),
            heartbeat_timeout: self.heartbeat_timeout.or(under.heartbeat_timeout),
            room_strategy: self.room_strategy.or(under.room_strategy),
            shutdown_policy: self.shutdown_policy.or(under.shutdown_policy),
            limits: self.limits.over(under.limits),
            ..under
        }
    }

    /// What counts where nothing is said. Rooms that a command serves end some time after everybody has left, and silent
    /// clients are noticed sooner, than where the library is used directly.
    pub(crate) fn defaults(ip: IpAddr) -> Settings {
        let server = Server::default();
        Settings {
            ip: Some(ip),
            port: Some(server.port),
            heartbeat_interval: Sets::get(&server.heartbeat_interval),
            heartbeat_timeout: Sets::get(&Duration::from_secs(120)),
            room_strategy: Some(server.room_strategy),
            shutdown_policy: Some(ShutdownPolicy::After(Duration::from_secs(300))),
            limits: LimitSettings::defaults(),
            ..Settings::default()
        }
    }

    /// What counts, for a server that listens on `ip` where nothing else is said.
    ///
    /// # Errors
    ///
    /// Where settings contradict each other: a usage error.
    pub(crate) fn resolve(self, ip: IpAddr) -> Result<Resolved> {
        let settings = self.over(Settings::defaults(ip));
        let mut server = Server { limits: settings.limits.server(), ..Server::default() };
        set(settings.ip.map(|ip| ip.to_string()), &mut server.ip);
        set(settings.port, &mut server.port);
        if let Some(interval) = settings.heartbeat_interval {
            interval.set(&mut server.heartbeat_interval);
        }
        if let Some(timeout) = settings.heartbeat_timeout {
            timeout.set(&mut server.heartbeat_timeout);
        }
        set(settings.room_strategy, &mut server.room_strategy);
        set(settings.shutdown_policy, &mut server.shutdown_policy);
        check_heartbeats(&server)?;
        Ok(Resolved { server, host: settings.limits.host() })
    }
}

fn set<T>(setting: Option<T>, target: &mut T) {
    if let Some(setting) = setting {
        *target = setting;
    }
}

/// A client that answers every ping must not be taken for lost.
fn check_heartbeats(server: &Server) -> Result<()> {
    let (interval, timeout) = (server.heartbeat_interval, server.heartbeat_timeout);
    if interval.is_zero() || timeout > interval {
        return Ok(());
    }
    let message = format!(
        "the heartbeat timeout ({} s) is not above the heartbeat interval ({} s): every client would be taken for lost.\n\
         Raise `--heartbeat-timeout`, lower `--heartbeat-interval`, or turn pings off with `--heartbeat-interval 0`.",
        timeout.as_secs_f64(),
        interval.as_secs_f64()
    );
    Err(Cli::command().error(ErrorKind::ValueValidation, message).into())
}

/// Gives each setting of a verb its variable, which is `STATEROOM_` and the flag, and tells its default in the help.
pub(crate) fn explain(verb: clap::Command, ip: IpAddr) -> clap::Command {
    let settings = ids(Settings::augment_args(clap::Command::new("")));
    let defaults = toml::Table::try_from(Settings::defaults(ip)).unwrap_or_default().into();
    verb.mut_args(|argument| {
        let Some(flag) = argument.get_long().filter(|_| settings.contains(argument.get_id())) else { return argument };
        let variable = format!("STATEROOM_{}", flag.replace('-', "_").to_uppercase());
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let default = match key(argument.get_id()).iter().try_fold(&defaults, |table: &toml::Value, key| table.get(key))
        {
            Some(toml::Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => "what the machine allows".to_owned(),
        };
        argument.env(variable).hide_env_values(true).help(format!("{help} [default: {default}]"))
    })
}

/// Where a setting is in `stateroom.toml`.
pub(crate) fn key(setting: &Id) -> Vec<&str> {
    let in_limits = ids(LimitSettings::augment_args(clap::Command::new(""))).contains(setting);
    in_limits.then_some("limits").into_iter().chain([setting.as_str()]).collect()
}

fn ids(command: clap::Command) -> Vec<Id> {
    command.get_arguments().map(|argument| argument.get_id().clone()).collect()
}
