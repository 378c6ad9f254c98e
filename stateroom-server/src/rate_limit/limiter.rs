//! How much a client may send over time. A pure type: the time is passed in.
use tokio::time::Instant;

use crate::{settings::Limits, websocket::close::CloseCause};

/// So many seconds' worth may come at once.
const AT_ONCE: f64 = 5.0;

/// How much one client may still send.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    messages: TokenBucket,
    bytes: TokenBucket,
    last: Instant,
}

/// A token bucket.
#[derive(Debug)]
struct TokenBucket {
    per_second: f64,
    left: f64,
}

impl TokenBucket {
    fn new(per_second: usize) -> Self {
        let per_second = per_second as f64;
        TokenBucket { per_second, left: per_second * AT_ONCE }
    }

    /// Takes that much out, after that many seconds. Says whether it was there.
    fn take(&mut self, amount: usize, seconds: f64) -> bool {
        if self.per_second == 0.0 {
            return true;
        }
        let most = self.per_second * AT_ONCE;
        if self.left < most {
            self.left = (self.left + self.per_second * seconds).min(most);
        }
        self.left -= amount as f64;
        self.left >= 0.0
    }
}

impl RateLimiter {
    /// What a client has that joins now; `None` where it may send whatever it likes.
    pub(crate) fn new(limits: &Limits, now: Instant) -> Option<Self> {
        let Limits { messages_per_second, bytes_per_second, .. } = *limits;
        (messages_per_second > 0 || bytes_per_second > 0).then(|| RateLimiter {
            messages: TokenBucket::new(messages_per_second),
            bytes: TokenBucket::new(bytes_per_second),
            last: now,
        })
    }

    /// Whether it is as good as a new one.
    pub(crate) fn is_whole(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.last).as_secs_f64() > AT_ONCE
    }

    /// Nothing was read until now, for no fault of the client: what it has sent meanwhile comes all at once.
    pub(crate) fn pause(&mut self, now: Instant) {
        let seconds = now.saturating_duration_since(self.last).as_secs_f64();
        self.last = now;
        for bucket in [&mut self.messages, &mut self.bytes] {
            bucket.left += bucket.per_second * seconds;
        }
    }

    /// The client has sent so much. Gives the cause to close it, if that was too much.
    pub(crate) fn spend(&mut self, messages: usize, bytes: usize, now: Instant) -> Result<(), CloseCause> {
        let seconds = now.saturating_duration_since(self.last).as_secs_f64();
        self.last = now;
        if !self.messages.take(messages, seconds) {
            return Err(CloseCause::TooFast { limit: "messages_per_second" });
        }
        if !self.bytes.take(bytes, seconds) {
            return Err(CloseCause::TooFast { limit: "bytes_per_second" });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn allowance(messages_per_second: usize, bytes_per_second: usize, now: Instant) -> Option<RateLimiter> {
        RateLimiter::new(&Limits { messages_per_second, bytes_per_second, ..Limits::default() }, now)
    }

    #[test]
    fn some_seconds_worth_may_come_at_once_and_then_as_much_as_comes_back() {
        let start = Instant::now();
        let mut allowance = allowance(10, 0, start).unwrap();
        assert_eq!(allowance.spend(50, usize::MAX, start), Ok(()));
        let later = start + Duration::from_millis(500);
        assert_eq!(allowance.spend(5, 0, later), Ok(()));
        assert_eq!(allowance.spend(1, 0, later), Err(CloseCause::TooFast { limit: "messages_per_second" }));
        let much_later = start + Duration::from_secs(3600);
        assert_eq!(allowance.spend(50, 0, much_later), Ok(()));
        assert!(allowance.spend(1, 0, much_later).is_err(), "no more than that is saved up");
    }

    #[test]
    fn what_gathers_while_nothing_is_read_may_come_at_once() {
        let start = Instant::now();
        let mut allowance = allowance(10, 0, start).unwrap();
        let later = start + Duration::from_secs(60);
        allowance.pause(later);
        assert_eq!(allowance.spend(650, 0, later), Ok(()));
        assert!(allowance.spend(1, 0, later).is_err());
    }

    #[test]
    fn bytes_are_counted_whatever_they_are() {
        let start = Instant::now();
        let mut allowance = allowance(0, 100, start).unwrap();
        assert_eq!(allowance.spend(1_000_000, 500, start), Ok(()));
        assert_eq!(allowance.spend(0, 1, start), Err(CloseCause::TooFast { limit: "bytes_per_second" }));
        assert!(super::RateLimiter::new(&Limits::default(), start).is_none());
    }
}
