//! The heartbeat of a client: pings and the timeout. A pure type: the time is passed in.
use std::time::Duration;

use tokio::time::Instant;

/// The next action of a heartbeat.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum HeartbeatAction {
    /// Send a ping.
    Ping,
    /// Close the connection: the client was silent for too long.
    Lost,
    /// Check again at this time; `None` is never.
    Wait(Option<Instant>),
}

/// The heartbeat of one client.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    interval: Option<Duration>,
    timeout: Option<Duration>,
    last_alive: Instant,
    last_ping: Instant,
}

impl Heartbeat {
    /// Pings every `interval` and times out after a silence of `timeout`; zero turns either off.
    pub(crate) fn new(interval: Duration, timeout: Duration, now: Instant) -> Self {
        let set = |time: Duration| (!time.is_zero()).then_some(time);
        Heartbeat { interval: set(interval), timeout: set(timeout), last_alive: now, last_ping: now }
    }

    /// Records a sign of life.
    pub(crate) fn alive(&mut self, now: Instant) {
        self.last_alive = now;
    }

    /// Returns what to do now.
    pub(crate) fn beat(&mut self, now: Instant) -> HeartbeatAction {
        let lost = self.timeout.and_then(|time| self.last_alive.checked_add(time));
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
    fn pings_a_silent_client_until_the_timeout() {
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
    fn a_sign_of_life_resets_the_timeout() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(Duration::ZERO, 10 * SECOND, start);
        heartbeat.alive(start + 9 * SECOND);
        assert_eq!(heartbeat.beat(start + 10 * SECOND), HeartbeatAction::Wait(Some(start + 19 * SECOND)));
    }

    #[test]
    fn zero_turns_pings_and_timeout_off() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(Duration::ZERO, Duration::ZERO, start);
        assert_eq!(heartbeat.beat(start + 1_000_000 * SECOND), HeartbeatAction::Wait(None));
    }
}
