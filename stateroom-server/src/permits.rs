//! The limits on concurrent connections: in total, and from one address.
//!
//! *Invariant:* a permit is released by its `Drop` only.
use std::{
    collections::{HashMap, hash_map::Entry},
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

use parking_lot::Mutex;

use crate::settings::{Limit, Limits};

/// Limits the number of concurrent connections of a server.
#[derive(Debug)]
pub(crate) struct ConnectionLimiter {
    state: Mutex<LimiterState>,
    max_connections: usize,
    /// `None` if connections are not counted by address.
    max_from_address: Option<usize>,
}

#[derive(Debug, Default)]
struct LimiterState {
    connections: usize,
    by_network: NetworkCounts,
}

/// All networks of one site together may use this many times as much as one of them.
pub(crate) const SITE_FACTOR: usize = 16;

/// The network that a client comes from: an IPv4 address, or an IPv6 network of 64 bits, which one household has. Its site is
/// the IPv6 network of 48 bits around it, which one customer of a provider can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SourceNetwork {
    address: IpAddr,
    prefix: u8,
}

impl SourceNetwork {
    const NETWORK_BITS: u8 = 64;
    const SITE_BITS: u8 = 48;

    pub(crate) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => SourceNetwork::v6(address, Self::NETWORK_BITS),
            address => SourceNetwork { address, prefix: 32 },
        }
    }

    fn v6(address: Ipv6Addr, prefix: u8) -> Self {
        let mask = u128::MAX << (128 - u32::from(prefix));
        SourceNetwork { address: Ipv6Addr::from_bits(address.to_bits() & mask).into(), prefix }
    }

    /// Returns the network, and its site if it has one, each with the factor by which its limits are multiplied.
    pub(crate) fn with_site(self) -> impl Iterator<Item = (SourceNetwork, usize)> {
        let site = match self.address {
            IpAddr::V6(address) => Some((SourceNetwork::v6(address, Self::SITE_BITS), SITE_FACTOR)),
            IpAddr::V4(_) => None,
        };
        [(self, 1)].into_iter().chain(site)
    }
}

/// The numbers of what networks have, each also counted for the network's site.
#[derive(Debug, Default)]
pub(crate) struct NetworkCounts(HashMap<SourceNetwork, usize>);

impl NetworkCounts {
    /// Returns whether a network may have one more, if it may have `max` and its site a multiple of that.
    pub(crate) fn has_space(&self, network: SourceNetwork, max: usize) -> bool {
        let count = |network| self.0.get(&network).copied().unwrap_or_default();
        network.with_site().all(|(network, factor)| count(network) < max.saturating_mul(factor))
    }

    pub(crate) fn add(&mut self, network: SourceNetwork) {
        for (network, _) in network.with_site() {
            *self.0.entry(network).or_default() += 1;
        }
    }

    pub(crate) fn remove(&mut self, network: SourceNetwork) {
        for (network, _) in network.with_site() {
            if let Entry::Occupied(mut count) = self.0.entry(network) {
                *count.get_mut() = count.get().saturating_sub(1);
                if *count.get() == 0 {
                    count.remove();
                }
            }
        }
    }
}

/// The reason that a connection gets no permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PermitRefusal {
    /// The server has reached its limit of connections.
    Server,
    /// The address has reached its limit of connections.
    Address,
}

/// The permit of one connection to the server.
#[derive(Debug)]
pub(crate) struct ConnectionPermit(Arc<ConnectionLimiter>);

/// The permit of one connection from its address.
#[derive(Debug)]
pub(crate) struct AddressPermit {
    limiter: Arc<ConnectionLimiter>,
    network: SourceNetwork,
}

/// The permits that one connection holds.
#[derive(Debug)]
pub(crate) struct ConnectionPermits {
    _connection: Option<ConnectionPermit>,
    /// For a request over a proxy's connection: that connection's permits.
    _proxy: Option<Arc<ConnectionPermits>>,
    _address: Option<AddressPermit>,
    has_address: bool,
}

impl ConnectionPermits {
    /// Returns the permits of a connection that has the permit `connection`.
    pub(crate) fn new(connection: ConnectionPermit) -> Self {
        ConnectionPermits { _connection: Some(connection), _proxy: None, _address: None, has_address: false }
    }

    /// Returns the permits of a client behind a proxy that has the permits `proxy`.
    pub(crate) fn behind_proxy(proxy: Arc<ConnectionPermits>) -> Self {
        ConnectionPermits { _connection: None, _proxy: Some(proxy), _address: None, has_address: false }
    }

    /// Adds the permit of the address. `None` if addresses are not limited.
    pub(crate) fn add_address(&mut self, address: Option<AddressPermit>) {
        self._address = address;
        self.has_address = true;
    }

    /// Returns whether the limit of the address was checked.
    pub(crate) fn has_address(&self) -> bool {
        self.has_address
    }
}

impl ConnectionLimiter {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        let max_from_address = Some(limits.address_connections).filter(|limit| *limit > 0);
        Arc::new(ConnectionLimiter { state: Mutex::default(), max_connections: limits.connections, max_from_address })
    }

    /// Acquires the permit of a connection.
    pub(crate) fn acquire(self: &Arc<Self>) -> Result<ConnectionPermit, PermitRefusal> {
        let mut state = self.state.lock();
        if state.connections >= self.max_connections {
            Limit::Connections.exceeded();
            return Err(PermitRefusal::Server);
        }
        state.connections += 1;
        Ok(ConnectionPermit(self.clone()))
    }

    /// Acquires the permit of a connection from `address`. `None` if addresses are not limited.
    pub(crate) fn acquire_for(self: &Arc<Self>, address: IpAddr) -> Result<Option<AddressPermit>, PermitRefusal> {
        let Some(max_from_address) = self.max_from_address else { return Ok(None) };
        let network = SourceNetwork::of(address);
        let mut state = self.state.lock();
        if !state.by_network.has_space(network, max_from_address) {
            Limit::AddressConnections.exceeded();
            return Err(PermitRefusal::Address);
        }
        state.by_network.add(network);
        Ok(Some(AddressPermit { limiter: self.clone(), network }))
    }

    /// Returns the number of connections.
    pub(crate) fn count(&self) -> usize {
        self.state.lock().connections
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.connections = state.connections.saturating_sub(1);
    }
}

impl Drop for AddressPermit {
    fn drop(&mut self) {
        self.limiter.state.lock().by_network.remove(self.network);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(connections: usize, address_connections: usize) -> Arc<ConnectionLimiter> {
        ConnectionLimiter::new(&Limits { connections, address_connections, ..Limits::default() })
    }

    #[test]
    fn releases_a_permit_when_it_is_dropped() {
        let limiter = limiter(2, 0);
        let (first, second) = (limiter.acquire().unwrap(), limiter.acquire().unwrap());
        assert_eq!(limiter.acquire().unwrap_err(), PermitRefusal::Server);
        drop(first);
        assert_eq!(limiter.count(), 1);
        drop((limiter.acquire().unwrap(), second));
        assert_eq!(limiter.count(), 0);
    }

    #[test]
    fn counts_each_ipv4_address_and_each_ipv6_network() {
        let limiter = limiter(9, 1);
        let take = |address: &str| limiter.acquire_for(address.parse().unwrap());
        let place = take("192.0.2.1").unwrap();
        let other = take("2001:db8:0:1::1").unwrap();
        assert!(take("192.0.2.2").is_ok() && take("2001:db8:0:2::1").is_ok());
        for address in ["192.0.2.1", "::ffff:192.0.2.1", "2001:db8:0:1:ffff::2"] {
            assert_eq!(take(address).unwrap_err(), PermitRefusal::Address, "{address}");
        }
        drop((place, other));
        assert!(take("192.0.2.1").is_ok());
        assert!(limiter.state.lock().by_network.0.is_empty(), "an entry without connections is removed");
    }

    #[test]
    fn a_site_has_a_multiple_of_the_connections_of_one_of_its_networks() {
        let limiter = limiter(usize::MAX, 2);
        let take = |number: u16| limiter.acquire_for(Ipv6Addr::new(0x2001, 0xdb8, 1, number, 0, 0, 0, 1).into());
        let permits: Vec<_> = (0..=u16::MAX).filter_map(|number| take(number).ok()).collect();
        assert_eq!(permits.len(), 2 * SITE_FACTOR);
        assert!(limiter.acquire_for("2001:db8:2::1".parse().unwrap()).is_ok());
    }

    #[test]
    fn counts_no_addresses_without_a_limit() {
        let limiter = limiter(9, 0);
        assert!(limiter.acquire_for("192.0.2.1".parse().unwrap()).unwrap().is_none());
    }
}
