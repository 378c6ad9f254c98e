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
    by_network: HashMap<SourceNetwork, usize>,
}

/// The network that a connection comes from: an IPv4 address, or an IPv6 network of 64 bits, which one household has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SourceNetwork(IpAddr);

impl SourceNetwork {
    pub(crate) fn of(address: IpAddr) -> Self {
        const PREFIX: u128 = !0 << 64;
        SourceNetwork(match address.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & PREFIX).into(),
            address => address,
        })
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
        let connections = state.by_network.entry(network).or_default();
        if *connections >= max_from_address {
            Limit::AddressConnections.exceeded();
            return Err(PermitRefusal::Address);
        }
        *connections += 1;
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
        let mut state = self.limiter.state.lock();
        if let Entry::Occupied(mut connections) = state.by_network.entry(self.network) {
            *connections.get_mut() = connections.get().saturating_sub(1);
            if *connections.get() == 0 {
                connections.remove();
            }
        }
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
        assert!(limiter.state.lock().by_network.is_empty(), "an entry without connections is removed");
    }

    #[test]
    fn counts_no_addresses_without_a_limit() {
        let limiter = limiter(9, 0);
        assert!(limiter.acquire_for("192.0.2.1".parse().unwrap()).unwrap().is_none());
    }
}
