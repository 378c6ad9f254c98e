//! How often HTTP requests to rooms may come from one address: as often as a client may say something.
//!
//! *Invariant:* nothing is kept of an address from which nothing has come for as long as an allowance takes to be whole again.
use std::{collections::HashMap, net::IpAddr};

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::{
    limits, permits::SourceNetwork, rate_limit::limiter::RateLimiter, settings::Limits, websocket::close::CloseCause,
};

/// Of more addresses at a time, nothing more is taken.
const ADDRESSES: usize = 65_536;

/// What may come from each address.
#[derive(Debug)]
pub(crate) struct RequestRateLimiter {
    fresh: Option<Limits>,
    by_source: Mutex<HashMap<SourceNetwork, RateLimiter>>,
}

impl RequestRateLimiter {
    pub(crate) fn new(limits: &Limits) -> Self {
        let is_limited = RateLimiter::new(limits, Instant::now()).is_some();
        RequestRateLimiter { fresh: is_limited.then(|| limits.clone()), by_source: Mutex::default() }
    }

    /// Whether so many requests, and bytes of them, may come from there now.
    pub(crate) fn allow(&self, address: IpAddr, requests: usize, bytes: usize, now: Instant) -> bool {
        let Some(fresh) = &self.fresh else { return true };
        let mut by_source = self.by_source.lock();
        let source = SourceNetwork::of(address);
        if !by_source.contains_key(&source) {
            if by_source.len() >= ADDRESSES {
                by_source.retain(|_, allowance| !allowance.is_whole(now));
            }
            let allowance = RateLimiter::new(fresh, now).filter(|_| by_source.len() < ADDRESSES);
            let Some(allowance) = allowance else { return false };
            by_source.insert(source, allowance);
        }
        let spent = by_source.get_mut(&source).map_or(Ok(()), |allowance| allowance.spend(requests, bytes, now));
        if let Err(CloseCause::TooFast { limit }) = spent {
            limits::exceeded(limit);
        }
        spent.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_address_has_its_own_allowance_and_is_forgotten_when_that_is_whole() {
        let pace = RequestRateLimiter::new(&Limits { messages_per_second: 1, ..Limits::default() });
        let (one, two) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let now = Instant::now();
        assert_eq!((0..7).filter(|_| pace.allow(one, 1, 0, now)).count(), 5);
        assert!(pace.allow(two, 1, 0, now));
        let later = now + Duration::from_secs(10);
        assert!(pace.allow(one, 1, 0, later));
        for number in 0..2 * ADDRESSES {
            let address = IpAddr::V4(u32::try_from(number).unwrap().into());
            pace.allow(address, 1, 0, later + Duration::from_millis(number as u64));
        }
        assert!(pace.by_source.lock().len() <= ADDRESSES);
        assert!(RequestRateLimiter::new(&Limits::default()).allow(one, 1, usize::MAX, now));
    }
}
