//! When to ping a client, and when to give it up. A pure type: the time is passed in.
use std::time::Duration;

use tokio::time::Instant;

/// What to do about a client's heartbeat.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum HeartbeatAction {
    /// Ask for a sign of life.
    Ping,
    /// Nothing was heard for too long.
    Lost,
    /// Look again then; never, if there is nothing to look for.
    Wait(Option<Instant>),
}

/// The heartbeat of one client.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    interval: Option<Duration>,
    timeout: Option<Duration>,
    last_life: Instant,
    last_ping: Instant,
}

impl Heartbeat {
    /// Pings each `interval` and gives up after `timeout` of silence; zero turns either off.
    pub(crate) fn new(interval: Duration, timeout: Duration, now: Instant) -> Self {
        let set = |time: Duration| (!time.is_zero()).then_some(time);
        Heartbeat { interval: set(interval), timeout: set(timeout), last_life: now, last_ping: now }
    }

    /// Something was heard.
    pub(crate) fn alive(&mut self, now: Instant) {
        self.last_life = now;
    }

    /// What to do now.
    pub(crate) fn beat(&mut self, now: Instant) -> HeartbeatAction {
        let lost = self.timeout.and_then(|time| self.last_life.checked_add(time));
        if lost.is_some_and(|lost| lost <= now) {
            return HeartbeatAction::Lost;
        }
        let ping = self.interval.and_then(|time| self.last_ping.checked_add(time));
        if ping.is_some_and(|ping| ping <= now) {
            self.last_ping = now;
            return HeartbeatAction::Ping;
        }
        HeartbeatAction::Wait(lost.into_iter().chain(ping).min())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_silent_client_is_pinged_each_interval_and_then_given_up() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(30 * SECOND, 70 * SECOND, start);
        assert_eq!(heartbeat.beat(start), HeartbeatAction::Wait(Some(start + 30 * SECOND)));
        assert_eq!(heartbeat.beat(start + 30 * SECOND), HeartbeatAction::Ping);
        assert_eq!(heartbeat.beat(start + 30 * SECOND), HeartbeatAction::Wait(Some(start + 60 * SECOND)));
        assert_eq!(heartbeat.beat(start + 60 * SECOND), HeartbeatAction::Ping);
        assert_eq!(heartbeat.beat(start + 60 * SECOND), HeartbeatAction::Wait(Some(start + 70 * SECOND)));
        assert_eq!(heartbeat.beat(start + 70 * SECOND), HeartbeatAction::Lost);
    }

    #[test]
    fn any_sign_of_life_counts() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(Duration::ZERO, 10 * SECOND, start);
        heartbeat.alive(start + 9 * SECOND);
        assert_eq!(heartbeat.beat(start + 10 * SECOND), HeartbeatAction::Wait(Some(start + 19 * SECOND)));
    }

    #[test]
    fn zero_turns_either_off() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(Duration::ZERO, Duration::ZERO, start);
        assert_eq!(heartbeat.beat(start + 1_000_000 * SECOND), HeartbeatAction::Wait(None));
    }
}
