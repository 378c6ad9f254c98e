//! The creators of rooms: the limits on the rooms of one address, and on the rate of new ones.
//!
//! *Invariant:* a room counts for the address that created it from its start to its end, whoever is in it.
use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    net::IpAddr,
    sync::Arc,
};

use tokio::time::Instant;

use super::Refusal;
use crate::{
    permits::{NetworkCounts, SourceNetwork},
    rate_limit::{bucket::Rate, networks::NetworkRateLimiter},
    settings::{Limit, Limits},
};

/// The creator of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Maker {
    /// The program around the rooms, which no limit of an address concerns.
    Program,
    /// A client whose address is not known.
    Unknown,
    /// A client.
    Network(SourceNetwork),
}

impl Maker {
    /// Returns the client with this address.
    pub(crate) fn client(address: Option<IpAddr>) -> Self {
        address.map_or(Maker::Unknown, |address| Maker::Network(SourceNetwork::of(address)))
    }
}

/// Counts the rooms of each address.
#[derive(Debug)]
pub(super) struct RoomMakers {
    rooms: NetworkCounts,
    /// The IDs of these rooms, if they are limited.
    ids: HashMap<SourceNetwork, HashSet<Arc<str>>>,
    rate: NetworkRateLimiter<1>,
    /// `None` if the rooms of an address are not limited.
    max_rooms: Option<usize>,
}

impl RoomMakers {
    pub(super) fn new(limits: &Limits) -> Self {
        RoomMakers {
            rooms: NetworkCounts::default(),
            ids: HashMap::new(),
            rate: NetworkRateLimiter::new(Rate::of_new_rooms(limits)),
            max_rooms: Some(limits.address_rooms).filter(|limit| *limit > 0),
        }
    }

    /// Returns whether this creator may have another room now.
    pub(super) fn check(&self, maker: Maker, now: Instant) -> Result<(), (Refusal, Limit)> {
        let Maker::Network(network) = maker else { return Ok(()) };
        // The rate first: an empty room is ended for a new one only if that may be created.
        let rate = self.rate.check(network, [1], now);
        rate.map_err(|exceeded| (Refusal::AddressRate { wait: exceeded.wait }, exceeded.limit))?;
        if self.max_rooms.is_some_and(|max| !self.rooms.has_space(network, max)) {
            return Err((Refusal::AddressFull, Limit::AddressRooms));
        }
        Ok(())
    }

    /// Returns the IDs of the rooms of an address, no more than it may have; none if they are not limited.
    pub(super) fn rooms_of(&self, maker: Maker) -> impl Iterator<Item = &Arc<str>> {
        let ids = if let Maker::Network(network) = maker { self.ids.get(&network) } else { None };
        ids.into_iter().flatten()
    }

    /// Counts a new room, which [`check`](Self::check) allows.
    pub(super) fn add(&mut self, maker: Maker, id: &Arc<str>, now: Instant) {
        if let Maker::Network(network) = maker {
            self.rooms.add(network);
            if self.max_rooms.is_some() {
                self.ids.entry(network).or_default().insert(id.clone());
            }
            let _ = self.rate.take(network, [1], now);
        }
    }

    /// Counts the end of a room.
    pub(super) fn remove(&mut self, maker: Maker, id: &str) {
        if let Maker::Network(network) = maker {
            self.rooms.remove(network);
            if let Entry::Occupied(mut ids) = self.ids.entry(network) {
                ids.get_mut().remove(id);
                if ids.get().is_empty() {
                    ids.remove();
                }
            }
        }
    }
}
