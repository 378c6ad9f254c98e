//! The hosts that a server answers to, which keeps out pages that have a DNS name of their own resolve to it.
//!
//! *Invariant:* a browser names the host that a page comes from in every request to it, with the port that it connects to, and
//! the page cannot change that.
use std::{fmt, str::FromStr};

use thiserror::Error;

use super::host::Host;

/// A list of rules, separated by commas. One of them has to match the host of a request.
///
/// | rule | hosts |
/// |-|-|
/// | `any` | all |
/// | `auto` | all, except when the server listens on loopback addresses only: then `localhost`, IP addresses and names that nobody can register; and others if a proxy on the same machine forwards them |
/// | `app.example.com`, `10.0.0.1`, `[::1]` | this one, with any port |
/// | `app.example.com:8080` | this one, with this port |
/// | `*.example.com` | all subdomains |
///
/// Under `auto`, a request with `X-Forwarded-For` or a similar header counts as one that a proxy forwards if its host has
/// another port than the server, or if the proxy is [trusted](crate::Admission::trusted_proxies). A proxy that passes on neither
/// needs its host to be listed. A router that is nested in an app does not know its address: `auto` allows all hosts there.
///
/// ```
/// # use stateroom_server::Hosts;
/// let hosts: Hosts = "auto,app.example.com".parse().unwrap();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosts(Vec<HostRule>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum HostRule {
    Any,
    Auto,
    Exact(Host),
    /// Hosts that end with this one, which begins with a dot.
    Subdomains(Host),
}

/// A text is not a list of hosts.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "invalid host `{0}`: use `any`, `auto`, `app.example.com`, `app.example.com:8080` or `*.example.com`, without a scheme or a \
     path, separated by commas; write international names in Punycode (`xn--...`)"
)]
pub struct ParseHostsError(String);

impl Default for Hosts {
    fn default() -> Self {
        Hosts(vec![HostRule::Auto])
    }
}

impl Hosts {
    /// Returns whether requests for `host` are served. `is_auto` tells about `auto`.
    pub(crate) fn allow(&self, host: Option<&str>, is_auto: impl Fn(Option<&Host>) -> bool) -> bool {
        let host = host.and_then(Host::parse);
        let is = |rule: &Host| {
            host.as_ref().is_some_and(|host| rule.name == host.name && (rule.port.is_none() || rule.port == host.port))
        };
        self.0.iter().any(|rule| match rule {
            HostRule::Any => true,
            HostRule::Auto => is_auto(host.as_ref()),
            HostRule::Exact(exact) => is(exact),
            HostRule::Subdomains(below) => host.as_ref().is_some_and(|host| {
                let name = host.name.strip_suffix(below.name.as_str());
                name.is_some_and(|name| !name.is_empty()) && (below.port.is_none() || below.port == host.port)
            }),
        })
    }
}

impl FromStr for Hosts {
    type Err = ParseHostsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rule = |text: &str| {
            let rule = match text {
                "any" => Some(HostRule::Any),
                "auto" => Some(HostRule::Auto),
                text => match text.strip_prefix("*.") {
                    Some(domain) => Host::parse(domain)
                        .filter(|host| !host.is_address() && !host.name.contains('*'))
                        .map(|Host { name, port }| HostRule::Subdomains(Host { name: format!(".{name}"), port })),
                    None => Host::parse(text).filter(|host| !host.name.contains('*')).map(HostRule::Exact),
                },
            };
            rule.ok_or_else(|| ParseHostsError(text.to_owned()))
        };
        text.split(',').map(|item| rule(item.trim())).collect::<Result<_, _>>().map(Hosts)
    }
}

impl fmt::Display for Hosts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, rule) in self.0.iter().enumerate() {
            formatter.write_str(if index == 0 { "" } else { "," })?;
            let (star, host) = match rule {
                HostRule::Any | HostRule::Auto => {
                    formatter.write_str(if *rule == HostRule::Any { "any" } else { "auto" })?;
                    continue;
                }
                HostRule::Exact(host) => ("", host),
                HostRule::Subdomains(host) => ("*", host),
            };
            write!(formatter, "{star}{}", host.name)?;
            host.port.map_or(Ok(()), |port| write!(formatter, ":{port}"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allows_listed_hosts_only() {
        for (list, host, expected) in [
            ("any", None, true),
            ("any", Some("?"), true),
            ("a.example", Some("A.example.:81"), true),
            ("a.example", Some("b.a.example"), false),
            ("a.example", None, false),
            ("a.example", Some("a.example:x"), false),
            ("a.example:81", Some("a.example:81"), true),
            ("a.example:81", Some("a.example"), false),
            ("*.a.example", Some("b.a.example:81"), true),
            ("*.a.example", Some("a.example"), false),
            ("b.example,[::1]", Some("[0::1]:80"), true),
            ("auto,b.example", Some("b.example"), true),
            ("auto,b.example", Some("c.example"), false),
        ] {
            let hosts: Hosts = list.parse().unwrap();
            assert_eq!(hosts.allow(host, |_| false), expected, "{list}: {host:?}");
            assert_eq!(hosts.to_string(), list);
        }
        for list in ["", "a,", "https://a.example", "a/b", "*", "*.10.0.0.1", "a.*.b", "a:x", "u@a"] {
            assert!(list.parse::<Hosts>().is_err(), "{list}");
        }
    }
}
