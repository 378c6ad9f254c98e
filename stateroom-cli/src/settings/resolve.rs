//! From what was said, and where, to what counts.
use std::{
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context, Error, Result, anyhow};
use clap::error::ErrorKind;
use stateroom_server::{OnSwap, Server};
use stateroom_wasm_host::WasmHostConfig;

use super::{
    admission::AdmissionSettings,
    file::FILE_NAME,
    layers::Defaults,
    names::variable,
    quantity::{Seconds, Sets},
    schema::Settings,
};
use crate::ui::error::usage;

/// All settings, settled.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) server: Server,
    pub(crate) host: WasmHostConfig,
    /// Whether compiled services are kept.
    pub(crate) cache: bool,
    /// What becomes of rooms when the service is read again.
    pub(crate) on_swap: OnSwap,
    /// The files of the certificate and its key, read when something is served.
    pub(crate) tls: (Option<PathBuf>, Option<PathBuf>),
    /// Where to listen for whoever runs the server.
    pub(crate) admin: Option<SocketAddr>,
    /// The files of keys are read when something is served.
    pub(crate) admission: AdmissionSettings,
}

impl Resolved {
    /// Serves these static files.
    ///
    /// # Errors
    ///
    /// Where their path is not Unicode.
    pub(crate) fn set_static_files(&mut self, files: Option<&Path>) -> Result<()> {
        self.server.static_path = files.map(text).transpose()?;
        Ok(())
    }

    /// Serves this client.
    ///
    /// # Errors
    ///
    /// Where its path is not Unicode.
    pub(crate) fn set_client(&mut self, client: Option<&Path>) -> Result<()> {
        self.server.client_path = client.map(text).transpose()?;
        Ok(())
    }
}

/// A path, for the server, which takes text.
fn text(path: &Path) -> Result<String> {
    let text = path.to_str().with_context(|| format!("`{}` is not Unicode", path.display()))?;
    Ok(text.to_owned())
}

/// What was said about the settings, and where.
#[derive(Debug)]
pub(crate) struct Said {
    /// What the command line and the environment say.
    pub(super) given: Settings,
    /// That, and what the file says besides.
    pub(crate) settings: Settings,
    /// The file.
    pub(super) path: PathBuf,
}

impl Said {
    /// These settings, and those of the `stateroom.toml` of a directory.
    ///
    /// # Errors
    ///
    /// Where that cannot be read or understood.
    pub(crate) fn read(given: Settings, directory: &Path) -> Result<Said> {
        let settings = given.clone().over(Settings::read(directory)?);
        Ok(Said { given, settings, path: directory.join(FILE_NAME) })
    }

    /// These settings, without a file.
    pub(crate) fn of(given: Settings) -> Said {
        Said { settings: given.clone(), given, path: FILE_NAME.into() }
    }

    /// What counts, for a verb with these defaults.
    ///
    /// # Errors
    ///
    /// Where settings contradict each other: a usage error, if what was called for has part in it.
    pub(crate) fn resolve(&self, defaults: &Defaults) -> Result<Resolved> {
        let preset = Settings { limits: self.settings.preset.unwrap_or_default().limits(), ..Settings::default() };
        let settings = self.settings.clone().over(preset).over(Settings::defaults(defaults));
        let (limits, admission) = (settings.limits.server(), settings.admission.admission());
        let mut server = Server { limits, admission, ..Server::default() };
        set(settings.ip.map(|ip| ip.to_string()), &mut server.ip);
        set(settings.port.map(|port| port.0), &mut server.port);
        if let Some(interval) = settings.heartbeat_interval {
            interval.set(&mut server.heartbeat_interval);
        }
        if let Some(timeout) = settings.heartbeat_timeout {
            timeout.set(&mut server.heartbeat_timeout);
        }
        set(settings.room_strategy, &mut server.room_strategy);
        set(settings.shutdown_policy.map(|policy| policy.0), &mut server.shutdown_policy);
        set(settings.compression, &mut server.compression);
        if let Some(time) = settings.drain_time {
            time.set(&mut server.drain_time);
        }
        self.check_heartbeats(&server)?;
        let host = settings.limits.host();
        if host.cpu_budget > host.time_budget {
            tracing::warn!(
                "the cpu budget ({} s) is above the time budget ({} s), which ends an event before",
                host.cpu_budget.as_secs_f64(),
                host.time_budget.as_secs_f64()
            );
        }
        let on_swap = settings.on_swap.map(|swap| swap.0).unwrap_or_default();
        let tls = (settings.tls_cert, settings.tls_key);
        Ok(Resolved {
            on_swap,
            tls,
            server,
            host,
            cache: settings.no_cache != Some(true),
            admin: settings.admin.map(|admin| admin.0),
            admission: settings.admission,
        })
    }

    /// A client that answers every ping must not be taken for lost.
    fn check_heartbeats(&self, server: &Server) -> Result<()> {
        let (interval, timeout) = (server.heartbeat_interval, server.heartbeat_timeout);
        if interval.is_zero() || timeout > interval {
            return Ok(());
        }
        let problem = format!(
            "the heartbeat timeout ({} s, {}) is not above the heartbeat interval ({} s, {})",
            timeout.as_secs_f64(),
            self.origin("heartbeat-timeout", |settings| settings.heartbeat_timeout),
            interval.as_secs_f64(),
            self.origin("heartbeat-interval", |settings| settings.heartbeat_interval),
        );
        let is_given = self.given.heartbeat_interval.or(self.given.heartbeat_timeout).is_some();
        let hint = if is_given {
            "raise `--heartbeat-timeout`, lower `--heartbeat-interval`, or turn pings off with `--heartbeat-interval 0`"
        } else {
            "raise `heartbeat_timeout`, lower `heartbeat_interval`, or turn pings off with `heartbeat_interval = 0`"
        };
        Err(contradiction(is_given, &problem, hint))
    }

    /// What makes sense only together has to be there together, for whoever is going to serve.
    ///
    /// # Errors
    ///
    /// Where it is not: a usage error, if what was called for has part in it.
    pub(crate) fn check_pairs(&self) -> Result<()> {
        let has_one_of_tls = |settings: &Settings| settings.tls_cert.is_some() != settings.tls_key.is_some();
        if has_one_of_tls(&self.settings) {
            let is_given = self.given.tls_cert.is_some() || self.given.tls_key.is_some();
            let problem = "a certificate and its key belong together";
            return Err(contradiction(is_given, problem, "give both `--tls-cert` and `--tls-key`"));
        }
        if self.settings.admission.lacks_keys() {
            let problem = "clients' tokens are to be by some issuer, or for some audience, but there is no key to check \
                           them by";
            let hint = "name a file with `--jwt-key-file` or `--jwt-secret-file`";
            return Err(contradiction(self.given.admission.lacks_keys(), problem, hint));
        }
        Ok(())
    }

    /// In words, where a setting comes from.
    fn origin(&self, flag: &str, setting: impl Fn(&Settings) -> Option<Seconds>) -> String {
        let variable = variable(flag);
        match (setting(&self.given), setting(&self.settings)) {
            (Some(given), _) if env::var(&variable).is_ok_and(|text| text.parse() == Ok(given)) => {
                format!("from {variable}")
            }
            (Some(_), _) => format!("from `--{flag}`"),
            (None, Some(_)) => format!("from `{}` in `{}`", flag.replace('-', "_"), self.path.display()),
            (None, None) => "the default".to_owned(),
        }
    }
}

/// What contradicts itself: on the command line it is a usage error, in a file a failure.
fn contradiction(is_given: bool, problem: &str, hint: &str) -> Error {
    if is_given {
        return usage(ErrorKind::ValueValidation, &format!("{problem}\n  hint: {hint}"));
    }
    anyhow!("{problem}\n  hint: {hint}")
}

fn set<T>(setting: Option<T>, target: &mut T) {
    if let Some(setting) = setting {
        *target = setting;
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args, FromArgMatches};

    use super::*;
    use crate::settings::names::key;

    /// A setting other than the default, of what the help says it is.
    fn sample(unit: &str) -> &'static str {
        match unit {
            "IP" => "10.1.2.3",
            "SECONDS" => "31",
            "STRATEGY" => "uuid",
            "POLICY" => "never",
            "BOOL" => "true",
            "ORIGINS" => "https://a.example",
            "PRESET" => "public",
            "WHAT" => "drain",
            "ADDRESS" => "127.0.0.1:9",
            "PROXIES" => "10.0.0.0/8",
            "NAMES" => "x-a,x-b",
            _ => "7",
        }
    }

    /// What these come to, as if a file said them.
    fn resolve(settings: Settings, defaults: &Defaults) -> Result<Resolved> {
        Said { given: Settings::default(), settings, path: FILE_NAME.into() }.resolve(defaults)
    }

    fn from_flags(flags: &[&str]) -> String {
        let command = Settings::augment_args(clap::Command::new("serve")).no_binary_name(true);
        let settings = Settings::from_arg_matches(&command.get_matches_from(flags)).unwrap();
        format!("{:?}", resolve(settings, &Defaults::SERVE).unwrap())
    }

    #[test]
    fn every_setting_counts_and_is_the_same_as_a_flag_and_in_the_file() {
        let nothing = from_flags(&[]);
        for argument in Settings::augment_args(clap::Command::new("")).get_arguments() {
            let unit = argument.get_value_names().unwrap()[0].as_str();
            let value = sample(unit);
            let flag = format!("--{}={value}", argument.get_long().unwrap());
            let set = from_flags(&[&flag]);
            assert_ne!(set, nothing, "{flag}");

            let key = key(argument.get_id()).join(".");
            let quote = if unit == "BOOL" { "" } else { "'" };
            let file: Settings = toml::from_str(&format!("{key} = {quote}{value}{quote}")).unwrap();
            assert_eq!(format!("{:?}", resolve(file, &Defaults::SERVE).unwrap()), set, "{key}");
        }
    }

    #[test]
    fn a_flag_counts_more_than_the_file_which_counts_more_than_the_default() {
        let file: Settings = toml::from_str("port = 1\nstatic_files = 's'\n[limits]\nrooms = 1\ntokens = 1").unwrap();
        let flags: Settings = toml::from_str("ip = '::1'\n[limits]\nrooms = 2").unwrap();
        let settings = flags.over(file);
        assert_eq!(settings.static_files.as_deref(), Some("s".as_ref()));
        let Resolved { server, .. } = resolve(settings, &Defaults::SERVE).unwrap();
        assert_eq!((server.ip.as_str(), server.port), ("::1", 1));
        assert_eq!((server.limits.rooms, server.limits.tokens, server.limits.room_id_bytes), (2, 1, 512));
    }

    #[test]
    fn heartbeats_are_checked_whatever_they_come_from() {
        for (text, fine) in [
            ("", true),
            ("heartbeat_interval = 120", false),
            ("heartbeat_interval = 119.5", true),
            ("heartbeat_timeout = 30", false),
            ("heartbeat_interval = 0\nheartbeat_timeout = 1", true),
        ] {
            let settings: Settings = toml::from_str(text).unwrap();
            assert_eq!(resolve(settings, &Defaults::DEV).is_ok(), fine, "{text}");
        }
    }
}
