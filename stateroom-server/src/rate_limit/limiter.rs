//! The rate limit of one client or address: a token bucket for each kind of amount. A pure type: the time is passed in.
//!
//! *Invariant:* a refusal takes nothing from any bucket.
use std::time::Duration;

use tokio::time::Instant;

use super::bucket::{Rate, RateExceeded, TokenBucket};
use crate::settings::Limit;

/// Limits `N` kinds of amounts: for a client, its messages and bytes.
#[derive(Debug)]
pub(crate) struct RateLimiter<const N: usize> {
    buckets: [TokenBucket; N],
    last: Instant,
}

impl<const N: usize> RateLimiter<N> {
    /// Returns a limiter with full buckets, or `None` if nothing is limited.
    pub(crate) fn new(rates: [Rate; N], now: Instant) -> Option<Self> {
        let is_limited = rates.iter().any(Rate::is_limited);
        is_limited.then(|| RateLimiter { buckets: rates.map(TokenBucket::new), last: now })
    }

    /// Credits the time until now without a bound: the server did not read from the client, whose messages have accumulated.
    pub(crate) fn pause(&mut self, now: Instant) {
        let elapsed = self.elapsed(now);
        self.last = now;
        self.buckets.iter_mut().for_each(|bucket| bucket.credit(elapsed));
    }

    /// Takes what a client has sent from the buckets. Returns the limit that it exceeds, if it does: the client is closed.
    pub(crate) fn spend(&mut self, amounts: [usize; N], now: Instant) -> Result<(), Limit> {
        self.refill(now);
        let exceeded = self.buckets.iter().zip(amounts).find(|(bucket, amount)| !bucket.holds(*amount));
        if let Some((bucket, _)) = exceeded {
            return Err(bucket.limit());
        }
        self.take(amounts, now);
        Ok(())
    }

    /// Returns whether the buckets admit these amounts now, without taking them.
    pub(super) fn check(&self, amounts: [usize; N], now: Instant) -> Result<(), RateExceeded> {
        let elapsed = self.elapsed(now);
        let waits = self.buckets.iter().zip(amounts).map(|(bucket, amount)| (bucket.wait(amount, elapsed), bucket));
        match waits.max_by(|(one, _), (other, _)| one.total_cmp(other)) {
            Some((wait, bucket)) if wait > 0.0 => {
                Err(RateExceeded { limit: bucket.limit(), wait: Duration::try_from_secs_f64(wait).unwrap_or_default() })
            }
            _ => Ok(()),
        }
    }

    /// Takes amounts that [`check`](Self::check) admits.
    pub(super) fn take(&mut self, amounts: [usize; N], now: Instant) {
        self.refill(now);
        self.buckets.iter_mut().zip(amounts).for_each(|(bucket, amount)| bucket.take(amount as f64));
    }

    /// Gives amounts back.
    pub(super) fn give_back(&mut self, amounts: [usize; N]) {
        self.buckets.iter_mut().zip(amounts).for_each(|(bucket, amount)| bucket.take(-(amount as f64)));
    }

    /// Returns the seconds until all buckets are full again.
    pub(super) fn seconds_to_full(&self, now: Instant) -> f64 {
        let elapsed = self.elapsed(now);
        self.buckets.iter().map(|bucket| bucket.seconds_to_full(elapsed)).fold(0.0, f64::max)
    }

    fn refill(&mut self, now: Instant) {
        let elapsed = self.elapsed(now);
        self.last = now;
        self.buckets.iter_mut().for_each(|bucket| bucket.refill(elapsed));
    }

    fn elapsed(&self, now: Instant) -> f64 {
        now.saturating_duration_since(self.last).as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Limits;

    fn limiter(messages_per_second: usize, bytes_per_second: usize, now: Instant) -> Option<RateLimiter<2>> {
        let limits = Limits { messages_per_second, bytes_per_second, ..Limits::default() };
        RateLimiter::new(Rate::of_client(&limits), now)
    }

    #[test]
    fn allows_a_burst_and_then_the_rate() {
        let start = Instant::now();
        let mut limiter = limiter(10, 0, start).unwrap();
        assert_eq!(limiter.spend([50, usize::MAX], start), Ok(()));
        let later = start + Duration::from_millis(500);
        assert_eq!(limiter.spend([5, 0], later), Ok(()));
        assert_eq!(limiter.spend([1, 0], later), Err(Limit::MessagesPerSecond));
        let much_later = start + Duration::from_secs(3600);
        assert_eq!(limiter.spend([50, 0], much_later), Ok(()));
        assert!(limiter.spend([1, 0], much_later).is_err(), "a bucket holds no more than its capacity");
    }

    #[test]
    fn credits_the_time_of_a_pause() {
        let start = Instant::now();
        let mut limiter = limiter(10, 0, start).unwrap();
        let later = start + Duration::from_secs(60);
        limiter.pause(later);
        assert_eq!(limiter.spend([650, 0], later), Ok(()));
        assert!(limiter.spend([1, 0], later).is_err());
    }

    #[test]
    fn limits_bytes_of_any_kind() {
        let start = Instant::now();
        let mut limiter = limiter(0, 100, start).unwrap();
        assert_eq!(limiter.spend([1_000_000, 500], start), Ok(()));
        assert_eq!(limiter.spend([0, 1], start), Err(Limit::BytesPerSecond));
        assert!(self::limiter(0, 0, start).is_none());
    }

    #[test]
    fn a_refusal_takes_nothing_from_either_bucket_and_states_the_time() {
        let start = Instant::now();
        let mut limiter = limiter(10, 100, start).unwrap();
        for _ in 0..1000 {
            assert_eq!(limiter.spend([1, 501], start), Err(Limit::BytesPerSecond));
            assert_eq!(limiter.spend([51, 1], start), Err(Limit::MessagesPerSecond));
        }
        assert_eq!(limiter.spend([50, 500], start), Ok(()));
        let exceeded = limiter.check([5, 100], start).unwrap_err();
        assert_eq!((exceeded.limit, exceeded.wait.as_millis()), (Limit::BytesPerSecond, 1000));
        assert_eq!(limiter.check([5, 100], start + exceeded.wait), Ok(()));
    }

    #[test]
    fn a_full_bucket_admits_an_amount_beyond_its_capacity_and_refills_from_below_zero() {
        let start = Instant::now();
        let mut limiter = limiter(0, 100, start).unwrap();
        assert_eq!(limiter.check([1, 1000], start), Ok(()));
        limiter.take([1, 1000], start);
        assert_eq!(limiter.check([1, 100], start).unwrap_err().wait, Duration::from_secs(6));
        assert_eq!(limiter.seconds_to_full(start + Duration::from_secs(3)), 7.0);
    }
}
