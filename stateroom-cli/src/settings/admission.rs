//! Admission settings, and the key files that they name.
//!
//! *Invariant:* if a configured key cannot be read, nothing is served.
use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use anyhow::{Context, Result};
use clap::Args;
use serde::{Deserialize, Serialize};
use stateroom_server::{Admission, Hosts, Jwt, Origins, TrustedProxies, is_reserved_response_header};

use super::value::as_text;

/// The table `[admission]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table: write `[admission]` and its keys below it")]
pub(crate) struct AdmissionSettings {
    /// Allowed browser origins: any, same-host, lan, loopback, or a comma-separated list such as https://app.example.com
    #[arg(long, value_name = "ORIGINS", help_heading = "Admission options", value_parser = Origins::from_str)]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    pub(super) origins: Option<Origins>,

    /// Host names that the server answers to: any, auto, or a comma-separated list such as app.example.com
    #[arg(long, value_name = "HOSTS", help_heading = "Admission options", value_parser = Hosts::from_str)]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    pub(super) hosts: Option<Hosts>,

    /// Reverse proxies whose X-Forwarded-For and X-Forwarded-Host are trusted: a comma-separated list of addresses and networks
    #[arg(long, value_name = "PROXIES", help_heading = "Admission options", value_parser = TrustedProxies::from_str)]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    pub(super) trusted_proxies: Option<TrustedProxies>,

    /// Request headers passed to the service: a comma-separated list
    #[arg(long, value_name = "NAMES", help_heading = "Admission options")]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    pub(super) client_headers: Option<Names>,

    /// Supported WebSocket subprotocols: a comma-separated list in order of preference
    #[arg(long, value_name = "NAMES", help_heading = "Admission options")]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    pub(super) subprotocols: Option<Names>,

    /// File with the public key (PEM) or key set (JWKS) that verifies JSON Web Tokens
    #[arg(long, value_name = "FILE", help_heading = "Admission options")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) jwt_key_file: Option<PathBuf>,

    /// File with the shared secret that verifies JSON Web Tokens
    #[arg(long, value_name = "FILE", help_heading = "Admission options")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) jwt_secret_file: Option<PathBuf>,

    /// Required issuer (`iss`) of JSON Web Tokens
    #[arg(long, value_name = "TEXT", help_heading = "Admission options")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) jwt_issuer: Option<String>,

    /// Required audience (`aud`) of JSON Web Tokens
    #[arg(long, value_name = "TEXT", help_heading = "Admission options")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) jwt_audience: Option<String>,

    /// Cookie in which pages of the same site may send their JSON Web Token; requires origins other than any and null
    #[arg(long, value_name = "NAME", help_heading = "Admission options")]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    pub(super) jwt_cookie: Option<Name>,
}

impl AdmissionSettings {
    /// Returns whether nothing is set.
    pub(super) fn is_empty(&self) -> bool {
        *self == AdmissionSettings::default()
    }

    /// Returns whether there are requirements for tokens, but no key to verify them with.
    pub(super) fn lacks_keys(&self) -> bool {
        let has_rules = self.jwt_issuer.is_some() || self.jwt_audience.is_some() || self.jwt_cookie.is_some();
        has_rules && self.jwt_key_file.is_none() && self.jwt_secret_file.is_none()
    }

    /// Returns whether pages of every site could use the token in a visitor's cookie.
    pub(super) fn exposes_cookie(&self) -> bool {
        self.jwt_cookie.is_some() && self.origins.as_ref().is_some_and(Origins::allow_every_site)
    }

    /// Returns these settings for the library, without the keys.
    pub(super) fn admission(&self) -> Admission {
        let names = |names: &Option<Names>| names.clone().map(|names| names.0).unwrap_or_default();
        let mut admission = Admission::new()
            .with_client_headers(names(&self.client_headers))
            .with_subprotocols(names(&self.subprotocols));
        admission.origins = self.origins.clone().unwrap_or_default();
        admission.hosts = self.hosts.clone().unwrap_or_default();
        admission.trusted_proxies = self.trusted_proxies.clone().unwrap_or_default();
        admission
    }

    /// Returns the files of the keys.
    pub(crate) fn key_files(&self) -> impl Iterator<Item = &PathBuf> {
        self.jwt_key_file.iter().chain(&self.jwt_secret_file)
    }

    /// Reads the keys that verify tokens, if clients need tokens.
    ///
    /// # Errors
    ///
    /// Returns an error if a key cannot be read or is invalid.
    pub(crate) fn keys(&self) -> Result<Option<Jwt>> {
        let mut keys: Option<Jwt> = None;
        if let Some(path) = &self.jwt_key_file {
            keys = Some(read(path, |text| Jwt::from_keys(text))?);
        }
        if let Some(path) = &self.jwt_secret_file {
            let secret = read(path, |text| Jwt::from_secret(without_additions(text)))?;
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
            if let Some(Name(cookie)) = &self.jwt_cookie {
                keys = keys.with_cookie(cookie);
            }
            keys
        }))
    }
}

/// Maximum size of a file with keys.
const MAX_KEY_BYTES: usize = 1 << 20;

fn read<E>(path: &Path, parse: impl Fn(&[u8]) -> Result<Jwt, E>) -> Result<Jwt>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let text = stateroom_file::read(path, MAX_KEY_BYTES)
        .with_context(|| format!("failed to read the JWT key `{}`", path.display()))?;
    parse(&text).with_context(|| format!("invalid JWT key `{}`", path.display()))
}

/// Removes the line end and the byte-order mark that editors add: they are not part of the secret.
fn without_additions(text: &[u8]) -> &[u8] {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    text.strip_suffix(b"\r").unwrap_or(text)
}

/// The name of a header, a protocol or a cookie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name(String);

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_name_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if !text.is_empty() && text.bytes().all(is_name_byte) {
            Ok(Name(text.to_owned()))
        } else {
            Err(format!("`{text}` is not a name"))
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A comma-separated list of header or protocol names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names(pub(super) Vec<String>);

impl FromStr for Names {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim().is_empty() {
            return Ok(Names(Vec::new()));
        }
        let names = text.split(',').map(|name| name.trim().parse::<Name>().map(|Name(name)| name));
        let names = names.collect::<Result<_, _>>();
        names.map(Names).map_err(|problem| format!("{problem}: use a list such as `user-agent,x-user`"))
    }
}

impl fmt::Display for Names {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.join(","))
    }
}

/// A comma-separated list of the names of response headers that a room can set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResponseHeaders(pub(super) Names);

impl FromStr for ResponseHeaders {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let names: Names = text.parse()?;
        match names.0.iter().find(|name| is_reserved_response_header(name)) {
            Some(name) => Err(format!("the server alone decides about the response header `{name}`: remove it")),
            None => Ok(ResponseHeaders(names)),
        }
    }
}

impl fmt::Display for ResponseHeaders {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
