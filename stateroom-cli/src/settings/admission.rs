//! Who may come in: the settings of it, and the files of keys that they name.
//!
//! *Invariant:* where keys were asked for and cannot be had, nothing is served.
use std::{
    fmt, fs,
    path::{Path, PathBuf},
    str::FromStr,
};

use anyhow::{Context, Result};
use clap::Args;
use serde::{Deserialize, Serialize};
use stateroom_server::{Admission, Jwt, Origins, TrustedProxies};

use super::quantity::as_text;

/// The table `[admission]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table: write `[admission]` and its keys below it")]
pub(crate) struct AdmissionSettings {
    /// The web pages that browsers may come from: any, same-host, loopback, or such as https://app.example.com, with commas between
    #[arg(long, value_name = "ORIGINS", help_heading = "Admission", value_parser = Origins::from_str)]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    pub(crate) origins: Option<Origins>,

    /// The reverse proxies whose X-Forwarded-For and X-Forwarded-Host are believed: addresses and networks, with commas between
    #[arg(long, value_name = "PROXIES", help_heading = "Admission", value_parser = TrustedProxies::from_str)]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    pub(crate) trusted_proxies: Option<TrustedProxies>,

    /// The headers of a client that its room gets to see, with commas between
    #[arg(long, value_name = "NAMES", help_heading = "Admission")]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    pub(crate) client_headers: Option<Names>,

    /// The WebSocket subprotocols that are spoken, the best first, with commas between
    #[arg(long, value_name = "NAMES", help_heading = "Admission")]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    pub(crate) subprotocols: Option<Names>,

    /// A file with the public key, in PEM, or the key set (JWKS) by which clients' JSON Web Tokens are checked
    #[arg(long, value_name = "FILE", help_heading = "Admission")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) jwt_key_file: Option<PathBuf>,

    /// A file with the secret that signs clients' JSON Web Tokens
    #[arg(long, value_name = "FILE", help_heading = "Admission")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) jwt_secret_file: Option<PathBuf>,

    /// Who has to have issued clients' JSON Web Tokens
    #[arg(long, value_name = "TEXT", help_heading = "Admission")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) jwt_issuer: Option<String>,

    /// For whom clients' JSON Web Tokens have to be
    #[arg(long, value_name = "TEXT", help_heading = "Admission")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) jwt_audience: Option<String>,
}

impl AdmissionSettings {
    /// Whether they say nothing at all.
    pub(crate) fn are_silent(&self) -> bool {
        *self == AdmissionSettings::default()
    }

    /// These, and the others where these say nothing.
    pub(crate) fn over(self, under: AdmissionSettings) -> AdmissionSettings {
        AdmissionSettings {
            origins: self.origins.or(under.origins),
            trusted_proxies: self.trusted_proxies.or(under.trusted_proxies),
            client_headers: self.client_headers.or(under.client_headers),
            subprotocols: self.subprotocols.or(under.subprotocols),
            jwt_key_file: self.jwt_key_file.or(under.jwt_key_file),
            jwt_secret_file: self.jwt_secret_file.or(under.jwt_secret_file),
            jwt_issuer: self.jwt_issuer.or(under.jwt_issuer),
            jwt_audience: self.jwt_audience.or(under.jwt_audience),
        }
    }

    /// Whether they say of tokens how they have to be, and not by which key they are checked.
    pub(crate) fn lacks_keys(&self) -> bool {
        let has_rules = self.jwt_issuer.is_some() || self.jwt_audience.is_some();
        has_rules && self.jwt_key_file.is_none() && self.jwt_secret_file.is_none()
    }

    /// The same, with each path as `change` has it.
    pub(crate) fn with_paths(mut self, change: impl Fn(&Path) -> PathBuf) -> AdmissionSettings {
        for path in [&mut self.jwt_key_file, &mut self.jwt_secret_file].into_iter().flatten() {
            *path = change(path);
        }
        self
    }

    /// These, for the library: all but the keys, which are in files.
    pub(crate) fn admission(&self) -> Admission {
        let names = |names: &Option<Names>| names.clone().map(|names| names.0).unwrap_or_default();
        let mut admission = Admission::new()
            .with_client_headers(names(&self.client_headers))
            .with_subprotocols(names(&self.subprotocols));
        admission.origins = self.origins.clone().unwrap_or_default();
        admission.trusted_proxies = self.trusted_proxies.clone().unwrap_or_default();
        admission
    }

    /// The keys by which tokens are checked, if clients need tokens.
    ///
    /// # Errors
    ///
    /// Where they cannot be read, or are none.
    pub(crate) fn keys(&self) -> Result<Option<Jwt>> {
        let mut keys: Option<Jwt> = None;
        if let Some(path) = &self.jwt_key_file {
            keys = Some(read(path, |text| Jwt::from_keys(&String::from_utf8_lossy(text)))?);
        }
        if let Some(path) = &self.jwt_secret_file {
            let secret = read(path, |text| Jwt::from_secret(without_line_end(text)))?;
            keys = Some(match keys {
                Some(keys) => keys.and(secret),
                None => secret,
            });
        }
        Ok(keys.map(|mut keys| {
            if let Some(issuer) = &self.jwt_issuer {
                keys = keys.with_issuer(issuer);
            }
            if let Some(audience) = &self.jwt_audience {
                keys = keys.with_audience(audience);
            }
            keys
        }))
    }
}

fn read<E>(path: &Path, parse: impl Fn(&[u8]) -> Result<Jwt, E>) -> Result<Jwt>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let text = fs::read(path)
        .with_context(|| format!("the key `{}` cannot be read: nobody could be let in", path.display()))?;
    parse(&text).with_context(|| format!("`{}` is no key to check tokens by", path.display()))
}

/// What an editor puts at the end of a file is no part of a secret.
fn without_line_end(text: &[u8]) -> &[u8] {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    text.strip_suffix(b"\r").unwrap_or(text)
}

/// Names with commas between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names(Vec<String>);

impl FromStr for Names {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_name = |name: &str| {
            !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
        };
        let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
        match names.iter().find(|name| !is_name(name)) {
            Some(name) if text.trim().is_empty() && name.is_empty() => Ok(Names(Vec::new())),
            Some(name) => Err(format!("`{name}` is no name: write such as `user-agent,x-user`")),
            None => Ok(Names(names)),
        }
    }
}

impl fmt::Display for Names {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.join(","))
    }
}
