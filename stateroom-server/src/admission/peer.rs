//! The address of a client, which behind proxies only their headers tell.
//!
//! *Invariant:* a forwarding header is used only as far as trusted proxies have written it.
use std::{fmt, net::IpAddr, str::FromStr};

use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;
use thiserror::Error;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Further headers by which proxies mark requests.
const FORWARDING: [&str; 4] = ["forwarded", "x-forwarded-proto", "x-real-ip", "via"];
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The trusted reverse proxies: addresses and networks, separated by commas.
///
/// The client's address is the last one in `X-Forwarded-For` that is not a trusted proxy: the client may have written the
/// addresses before it.
///
/// ```
/// # use stateroom_server::TrustedProxies;
/// let proxies: TrustedProxies = "10.0.0.0/8,127.0.0.1".parse().unwrap();
/// assert!(proxies.contain("10.1.2.3".parse().unwrap()));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

/// A text is not a list of addresses and networks.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("invalid proxy `{0}`: use addresses and networks such as `127.0.0.1` or `10.0.0.0/8`, separated by commas")]
pub struct ParseProxiesError(String);

impl TrustedProxies {
    /// Returns whether the address belongs to a trusted proxy.
    ///
    /// ```
    /// # use stateroom_server::TrustedProxies;
    /// let proxies: TrustedProxies = "127.0.0.1".parse().unwrap();
    /// assert!(!proxies.contain("192.0.2.1".parse().unwrap()));
    /// ```
    #[must_use]
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Returns the address of the client of a request that came from `peer`.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        let lists = headers.get_all(FORWARDED_FOR).iter().rev();
        // The last address, of one header or of several, is the nearest.
        for list in lists {
            // As bytes: the client's part may not be valid text.
            for item in list.as_bytes().rsplit(|byte| *byte == b',') {
                if !self.contain(client) {
                    return client;
                }
                let item = item.trim_ascii();
                // A list may have empty members (RFC 9110, section 5.6.1).
                if item.is_empty() {
                    continue;
                }
                match std::str::from_utf8(item).ok().and_then(address) {
                    Some(next) => client = next,
                    // Anything before this is unknown.
                    None => return client,
                }
            }
        }
        client
    }

    /// Returns whether a request has a header that says that a proxy has forwarded it. Anybody can write one.
    pub(crate) fn is_marked(headers: &HeaderMap) -> bool {
        [FORWARDED_FOR, FORWARDED_HOST].iter().any(|name| headers.contains_key(name))
            || FORWARDING.iter().any(|name| headers.contains_key(*name))
    }

    /// Returns the host that the client has requested, if a trusted proxy forwards it.
    pub(crate) fn host<'a>(&self, peer: Option<IpAddr>, headers: &'a HeaderMap) -> Option<&'a str> {
        peer.filter(|peer| self.contain(*peer))?;
        let lists = headers.get_all(FORWARDED_HOST).iter().rev();
        // A list that is not text is a host that no page has.
        let mut hosts = lists.flat_map(|list| list.to_str().unwrap_or("?").rsplit(',')).map(str::trim);
        hosts.find(|host| !host.is_empty())
    }
}

/// Parses an address as proxies write it: with or without a port, IPv6 with or without brackets.
fn address(text: &str) -> Option<IpAddr> {
    let address = text.parse::<IpAddr>().ok();
    let address = address.or_else(|| text.parse::<std::net::SocketAddr>().ok().map(|address| address.ip()));
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    address.or_else(in_brackets).map(|address| address.to_canonical())
}

impl FromStr for TrustedProxies {
    type Err = ParseProxiesError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let network = |text: &str| {
            let address = || text.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
            text.parse::<IpNet>().map(|network| network.trunc()).or_else(|_| address())
        };
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        items
            .map(|item| network(item).map_err(|_| ParseProxiesError(item.to_owned())))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl fmt::Display for TrustedProxies {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, network) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(formatter, "{comma}{network}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn client(peer: &str, lists: &[&'static str]) -> String {
        let proxies: TrustedProxies = "10.0.0.0/8, 192.168.1.1,fd00::/8".parse().unwrap();
        let mut headers = HeaderMap::new();
        for list in lists {
            headers.append(FORWARDED_FOR, HeaderValue::from_static(list));
        }
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn uses_headers_of_trusted_proxies_only() {
        assert_eq!(client("203.0.113.7", &["198.51.100.1"]), "203.0.113.7");
        assert_eq!(client("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(client("::ffff:10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
    }

    #[test]
    fn ignores_what_the_client_wrote() {
        assert_eq!(client("10.0.0.1", &["1.2.3.4, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["1.2.3.4", "198.51.100.1, 192.168.1.1"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["127.0.0.1, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["1.2.3.4, unknown"]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["1.2.3.4, 198.51.100.1, ,", "", ","]), "198.51.100.1");
        let mut headers = HeaderMap::new();
        headers.insert(FORWARDED_FOR, HeaderValue::from_bytes(b"\xff, 198.51.100.1").unwrap());
        let proxies: TrustedProxies = "10.0.0.1".parse().unwrap();
        assert_eq!(proxies.client("10.0.0.1".parse().unwrap(), &headers).to_string(), "198.51.100.1");
    }

    #[test]
    fn the_last_proxy_has_written_the_last_host() {
        let proxies: TrustedProxies = "10.0.0.1".parse().unwrap();
        for (lists, host) in [
            (vec!["a.example"], Some("a.example")),
            (vec!["evil.example, a.example"], Some("a.example")),
            (vec!["evil.example", "a.example"], Some("a.example")),
            (vec!["evil.example", "a.example, ,", ""], Some("a.example")),
            (vec!["", " , "], None),
            (vec![], None),
        ] {
            let mut headers = HeaderMap::new();
            for list in &lists {
                headers.append(FORWARDED_HOST, HeaderValue::from_static(list));
            }
            assert_eq!(proxies.host("10.0.0.1".parse().ok(), &headers), host, "{lists:?}");
            assert_eq!(proxies.host("10.0.0.2".parse().ok(), &headers), None);
        }
    }

    #[test]
    fn parses_addresses_as_proxies_write_them() {
        for (item, address) in [
            ("198.51.100.1:4711", "198.51.100.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]:80", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("::ffff:198.51.100.1", "198.51.100.1"),
        ] {
            assert_eq!(client("10.0.0.1", &[item]), address);
        }
    }

    #[test]
    fn parsing_and_display_round_trip() {
        let text = "10.0.0.0/8,192.168.1.1/32,fd00::/8";
        assert_eq!(text.parse::<TrustedProxies>().unwrap().to_string(), text);
        assert_eq!("".parse(), Ok(TrustedProxies::default()));
        assert!("10.0.0.0/33".parse::<TrustedProxies>().is_err());
        assert!("proxy.example".parse::<TrustedProxies>().unwrap_err().to_string().contains("`proxy.example`"));
    }
}
