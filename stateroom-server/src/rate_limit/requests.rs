//! The rate limit of HTTP requests to rooms, by address: the same rates as for one client's messages.
//!
//! *Invariant:* an address is forgotten once its buckets are full again.
use std::{collections::HashMap, net::IpAddr};

use parking_lot::Mutex;
use tokio::time::Instant;

use super::limiter::RateLimiter;
use crate::{permits::SourceNetwork, settings::Limits};

/// Maximum number of tracked addresses; requests from further ones are refused.
const MAX_ADDRESSES: usize = 65_536;

/// Limits the HTTP requests from each address.
#[derive(Debug)]
pub(crate) struct RequestRateLimiter {
    /// `None` if nothing is limited.
    limits: Option<Limits>,
    by_network: Mutex<HashMap<SourceNetwork, RateLimiter>>,
}

impl RequestRateLimiter {
    pub(crate) fn new(limits: &Limits) -> Self {
        let is_limited = RateLimiter::new(limits, Instant::now()).is_some();
        RequestRateLimiter { limits: is_limited.then(|| limits.clone()), by_network: Mutex::default() }
    }

    /// Returns whether an address may send this number of requests and bytes now.
    pub(crate) fn allow(&self, address: IpAddr, requests: usize, bytes: usize, now: Instant) -> bool {
        let Some(limits) = &self.limits else { return true };
        let mut by_network = self.by_network.lock();
        let network = SourceNetwork::of(address);
        if !by_network.contains_key(&network) {
            if by_network.len() >= MAX_ADDRESSES {
                by_network.retain(|_, limiter| !limiter.is_full(now));
            }
            let limiter = RateLimiter::new(limits, now).filter(|_| by_network.len() < MAX_ADDRESSES);
            let Some(limiter) = limiter else { return false };
            by_network.insert(network, limiter);
        }
        let spent = by_network.get_mut(&network).map_or(Ok(()), |limiter| limiter.spend(requests, bytes, now));
        if let Err(limit) = spent {
            limit.exceeded();
        }
        spent.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn limits_each_address_and_forgets_it_when_its_buckets_are_full() {
        let limiter = RequestRateLimiter::new(&Limits { messages_per_second: 1, ..Limits::default() });
        let (one, two) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let now = Instant::now();
        assert_eq!((0..7).filter(|_| limiter.allow(one, 1, 0, now)).count(), 5);
        assert!(limiter.allow(two, 1, 0, now));
        let later = now + Duration::from_secs(10);
        assert!(limiter.allow(one, 1, 0, later));
        for number in 0..2 * MAX_ADDRESSES {
            let address = IpAddr::V4(u32::try_from(number).unwrap().into());
            limiter.allow(address, 1, 0, later + Duration::from_millis(number as u64));
        }
        assert!(limiter.by_network.lock().len() <= MAX_ADDRESSES);
        assert!(RequestRateLimiter::new(&Limits::default()).allow(one, 1, usize::MAX, now));
    }
}
