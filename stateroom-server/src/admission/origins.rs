//! The origins of web pages that may use a server (RFC 6454), which keeps other pages from using a visitor's access.
//!
//! *Invariant:* a browser sends `Origin` with every WebSocket handshake and `POST`, and a page cannot forge it. A request
//! without `Origin` does not come from a browser's page.
use std::{fmt, str::FromStr};

use axum::http::uri::Scheme;
use thiserror::Error;

use super::host::Host;

/// A list of rules, separated by commas. One of them has to match the origin of a page.
///
/// | rule | allowed pages |
/// |-|-|
/// | `any` | all |
/// | `same-host` | those of the host of the request, on any port |
/// | `lan` | the same, if that host is an IP address, a name without a dot, or one that nobody can register |
/// | `loopback` | those of the visitor's own machine: `localhost`, `127.0.0.1`, `[::1]`, on any port |
/// | `https://app.example.com`, `http://10.0.0.1:3000` | those of this origin: scheme, host and port |
/// | `https://*.example.com` | those of all subdomains |
/// | `capacitor://localhost`, `app://.`, `file://`, `moz-extension://UUID` | those of an app or an extension |
/// | `null` | those without an origin: files, sandboxed frames of any page |
///
/// `lan` is for development. Nobody can register names that end in `.local`, `.lan`, `.home.arpa`, `.internal`, `.localdomain`
/// or `.test`. A page of somebody else cannot reach the server under an allowed origin by having a DNS name of
/// its own resolve to the server (DNS rebinding), because nobody can register the names that `lan` allows. Under `same-host`
/// it can, unless [`Hosts`](crate::Hosts) refuses the name, as it does by default on loopback addresses.
///
/// Hosts are compared as browsers write them: in lower case, without a final dot, IPv6 addresses shortened, international
/// names in Punycode (`xn--bcher-kva.example`). The default port of `http` and `https` counts as no port.
///
/// ```
/// # use stateroom_server::Origins;
/// let origins: Origins = "same-host,https://*.example.com".parse().unwrap();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origins(Vec<Rule>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    Any,
    SameHost,
    Lan,
    Loopback,
    /// The same origin.
    Exact(Origin),
    /// Hosts that end with this one, which begins with a dot.
    Subdomains(Origin),
    Null,
}

/// A scheme, a host and a port, in lower case. The scheme's default port is `None`. Apps have any host, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Origin {
    scheme: String,
    host: String,
    port: Option<u16>,
}

/// A text is not a list of origins.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "invalid origin `{0}`: use `any`, `same-host`, `lan`, `loopback`, `null`, `https://app.example.com`, \
     `https://*.example.com` or an app's such as `capacitor://localhost`, without a path, separated by commas; write \
     international names in Punycode (`xn--...`)"
)]
pub struct ParseOriginsError(String);

impl Default for Origins {
    fn default() -> Self {
        Origins::any()
    }
}

impl Origins {
    /// Allows all pages.
    ///
    /// ```
    /// # use stateroom_server::Origins;
    /// assert_eq!(Origins::any().to_string(), "any");
    /// ```
    #[must_use]
    pub fn any() -> Self {
        Origins(vec![Rule::Any])
    }

    /// Allows the pages of the request's host, on any port.
    ///
    /// ```
    /// # use stateroom_server::Origins;
    /// assert_eq!(Origins::same_host().to_string(), "same-host");
    /// ```
    #[must_use]
    pub fn same_host() -> Self {
        Origins(vec![Rule::SameHost])
    }

    /// Allows the pages of the visitor's own machine.
    ///
    /// ```
    /// # use stateroom_server::Origins;
    /// assert_eq!(Origins::loopback().to_string(), "loopback");
    /// ```
    #[must_use]
    pub fn loopback() -> Self {
        Origins(vec![Rule::Loopback])
    }

    /// Allows the pages of the visitor's own machine and, for tests with other devices, those of the host of the request on a
    /// local network: the default of `stateroom dev`.
    ///
    /// ```
    /// # use stateroom_server::Origins;
    /// assert_eq!(Origins::local().to_string(), "loopback,lan");
    /// ```
    #[must_use]
    pub fn local() -> Self {
        Origins(vec![Rule::Loopback, Rule::Lan])
    }

    /// Returns whether pages of every site are allowed: by `any`, or by `null`, because every page can have a sandboxed frame.
    ///
    /// ```
    /// # use stateroom_server::Origins;
    /// assert!(Origins::any().allow_every_site());
    /// assert!(!Origins::same_host().allow_every_site());
    /// ```
    #[must_use]
    pub fn allow_every_site(&self) -> bool {
        self.0.iter().any(|rule| matches!(rule, Rule::Any | Rule::Null))
    }

    /// Returns whether a page of `origin` may send requests to `host`, which is the host of the request.
    pub(crate) fn allow(&self, origin: &str, host: Option<&str>) -> bool {
        if self.0.contains(&Rule::Any) {
            return true;
        }
        if origin == "null" {
            return self.0.contains(&Rule::Null);
        }
        let Some(origin) = Origin::read(origin) else { return false };
        let page = origin.as_host();
        let is_same_host = || host.and_then(Host::parse).is_some_and(|host| host.name == page.name);
        self.0.iter().any(|rule| match rule {
            Rule::Any => true,
            Rule::SameHost => is_same_host(),
            Rule::Lan => page.is_of_lan() && is_same_host(),
            Rule::Loopback => page.is_loopback(),
            Rule::Exact(exact) => *exact == origin,
            Rule::Subdomains(below) => {
                (&below.scheme, below.port) == (&origin.scheme, origin.port)
                    && origin.host.strip_suffix(below.host.as_str()).is_some_and(|name| !name.is_empty())
            }
            Rule::Null => false,
        })
    }
}

impl Origin {
    fn read(text: &str) -> Option<Origin> {
        let (scheme, authority) = text.split_once("://")?;
        let scheme = scheme.parse::<Scheme>().ok()?.as_str().to_ascii_lowercase();
        let default_port = match scheme.as_str() {
            "http" => Some(80),
            "https" => Some(443),
            // The origin of an app: the system or the browser chose the host, which may not be a valid name.
            _ if matches!(authority, "" | "." | "-") => {
                return Some(Origin { scheme, host: authority.to_owned(), port: None });
            }
            _ => None,
        };
        // An empty port is none in a request, but no page has an origin with one.
        let host = Host::parse(authority).filter(|_| !authority.ends_with(':'))?;
        Some(Origin { scheme, port: host.port.filter(|port| Some(*port) != default_port), host: host.name })
    }

    fn as_host(&self) -> Host {
        Host { name: self.host.clone(), port: self.port }
    }
}

/// Returns the rule for the subdomains of a host. An address has none.
fn subdomains(scheme: &str, host: &str) -> Option<Rule> {
    let origin = Origin::read(&format!("{scheme}://{host}"))?;
    let is_domain = !origin.host.contains('*') && !origin.host.starts_with('.') && !origin.host.is_empty();
    let host = format!(".{}", origin.host);
    (is_domain && !origin.as_host().is_address()).then_some(Rule::Subdomains(Origin { host, ..origin }))
}

impl FromStr for Origins {
    type Err = ParseOriginsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rule = |text: &str| {
            let rule = match text {
                "any" => Some(Rule::Any),
                "same-host" => Some(Rule::SameHost),
                "lan" => Some(Rule::Lan),
                "loopback" => Some(Rule::Loopback),
                "null" => Some(Rule::Null),
                text => {
                    // The address of a page ends with a slash, its origin does not.
                    let origin = text.strip_suffix('/').filter(|origin| origin.contains("://")).unwrap_or(text);
                    match origin.split_once("://*.") {
                        Some((scheme, host)) => subdomains(scheme, host),
                        None if origin.contains('*') => None,
                        None => Origin::read(origin).map(Rule::Exact),
                    }
                }
            };
            rule.ok_or_else(|| ParseOriginsError(text.to_owned()))
        };
        let rules: Vec<Rule> = text.split(',').map(|item| rule(item.trim())).collect::<Result<_, _>>()?;
        Ok(Origins(rules))
    }
}

impl fmt::Display for Origins {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, rule) in self.0.iter().enumerate() {
            formatter.write_str(if index == 0 { "" } else { "," })?;
            match rule {
                Rule::Any => formatter.write_str("any")?,
                Rule::SameHost => formatter.write_str("same-host")?,
                Rule::Lan => formatter.write_str("lan")?,
                Rule::Loopback => formatter.write_str("loopback")?,
                Rule::Null => formatter.write_str("null")?,
                Rule::Exact(Origin { scheme, host, port }) => {
                    write!(formatter, "{scheme}://{host}{}", port_text(*port))?;
                }
                Rule::Subdomains(Origin { scheme, host, port }) => {
                    write!(formatter, "{scheme}://*{host}{}", port_text(*port))?;
                }
            }
        }
        Ok(())
    }
}

fn port_text(port: Option<u16>) -> String {
    port.map(|port| format!(":{port}")).unwrap_or_default()
}

#[cfg(test)]
mod tests;
