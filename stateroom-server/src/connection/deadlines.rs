//! The deadlines of a client's messages, in both directions. A pure type: the time is passed in.
use std::time::Duration;

use tokio::time::Instant;

use crate::{
    settings::{Limit, Limits},
    websocket::close::CloseCause,
};

/// The deadlines of one client.
#[derive(Debug)]
pub(crate) struct Deadlines {
    message_time: Duration,
    idle_time: Option<Duration>,
    /// When the incomplete message began, if there is one.
    message_start: Option<Instant>,
    last_message: Instant,
    outbound_time: Duration,
    /// When the client last accepted output, while its outbound queue exceeds the limits.
    stalled_since: Option<Instant>,
}

impl Deadlines {
    pub(crate) fn new(limits: &Limits, now: Instant) -> Self {
        let idle_time = Some(limits.idle_time).filter(|time| !time.is_zero());
        Deadlines {
            message_time: limits.message_time,
            idle_time,
            message_start: None,
            last_message: now,
            outbound_time: limits.outbound_time,
            stalled_since: None,
        }
    }

    /// Records input, which may contain complete messages and end in an incomplete one.
    pub(crate) fn record_input(&mut self, has_messages: bool, is_incomplete: bool, now: Instant) {
        if has_messages {
            self.last_message = now;
            self.message_start = None;
        }
        self.message_start = is_incomplete.then(|| self.message_start.unwrap_or(now));
    }

    /// Sets when the client last accepted output, if its outbound queue exceeds the limits.
    pub(crate) fn set_stalled_since(&mut self, since: Option<Instant>) {
        self.stalled_since = since;
    }

    /// Restarts the deadlines of the client's own messages: the server did not read from the client.
    pub(crate) fn pause(&mut self, now: Instant) {
        self.last_message = now;
        self.message_start = self.message_start.map(|_| now);
    }

    /// Returns the next deadline, or the cause to close the client if one has passed.
    pub(crate) fn next(&self, now: Instant) -> Result<Option<Instant>, CloseCause> {
        let message = self.message_start.and_then(|start| start.checked_add(self.message_time));
        if message.is_some_and(|due| due <= now) {
            return Err(CloseCause::MessageTime(self.message_time));
        }
        let stalled = self.stalled_since.and_then(|since| since.checked_add(self.outbound_time));
        if stalled.is_some_and(|due| due <= now) {
            return Err(CloseCause::TooSlow { limit: Limit::OutboundTime });
        }
        let idle = self.idle_time.and_then(|time| Some((self.last_message.checked_add(time)?, time)));
        match idle {
            Some((due, time)) if due <= now => Err(CloseCause::Idle(time)),
            idle => Ok(message.into_iter().chain(stalled).chain(idle.map(|(due, _)| due)).min()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn deadlines(message: u32, idle: u32, now: Instant) -> Deadlines {
        let (message_time, idle_time) = (message * SECOND, idle * SECOND);
        Deadlines::new(&Limits { message_time, idle_time, ..Limits::default() }, now)
    }

    #[test]
    fn a_message_has_its_time_from_its_first_byte() {
        let start = Instant::now();
        let mut deadlines = deadlines(10, 0, start);
        assert_eq!(deadlines.next(start), Ok(None));
        deadlines.record_input(false, true, start);
        deadlines.record_input(false, true, start + 9 * SECOND);
        assert_eq!(deadlines.next(start + 9 * SECOND), Ok(Some(start + 10 * SECOND)));
        assert_eq!(deadlines.next(start + 10 * SECOND), Err(CloseCause::MessageTime(10 * SECOND)));
        deadlines.record_input(true, true, start + 10 * SECOND);
        assert_eq!(deadlines.next(start + 19 * SECOND), Ok(Some(start + 20 * SECOND)), "another has begun");
        deadlines.record_input(false, false, start + 19 * SECOND);
        assert_eq!(deadlines.next(start + 3600 * SECOND), Ok(None));
    }

    #[test]
    fn only_messages_reset_the_idle_time() {
        let start = Instant::now();
        let mut deadlines = deadlines(10, 60, start);
        deadlines.record_input(true, false, start + SECOND);
        deadlines.record_input(false, false, start + 59 * SECOND);
        assert_eq!(deadlines.next(start + 59 * SECOND), Ok(Some(start + 61 * SECOND)));
        assert_eq!(deadlines.next(start + 61 * SECOND), Err(CloseCause::Idle(60 * SECOND)));
    }

    #[test]
    fn output_has_its_time_from_the_last_progress() {
        let start = Instant::now();
        let limits = Limits { outbound_time: 30 * SECOND, ..Limits::default() };
        let mut deadlines = Deadlines::new(&limits, start);
        deadlines.set_stalled_since(Some(start));
        assert_eq!(deadlines.next(start), Ok(Some(start + 30 * SECOND)));
        deadlines.set_stalled_since(Some(start + 20 * SECOND));
        deadlines.pause(start + 40 * SECOND);
        assert_eq!(deadlines.next(start + 49 * SECOND), Ok(Some(start + 50 * SECOND)));
        let too_slow = CloseCause::TooSlow { limit: Limit::OutboundTime };
        assert_eq!(deadlines.next(start + 50 * SECOND), Err(too_slow));
        deadlines.set_stalled_since(None);
        assert_eq!(deadlines.next(start + 50 * SECOND), Ok(None));
    }

    #[test]
    fn pauses_do_not_count() {
        let start = Instant::now();
        let mut deadlines = deadlines(10, 60, start);
        deadlines.record_input(false, true, start);
        deadlines.pause(start + 9 * SECOND);
        assert_eq!(deadlines.next(start + 18 * SECOND), Ok(Some(start + 19 * SECOND)));
    }
}
