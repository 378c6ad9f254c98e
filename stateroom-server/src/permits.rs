//! How many connections there are, and how many of them from one address.
//!
//! *Invariant:* a place is given back by its `Drop`, and by nothing else.
use std::{
    collections::{HashMap, hash_map::Entry},
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex},
};

use crate::{limits, lock, settings::Limits};

/// All the connections of a server.
#[derive(Debug)]
pub(crate) struct ConnectionLimiter {
    state: Mutex<LimiterState>,
    most: usize,
    most_of_address: usize,
}

#[derive(Debug, Default)]
struct LimiterState {
    count: usize,
    by_address: HashMap<SourceNetwork, usize>,
}

/// Where connections come from: of IPv6, the network that one household has, as all addresses in it are its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SourceNetwork(IpAddr);

impl SourceNetwork {
    pub(crate) fn of(address: IpAddr) -> Self {
        const HOUSEHOLD: u128 = !0 << 64;
        SourceNetwork(match address.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & HOUSEHOLD).into(),
            address => address,
        })
    }
}

/// There is no place for another connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PermitRefusal {
    /// There are as many as there may be.
    Server,
    /// There are as many from this address as there may be.
    Address,
}

/// The place of one connection among all.
#[derive(Debug)]
pub(crate) struct ConnectionPermit(Arc<ConnectionLimiter>);

/// Its place among those of its address.
#[derive(Debug)]
pub(crate) struct AddressPermit {
    connections: Arc<ConnectionLimiter>,
    source: SourceNetwork,
}

/// The places that a connection has.
#[derive(Debug)]
pub(crate) struct ConnectionPermits {
    _place: Option<ConnectionPermit>,
    /// Of a request that came over a proxy's connection: that has the place.
    _proxy: Option<Arc<ConnectionPermits>>,
    address: Option<AddressPermit>,
    is_of_address: bool,
}

impl ConnectionPermits {
    /// Those of a connection that is one of all.
    pub(crate) fn of(place: ConnectionPermit) -> Self {
        ConnectionPermits { _place: Some(place), _proxy: None, address: None, is_of_address: false }
    }

    /// Those of a client that has come over a proxy's connection.
    pub(crate) fn behind_proxy(proxy: Arc<ConnectionPermits>) -> Self {
        ConnectionPermits { _place: None, _proxy: Some(proxy), address: None, is_of_address: false }
    }

    /// Counts it among those of its address, if these are counted.
    pub(crate) fn add(&mut self, address: Option<AddressPermit>) {
        self.address = address;
        self.is_of_address = true;
    }

    /// Whether it was looked at where it comes from.
    pub(crate) fn is_of_address(&self) -> bool {
        self.is_of_address
    }
}

impl ConnectionLimiter {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        let most_of_address = if limits.address_connections == 0 { usize::MAX } else { limits.address_connections };
        Arc::new(ConnectionLimiter { state: Mutex::default(), most: limits.connections, most_of_address })
    }

    /// A place among all.
    pub(crate) fn take(self: &Arc<Self>) -> Result<ConnectionPermit, PermitRefusal> {
        let mut state = lock(&self.state);
        if state.count >= self.most {
            limits::exceeded("connections");
            return Err(PermitRefusal::Server);
        }
        state.count += 1;
        Ok(ConnectionPermit(self.clone()))
    }

    /// A place among those of an address. Nothing is counted where any number may be.
    pub(crate) fn take_of(self: &Arc<Self>, address: IpAddr) -> Result<Option<AddressPermit>, PermitRefusal> {
        if self.most_of_address == usize::MAX {
            return Ok(None);
        }
        let source = SourceNetwork::of(address);
        let mut state = lock(&self.state);
        let count = state.by_address.entry(source).or_default();
        if *count >= self.most_of_address {
            limits::exceeded("address_connections");
            return Err(PermitRefusal::Address);
        }
        *count += 1;
        Ok(Some(AddressPermit { connections: self.clone(), source }))
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        lock(&self.state).count
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        state.count = state.count.saturating_sub(1);
    }
}

impl Drop for AddressPermit {
    fn drop(&mut self) {
        let mut state = lock(&self.connections.state);
        if let Entry::Occupied(mut count) = state.by_address.entry(self.source) {
            *count.get_mut() = count.get().saturating_sub(1);
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(connections: usize, address_connections: usize) -> Arc<ConnectionLimiter> {
        ConnectionLimiter::new(&Limits { connections, address_connections, ..Limits::default() })
    }

    #[test]
    fn a_place_is_free_again_when_its_connection_is_gone() {
        let connections = connections(2, 0);
        let (first, second) = (connections.take().unwrap(), connections.take().unwrap());
        assert_eq!(connections.take().unwrap_err(), PermitRefusal::Server);
        drop(first);
        assert_eq!(connections.count(), 1);
        drop((connections.take().unwrap(), second));
        assert_eq!(connections.count(), 0);
    }

    #[test]
    fn each_address_has_its_own_places_and_a_household_one_address() {
        let connections = connections(9, 1);
        let take = |address: &str| connections.take_of(address.parse().unwrap());
        let place = take("192.0.2.1").unwrap();
        let other = take("2001:db8:0:1::1").unwrap();
        assert!(take("192.0.2.2").is_ok() && take("2001:db8:0:2::1").is_ok());
        for address in ["192.0.2.1", "::ffff:192.0.2.1", "2001:db8:0:1:ffff::2"] {
            assert_eq!(take(address).unwrap_err(), PermitRefusal::Address, "{address}");
        }
        drop((place, other));
        assert!(take("192.0.2.1").is_ok());
        assert!(lock(&connections.state).by_address.is_empty(), "nothing is kept of who is gone");
    }

    #[test]
    fn without_a_limit_addresses_are_not_counted() {
        let connections = connections(9, 0);
        assert!(connections.take_of("192.0.2.1".parse().unwrap()).unwrap().is_none());
    }
}
