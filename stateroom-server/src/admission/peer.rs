//! Where a client is, as far as it can be known: behind proxies, only they know.
//!
//! *Invariant:* what a header says counts only as far as it was written by somebody who is trusted.
use std::{fmt, net::IpAddr, str::FromStr};

use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;
use thiserror::Error;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The reverse proxies that are believed: addresses and networks, such as `10.0.0.0/8`.
///
/// Of what `X-Forwarded-For` lists, the last address that is none of these is the client's: what stands before it, the client
/// may have written itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

/// What was written is no list of addresses and networks.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is no address or network of a proxy: write such as `10.0.0.0/8` or `127.0.0.1`, with commas between")]
pub struct ParseProxiesError(String);

impl TrustedProxies {
    /// Whether somebody who connects from there is believed.
    #[must_use]
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The address of the client, of a request that came from `peer`.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        let lists = headers.get_all(FORWARDED_FOR).iter().rev();
        // In several headers of that name, or in one: the last is the nearest.
        for list in lists {
            // Byte by byte: what the client wrote into it may be no text.
            for item in list.as_bytes().rsplit(|byte| *byte == b',') {
                if !self.contain(client) {
                    return client;
                }
                match std::str::from_utf8(item).ok().and_then(|item| address(item.trim())) {
                    Some(next) => client = next,
                    // Whoever is before that, nobody knows.
                    None => return client,
                }
            }
        }
        client
    }

    /// The host that the client has called, if a proxy that is believed has called this server by another name.
    pub(crate) fn host<'a>(&self, peer: Option<IpAddr>, headers: &'a HeaderMap) -> Option<&'a str> {
        peer.filter(|peer| self.contain(*peer))?;
        headers.get_all(FORWARDED_HOST).iter().next_back()?.to_str().ok()?.rsplit(',').next().map(str::trim)
    }
}

/// An address as proxies write it: maybe with a port, of IPv6 maybe in brackets.
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
    fn only_who_is_trusted_says_where_a_client_is() {
        assert_eq!(client("203.0.113.7", &["198.51.100.1"]), "203.0.113.7");
        assert_eq!(client("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(client("::ffff:10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
    }

    #[test]
    fn what_a_client_writes_itself_is_not_believed() {
        assert_eq!(client("10.0.0.1", &["1.2.3.4, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["1.2.3.4", "198.51.100.1, 192.168.1.1"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["127.0.0.1, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["1.2.3.4, unknown"]), "10.0.0.1");
        let mut headers = HeaderMap::new();
        headers.insert(FORWARDED_FOR, HeaderValue::from_bytes(b"\xff, 198.51.100.1").unwrap());
        let proxies: TrustedProxies = "10.0.0.1".parse().unwrap();
        assert_eq!(proxies.client("10.0.0.1".parse().unwrap(), &headers).to_string(), "198.51.100.1");
    }

    #[test]
    fn addresses_are_read_as_proxies_write_them() {
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
    fn a_list_is_read_as_it_is_written() {
        let text = "10.0.0.0/8,192.168.1.1/32,fd00::/8";
        assert_eq!(text.parse::<TrustedProxies>().unwrap().to_string(), text);
        assert_eq!("".parse(), Ok(TrustedProxies::default()));
        assert!("10.0.0.0/33".parse::<TrustedProxies>().is_err());
        assert!("proxy.example".parse::<TrustedProxies>().unwrap_err().to_string().contains("`proxy.example`"));
    }
}
