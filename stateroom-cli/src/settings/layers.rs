//! Settings over settings, and those that are below all others.
use std::{
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    time::Duration,
};

use stateroom_server::{OnSwap, Origins, Server, ShutdownPolicy};

use super::{
    admission::AdmissionSettings,
    limits::LimitSettings,
    preset::Preset,
    quantity::{Ip, Policy, Port, Sets, Swap},
    schema::Settings,
};

/// What the verbs do not have in common where nothing is said.
#[derive(Debug)]
pub(crate) struct Defaults {
    ip: IpAddr,
    origins: fn() -> Origins,
    drain_time: Duration,
}

impl Defaults {
    /// What is being developed is seen by this machine alone, whatever serves its pages.
    pub(crate) const DEV: Defaults =
        Defaults { ip: IpAddr::V4(Ipv4Addr::LOCALHOST), origins: Origins::loopback, drain_time: Duration::ZERO };
    /// What is served is seen by all, from its own pages.
    pub(crate) const SERVE: Defaults = Defaults {
        ip: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        origins: Origins::same_host,
        drain_time: Duration::from_secs(5),
    };
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
            compression: self.compression.or(under.compression),
            no_cache: self.no_cache.or(under.no_cache),
            drain_time: self.drain_time.or(under.drain_time),
            on_swap: self.on_swap.or(under.on_swap),
            tls_cert: self.tls_cert.or(under.tls_cert),
            tls_key: self.tls_key.or(under.tls_key),
            admin: self.admin.or(under.admin),
            preset: self.preset.or(under.preset),
            admission: self.admission.over(under.admission),
            limits: self.limits.over(under.limits),
            ..under
        }
    }

    /// The same, with each path to a file of keys as `change` has it.
    pub(crate) fn with_paths(mut self, change: impl Fn(&Path) -> PathBuf) -> Settings {
        for path in [&mut self.tls_cert, &mut self.tls_key].into_iter().flatten() {
            *path = change(path);
        }
        Settings { admission: self.admission.with_paths(change), ..self }
    }

    /// What counts where nothing is said. Rooms that a command serves end some time after everybody has left, and silent
    /// clients are noticed sooner, than where the library is used directly.
    pub(crate) fn defaults(defaults: &Defaults) -> Settings {
        let server = Server::default();
        Settings {
            ip: Some(Ip(defaults.ip)),
            port: Some(Port(server.port)),
            heartbeat_interval: Sets::get(&server.heartbeat_interval),
            heartbeat_timeout: Sets::get(&Duration::from_secs(120)),
            room_strategy: Some(server.room_strategy),
            shutdown_policy: Some(Policy(ShutdownPolicy::After(Duration::from_secs(300)))),
            compression: Some(server.compression),
            no_cache: Some(false),
            drain_time: Sets::get(&defaults.drain_time),
            on_swap: Some(Swap(OnSwap::default())),
            preset: Some(Preset::default()),
            admission: AdmissionSettings { origins: Some((defaults.origins)()), ..AdmissionSettings::default() },
            limits: LimitSettings::defaults(),
            ..Settings::default()
        }
    }
}
