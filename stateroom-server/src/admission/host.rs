//! Hosts, as requests and web pages name them.
//!
//! *Invariant:* a host is compared as browsers write it: in lower case, without a final dot, IPv6 addresses shortened.
use std::net::IpAddr;

use axum::http::{HeaderMap, Uri, header::HOST, uri::Authority};

/// The ends of names that routers and developers use, and that nobody can register: reserved by RFC 6761, 6762 and 8375 or by
/// ICANN, or in use for so long that ICANN does not delegate them.
const LAN_SUFFIXES: [&str; 6] = [".local", ".lan", ".home.arpa", ".internal", ".localdomain", ".test"];

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) port: Option<u16>,
}

impl Host {
    /// Parses an authority without a user. An empty port is none.
    pub(crate) fn parse(text: &str) -> Option<Host> {
        let authority: Authority = text.parse().ok()?;
        let rest = text.strip_prefix(authority.host())?;
        let port = match rest.strip_prefix(':') {
            None if rest.is_empty() => None,
            None => return None,
            Some("") => None,
            // Rust parses a sign, too.
            Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => Some(port.parse().ok()?),
            Some(_) => return None,
        };
        let host = authority.host();
        if let Some(IpAddr::V6(address)) = address_of(host) {
            return Some(Host { name: format!("[{address}]"), port });
        }
        let host = host.strip_suffix('.').unwrap_or(host);
        (!host.is_empty() && !host.ends_with('.')).then(|| Host { name: host.to_ascii_lowercase(), port })
    }

    /// Returns whether it is this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.name.as_str();
        host == "localhost"
            || host.ends_with(".localhost")
            || address_of(host).is_some_and(|address| address.to_canonical().is_loopback())
    }

    /// Returns whether nobody can register this host in the public DNS.
    pub(crate) fn is_of_lan(&self) -> bool {
        let host = self.name.as_str();
        address_of(host).is_some() || !host.contains('.') || LAN_SUFFIXES.iter().any(|suffix| host.ends_with(suffix))
    }

    pub(crate) fn is_address(&self) -> bool {
        address_of(&self.name).is_some()
    }
}

/// Returns the host that a request names, as it is written: in the URI over HTTP/2 and in requests to proxies.
pub(crate) fn requested<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let requested = uri.authority().map(Authority::as_str);
    requested.or_else(|| headers.get(HOST)?.to_str().ok())
}

/// Returns the IP address that a host is, if it is one.
fn address_of(host: &str) -> Option<IpAddr> {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_hosts_as_browsers_compare_them_and_no_other_ports_than_numbers() {
        for (text, name, port) in [
            ("Example.COM.", "example.com", None),
            ("example.com:", "example.com", None),
            ("example.com:080", "example.com", Some(80)),
            ("[0:0::1]:8080", "[::1]", Some(8080)),
            ("127.0.0.1:80", "127.0.0.1", Some(80)),
        ] {
            assert_eq!(Host::parse(text), Some(Host { name: name.to_owned(), port }), "{text}");
        }
        for text in
            ["", ".", "a..", ":80", "a:+80", "a:-1", "a:x", "a:99999", "a:8 0", "a b", "u@a", "a/b", "[::1", "a:80:80"]
        {
            assert_eq!(Host::parse(text), None, "{text}");
        }
    }
}
