//! The origins of web pages that may use a server (RFC 6454), which keeps other pages from using a visitor's access.
//!
//! *Invariant:* a browser sends `Origin` with every WebSocket handshake and `POST`, and a page cannot forge it. A request
//! without `Origin` does not come from a browser's page.
use std::{fmt, net::IpAddr, str::FromStr};

use axum::http::{Uri, uri::Authority};
use thiserror::Error;

/// A list of rules, separated by commas. One of them has to match the origin of a page.
///
/// | rule | allowed pages |
/// |-|-|
/// | `any` | all |
/// | `same-host` | those of the host of the request, on any port |
/// | `loopback` | those of the visitor's own machine: `localhost`, `127.0.0.1`, `[::1]`, on any port |
/// | `https://app.example.com`, `http://10.0.0.1:3000` | those of this origin: scheme, host and port |
/// | `https://*.example.com` | those of all subdomains |
/// | `null` | those without an origin: files, sandboxed frames |
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
    Loopback,
    /// The same origin.
    Exact(Origin),
    /// Hosts that end with this one, which begins with a dot.
    Subdomains(Origin),
    Null,
}

/// A scheme, a host and a port, in lower case. The scheme's default port is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Origin {
    scheme: String,
    host: String,
    port: Option<u16>,
}

/// A text is not a list of origins.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "invalid origin `{0}`: use `any`, `same-host`, `loopback`, `https://app.example.com` or `https://*.example.com`, \
     separated by commas"
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

    /// Returns whether a page of `origin` may send requests to `host`, which is the host of the request.
    pub(crate) fn allow(&self, origin: &str, host: Option<&str>) -> bool {
        if self.0.contains(&Rule::Any) {
            return true;
        }
        if origin == "null" {
            return self.0.contains(&Rule::Null);
        }
        let Some(origin) = Origin::read(origin) else { return false };
        self.0.iter().any(|rule| match rule {
            Rule::Any => true,
            Rule::SameHost => host.and_then(host_of).is_some_and(|host| host == origin.host),
            Rule::Loopback => origin.is_loopback(),
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
        let uri: Uri = text.parse().ok()?;
        let scheme = uri.scheme_str().filter(|it| it.eq_ignore_ascii_case(scheme))?.to_ascii_lowercase();
        // An origin has no user and no path.
        let parsed = uri.authority().filter(|it| it.as_str() == authority && !authority.contains('@'))?;
        let port = match parsed.port() {
            Some(port) => Some(port.as_str().parse().ok()?),
            None => None,
        };
        let default_port = match scheme.as_str() {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        };
        Some(Origin { scheme, host: host_of(authority)?, port: port.filter(|port| Some(*port) != default_port) })
    }

    fn is_loopback(&self) -> bool {
        let host = self.host.as_str();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host == "localhost"
            || host.ends_with(".localhost")
            || address.is_ok_and(|address| address.to_canonical().is_loopback())
    }
}

/// Returns the host of an authority, in lower case.
fn host_of(authority: &str) -> Option<String> {
    let authority: Authority = authority.parse().ok()?;
    let host = authority.host().trim_end_matches('.');
    (!host.is_empty()).then(|| host.to_ascii_lowercase())
}

impl FromStr for Origins {
    type Err = ParseOriginsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rule = |text: &str| {
            let rule = match text {
                "any" => Some(Rule::Any),
                "same-host" => Some(Rule::SameHost),
                "loopback" => Some(Rule::Loopback),
                "null" => Some(Rule::Null),
                text => match text.split_once("://*.") {
                    Some((scheme, host)) => Origin::read(&format!("{scheme}://{host}"))
                        .map(|origin| Rule::Subdomains(Origin { host: format!(".{}", origin.host), ..origin })),
                    None if text.contains('*') => None,
                    None => Origin::read(text).map(Rule::Exact),
                },
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
mod tests {
    use super::*;

    fn allow(rules: &str, origin: &str, host: &str) -> bool {
        rules.parse::<Origins>().unwrap().allow(origin, Some(host))
    }

    #[test]
    fn same_host_allows_other_ports_and_schemes() {
        for (origin, host, allowed) in [
            ("https://example.com", "example.com", true),
            ("http://example.com:3000", "EXAMPLE.com:8080", true),
            ("http://[::1]:3000", "[::1]:8080", true),
            ("http://192.168.1.5:8080", "192.168.1.5:8080", true),
            ("https://example.com.evil.test", "example.com", false),
            ("https://evil.test", "example.com", false),
            ("https://sub.example.com", "example.com", false),
            ("https://example.com@evil.test", "example.com", false),
            ("null", "example.com", false),
            ("", "example.com", false),
            ("example.com", "example.com", false),
            ("https://example.com/path", "example.com", false),
        ] {
            assert_eq!(allow("same-host", origin, host), allowed, "{origin} to {host}");
        }
        assert!(!Origins::same_host().allow("https://example.com", None));
    }

    #[test]
    fn loopback_allows_all_names_of_the_machine() {
        for (origin, allowed) in [
            ("http://localhost:3000", true),
            ("http://app.localhost", true),
            ("http://127.0.0.1:8080", true),
            ("http://127.9.9.9", true),
            ("http://[::1]:8080", true),
            ("http://localhost.evil.test", false),
            ("http://127.0.0.1.evil.test", false),
            ("http://evillocalhost", false),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(allow("loopback", origin, "evil.test"), allowed, "{origin}");
        }
    }

    #[test]
    fn a_list_allows_the_listed_origins() {
        let list = "https://app.example.com, https://*.example.org:8443,null";
        for (origin, allowed) in [
            ("https://app.example.com", true),
            ("https://APP.example.com:443", true),
            ("http://app.example.com", false),
            ("https://app.example.com:8443", false),
            ("https://a.b.example.org:8443", true),
            ("https://a.example.org", false),
            ("https://example.org:8443", false),
            ("https://evilexample.org:8443", false),
            ("null", true),
        ] {
            assert_eq!(allow(list, origin, "x"), allowed, "{origin}");
        }
        assert!(allow("same-host,https://app.example.com", "http://x", "x:80"));
        assert!(allow("any", "anything at all", "x"));
    }

    #[test]
    fn parsing_and_display_round_trip() {
        for text in ["any", "same-host", "loopback,null", "https://app.example.com,http://*.example.org:8080"] {
            assert_eq!(text.parse::<Origins>().unwrap().to_string(), text);
        }
        for text in
            ["", "example.com", "https://", "https://a*.example.com", "https://*.", "ftp", "https://a/b", "any,"]
        {
            assert!(text.parse::<Origins>().is_err(), "{text}");
        }
    }
}
