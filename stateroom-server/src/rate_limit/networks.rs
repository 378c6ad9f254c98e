//! Rate limits by address, such as those of HTTP requests to rooms and of new rooms.
//!
//! *Invariant:* a bounded number of networks is tracked, and no number of them keeps a further one out: the networks whose
//! buckets are nearest to full are forgotten first.
use std::collections::HashMap;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::{
    bucket::{Rate, RateExceeded},
    limiter::RateLimiter,
};
use crate::permits::SourceNetwork;

/// Maximum number of tracked networks.
const MAX_NETWORKS: usize = 65_536;

/// Limits `N` kinds of amounts from each network.
#[derive(Debug)]
pub(crate) struct NetworkRateLimiter<const N: usize> {
    rates: [Rate; N],
    by_network: Mutex<HashMap<SourceNetwork, RateLimiter<N>>>,
}

impl<const N: usize> NetworkRateLimiter<N> {
    pub(crate) fn new(rates: [Rate; N]) -> Self {
        NetworkRateLimiter { rates, by_network: Mutex::default() }
    }

    /// Returns whether these amounts are admitted from a network now, without taking them.
    pub(crate) fn check(&self, network: SourceNetwork, amounts: [usize; N], now: Instant) -> Result<(), RateExceeded> {
        check(&self.by_network.lock(), network, amounts, now)
    }

    /// Takes these amounts, if they are admitted.
    pub(crate) fn take(&self, network: SourceNetwork, amounts: [usize; N], now: Instant) -> Result<(), RateExceeded> {
        if !self.rates.iter().any(Rate::is_limited) {
            return Ok(());
        }
        let mut by_network = self.by_network.lock();
        check(&by_network, network, amounts, now)?;
        make_space(&mut by_network, now);
        for (network, factor) in network.with_site() {
            let limiter = by_network.remove(&network);
            let limiter = limiter.or_else(|| RateLimiter::new(self.rates.map(|rate| rate.times(factor)), now));
            if let Some(mut limiter) = limiter {
                limiter.take(amounts, now);
                by_network.insert(network, limiter);
            }
        }
        Ok(())
    }

    /// Gives amounts back that were taken.
    pub(crate) fn give_back(&self, network: SourceNetwork, amounts: [usize; N]) {
        let mut by_network = self.by_network.lock();
        for (network, _) in network.with_site() {
            if let Some(limiter) = by_network.get_mut(&network) {
                limiter.give_back(amounts);
            }
        }
    }
}

fn check<const N: usize>(
    by_network: &HashMap<SourceNetwork, RateLimiter<N>>,
    network: SourceNetwork,
    amounts: [usize; N],
    now: Instant,
) -> Result<(), RateExceeded> {
    let limiters = network.with_site().filter_map(|(network, _)| by_network.get(&network));
    let exceeded = limiters.filter_map(|limiter| limiter.check(amounts, now).err());
    exceeded.max_by_key(|exceeded| exceeded.wait).map_or(Ok(()), Err)
}

/// Makes space for a network and its site. Forgets an eighth of the networks at a time, so that a flood from many costs little.
fn make_space<const N: usize>(by_network: &mut HashMap<SourceNetwork, RateLimiter<N>>, now: Instant) {
    if by_network.len() + 2 <= MAX_NETWORKS {
        return;
    }
    by_network.retain(|_, limiter| limiter.seconds_to_full(now) > 0.0);
    let excess = by_network.len().saturating_sub(MAX_NETWORKS - MAX_NETWORKS / 8);
    if excess > 0 {
        let mut times: Vec<f64> = by_network.values().map(|limiter| limiter.seconds_to_full(now)).collect();
        let (_, last, _) = times.select_nth_unstable_by(excess - 1, f64::total_cmp);
        let last = *last;
        by_network.retain(|_, limiter| limiter.seconds_to_full(now) > last);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        net::{Ipv4Addr, Ipv6Addr},
        time::Duration,
    };

    use super::*;
    use crate::{permits::SITE_FACTOR, settings::Limits};

    fn limiter(messages_per_second: usize) -> NetworkRateLimiter<2> {
        let limits = Limits { messages_per_second, ..Limits::default() };
        NetworkRateLimiter::new(Rate::of_client(&limits))
    }

    fn v4(number: u32) -> SourceNetwork {
        SourceNetwork::of(Ipv4Addr::from_bits(number).into())
    }

    /// Returns the network of 64 bits with this number, in one of 48 bits.
    fn in_site(number: u16) -> SourceNetwork {
        SourceNetwork::of(Ipv6Addr::new(0x2001, 0xdb8, 1, number, 0, 0, 0, 1).into())
    }

    #[test]
    fn refused_requests_cost_nothing_and_the_time_is_true() {
        let (limiter, start) = (limiter(1), Instant::now());
        assert_eq!((0..30_000).filter(|_| limiter.take(v4(1), [1, 0], start).is_ok()).count(), 5);
        let wait = limiter.take(v4(1), [1, 0], start).unwrap_err().wait;
        assert_eq!(wait, Duration::from_secs(1));
        assert!(limiter.take(v4(1), [1, 0], start + wait).is_ok());
        assert!(limiter.take(v4(1), [1, 0], start + wait).is_err());
        assert!(limiter.take(v4(2), [1, 0], start).is_ok(), "another address is not affected");
        limiter.give_back(v4(1), [1, 0]);
        assert!(limiter.take(v4(1), [1, 0], start + wait).is_ok());
    }

    #[test]
    fn nothing_is_limited_or_tracked_by_default() {
        let limiter = limiter(0);
        assert!(limiter.take(v4(1), [usize::MAX; 2], Instant::now()).is_ok());
        assert!(limiter.by_network.lock().is_empty());
    }

    #[test]
    fn a_site_has_a_multiple_of_the_rate_of_one_of_its_networks() {
        let (limiter, start) = (limiter(1), Instant::now());
        let admitted = (0..=u16::MAX).filter(|number| limiter.take(in_site(*number), [1, 0], start).is_ok()).count();
        assert_eq!(admitted, 5 * SITE_FACTOR);
        assert!(limiter.by_network.lock().len() <= admitted + 1, "refused networks are not tracked");
        assert!(limiter.take(v4(1), [1, 0], start).is_ok());
    }

    #[test]
    fn forgets_the_networks_that_are_nearest_to_full() {
        let (limiter, start) = (limiter(1), Instant::now());
        while limiter.take(v4(0), [1, 0], start).is_ok() {}
        for number in 1..2 * MAX_NETWORKS as u32 {
            assert!(limiter.take(v4(number), [1, 0], start).is_ok(), "{number}");
            assert!(limiter.by_network.lock().len() <= MAX_NETWORKS);
        }
        assert!(limiter.take(v4(0), [1, 0], start).is_err(), "the one that sends most is remembered");
    }
}
