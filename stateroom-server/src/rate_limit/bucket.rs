//! A token bucket. A pure type: the elapsed time is passed in.
//!
//! *Invariant:* only an admitted amount is taken.
use std::time::Duration;

use crate::settings::{Limit, Limits};

/// The capacity of the buckets of one client, in seconds of their rates.
const BURST_SECONDS: f64 = 5.0;

/// A rate, and the limit that it enforces. Zero is no limit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    pub(crate) limit: Limit,
    per_second: f64,
    /// The amount that is admitted at once.
    burst: f64,
}

impl Rate {
    /// Returns the rates of the messages and bytes of one client.
    pub(crate) fn of_client(limits: &Limits) -> [Rate; 2] {
        let rate = |limit, per_second: usize| {
            let per_second = per_second as f64;
            Rate { limit, per_second, burst: per_second * BURST_SECONDS }
        };
        [
            rate(Limit::MessagesPerSecond, limits.messages_per_second),
            rate(Limit::BytesPerSecond, limits.bytes_per_second),
        ]
    }

    /// Returns the rate of new rooms of one address: those of a minute may be created at once.
    pub(crate) fn of_new_rooms(limits: &Limits) -> [Rate; 1] {
        let burst = limits.address_rooms_per_minute as f64;
        [Rate { limit: Limit::AddressRoomsPerMinute, per_second: burst / 60.0, burst }]
    }

    pub(crate) fn is_limited(&self) -> bool {
        self.per_second > 0.0
    }

    /// Returns this rate times `factor`.
    pub(crate) fn times(self, factor: usize) -> Rate {
        let factor = factor as f64;
        Rate { per_second: self.per_second * factor, burst: self.burst * factor, ..self }
    }
}

/// A rate that is exceeded, and the time until the same amount is admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RateExceeded {
    pub(crate) limit: Limit,
    pub(crate) wait: Duration,
}

/// A bucket that fills at a rate.
#[derive(Debug)]
pub(super) struct TokenBucket {
    rate: Rate,
    tokens: f64,
}

impl TokenBucket {
    pub(super) fn new(rate: Rate) -> Self {
        TokenBucket { rate, tokens: rate.burst }
    }

    pub(super) fn limit(&self) -> Limit {
        self.rate.limit
    }

    /// Refills the bucket for the elapsed `seconds`, up to its capacity.
    pub(super) fn refill(&mut self, seconds: f64) {
        if self.tokens < self.rate.burst {
            self.tokens = (self.tokens + self.rate.per_second * seconds).min(self.rate.burst);
        }
    }

    /// Credits the elapsed `seconds` without a bound.
    pub(super) fn credit(&mut self, seconds: f64) {
        self.tokens += self.rate.per_second * seconds;
    }

    pub(super) fn holds(&self, amount: usize) -> bool {
        !self.rate.is_limited() || self.tokens >= amount as f64
    }

    /// Returns the seconds, after `elapsed` ones, until the bucket admits `amount`. An amount beyond its capacity is admitted
    /// by a full bucket, which then refills from below zero.
    pub(super) fn wait(&self, amount: usize, elapsed: f64) -> f64 {
        self.seconds_to((amount as f64).min(self.rate.burst), elapsed)
    }

    /// Returns the seconds, after `elapsed` ones, until the bucket is full.
    pub(super) fn seconds_to_full(&self, elapsed: f64) -> f64 {
        self.seconds_to(self.rate.burst, elapsed)
    }

    fn seconds_to(&self, tokens: f64, elapsed: f64) -> f64 {
        if !self.rate.is_limited() {
            return 0.0;
        }
        let seconds = (tokens - self.tokens) / self.rate.per_second - elapsed;
        // Below a microsecond, it is the rounding of numbers.
        if seconds > 1e-6 { seconds } else { 0.0 }
    }

    /// Takes `amount`, or gives it back if it is negative.
    pub(super) fn take(&mut self, amount: f64) {
        if self.rate.is_limited() {
            self.tokens -= amount;
        }
    }
}
