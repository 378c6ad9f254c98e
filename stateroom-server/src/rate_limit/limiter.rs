//! The rate limit of one client: a token bucket of messages and one of bytes. A pure type: the time is passed in.
use tokio::time::Instant;

use crate::settings::{Limit, Limits};

/// The capacity of a bucket, in seconds of its rate.
const BURST_SECONDS: f64 = 5.0;

/// Limits the messages and bytes that one client sends.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    messages: TokenBucket,
    bytes: TokenBucket,
    last: Instant,
}

#[derive(Debug)]
struct TokenBucket {
    per_second: f64,
    tokens: f64,
}

impl TokenBucket {
    fn new(per_second: usize) -> Self {
        let per_second = per_second as f64;
        TokenBucket { per_second, tokens: per_second * BURST_SECONDS }
    }

    /// Refills the bucket for the elapsed `seconds`, then takes `amount` tokens. Returns whether the bucket held them.
    fn take(&mut self, amount: usize, seconds: f64) -> bool {
        if self.per_second == 0.0 {
            return true;
        }
        let capacity = self.per_second * BURST_SECONDS;
        if self.tokens < capacity {
            self.tokens = (self.tokens + self.per_second * seconds).min(capacity);
        }
        self.tokens -= amount as f64;
        self.tokens >= 0.0
    }
}

impl RateLimiter {
    /// Returns a limiter with full buckets, or `None` if nothing is limited.
    pub(crate) fn new(limits: &Limits, now: Instant) -> Option<Self> {
        let Limits { messages_per_second, bytes_per_second, .. } = *limits;
        (messages_per_second > 0 || bytes_per_second > 0).then(|| RateLimiter {
            messages: TokenBucket::new(messages_per_second),
            bytes: TokenBucket::new(bytes_per_second),
            last: now,
        })
    }

    /// Returns whether the buckets are full again.
    pub(crate) fn is_full(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.last).as_secs_f64() > BURST_SECONDS
    }

    /// Credits the time until now without a bound: the server did not read from the client, whose messages have accumulated.
    pub(crate) fn pause(&mut self, now: Instant) {
        let seconds = now.saturating_duration_since(self.last).as_secs_f64();
        self.last = now;
        for bucket in [&mut self.messages, &mut self.bytes] {
            bucket.tokens += bucket.per_second * seconds;
        }
    }

    /// Takes what the client has sent from the buckets. Returns the limit that it exceeds, if it does.
    pub(crate) fn spend(&mut self, messages: usize, bytes: usize, now: Instant) -> Result<(), Limit> {
        let seconds = now.saturating_duration_since(self.last).as_secs_f64();
        self.last = now;
        if !self.messages.take(messages, seconds) {
            return Err(Limit::MessagesPerSecond);
        }
        if !self.bytes.take(bytes, seconds) {
            return Err(Limit::BytesPerSecond);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn limiter(messages_per_second: usize, bytes_per_second: usize, now: Instant) -> Option<RateLimiter> {
        RateLimiter::new(&Limits { messages_per_second, bytes_per_second, ..Limits::default() }, now)
    }

    #[test]
    fn allows_a_burst_and_then_the_rate() {
        let start = Instant::now();
        let mut limiter = limiter(10, 0, start).unwrap();
        assert_eq!(limiter.spend(50, usize::MAX, start), Ok(()));
        let later = start + Duration::from_millis(500);
        assert_eq!(limiter.spend(5, 0, later), Ok(()));
        assert_eq!(limiter.spend(1, 0, later), Err(Limit::MessagesPerSecond));
        let much_later = start + Duration::from_secs(3600);
        assert_eq!(limiter.spend(50, 0, much_later), Ok(()));
        assert!(limiter.spend(1, 0, much_later).is_err(), "a bucket holds no more than its capacity");
    }

    #[test]
    fn credits_the_time_of_a_pause() {
        let start = Instant::now();
        let mut limiter = limiter(10, 0, start).unwrap();
        let later = start + Duration::from_secs(60);
        limiter.pause(later);
        assert_eq!(limiter.spend(650, 0, later), Ok(()));
        assert!(limiter.spend(1, 0, later).is_err());
    }

    #[test]
    fn limits_bytes_of_any_kind() {
        let start = Instant::now();
        let mut limiter = limiter(0, 100, start).unwrap();
        assert_eq!(limiter.spend(1_000_000, 500, start), Ok(()));
        assert_eq!(limiter.spend(0, 1, start), Err(Limit::BytesPerSecond));
        assert!(RateLimiter::new(&Limits::default(), start).is_none());
    }
}
