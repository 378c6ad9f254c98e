//! What a client has to have said by when. A pure type: the time is passed in.
use std::time::Duration;

use tokio::time::Instant;

use crate::{settings::Limits, websocket::close::CloseCause};

/// The deadlines of one client.
#[derive(Debug)]
pub(crate) struct Deadlines {
    message_time: Duration,
    idle_time: Option<Duration>,
    /// Since when a message is under way, if one is.
    begun: Option<Instant>,
    last_message: Instant,
}

impl Deadlines {
    pub(crate) fn new(limits: &Limits, now: Instant) -> Self {
        let idle_time = Some(limits.idle_time).filter(|time| !time.is_zero());
        Deadlines { message_time: limits.message_time, idle_time, begun: None, last_message: now }
    }

    /// Something has come: maybe whole messages, and maybe a part of one that is not whole.
    pub(crate) fn heard(&mut self, has_said: bool, is_unfinished: bool, now: Instant) {
        if has_said {
            self.last_message = now;
            self.begun = None;
        }
        self.begun = is_unfinished.then(|| self.begun.unwrap_or(now));
    }

    /// Nothing was read, for no fault of the client.
    pub(crate) fn pause(&mut self, now: Instant) {
        self.last_message = now;
        self.begun = self.begun.map(|_| now);
    }

    /// When the next one is due, if any is; or the cause to close the client, as one has passed.
    pub(crate) fn next(&self, now: Instant) -> Result<Option<Instant>, CloseCause> {
        let message = self.begun.and_then(|begun| begun.checked_add(self.message_time));
        if message.is_some_and(|due| due <= now) {
            return Err(CloseCause::MessageTime(self.message_time));
        }
        let idle = self.idle_time.and_then(|time| Some((self.last_message.checked_add(time)?, time)));
        match idle {
            Some((due, time)) if due <= now => Err(CloseCause::Idle(time)),
            idle => Ok(message.into_iter().chain(idle.map(|(due, _)| due)).min()),
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
    fn a_message_has_its_time_from_its_first_byte_whatever_trickles_in() {
        let start = Instant::now();
        let mut deadlines = deadlines(10, 0, start);
        assert_eq!(deadlines.next(start), Ok(None));
        deadlines.heard(false, true, start);
        deadlines.heard(false, true, start + 9 * SECOND);
        assert_eq!(deadlines.next(start + 9 * SECOND), Ok(Some(start + 10 * SECOND)));
        assert_eq!(deadlines.next(start + 10 * SECOND), Err(CloseCause::MessageTime(10 * SECOND)));
        deadlines.heard(true, true, start + 10 * SECOND);
        assert_eq!(deadlines.next(start + 19 * SECOND), Ok(Some(start + 20 * SECOND)), "another has begun");
        deadlines.heard(false, false, start + 19 * SECOND);
        assert_eq!(deadlines.next(start + 3600 * SECOND), Ok(None));
    }

    #[test]
    fn only_messages_keep_an_idle_client() {
        let start = Instant::now();
        let mut deadlines = deadlines(10, 60, start);
        deadlines.heard(true, false, start + SECOND);
        deadlines.heard(false, false, start + 59 * SECOND);
        assert_eq!(deadlines.next(start + 59 * SECOND), Ok(Some(start + 61 * SECOND)));
        assert_eq!(deadlines.next(start + 61 * SECOND), Err(CloseCause::Idle(60 * SECOND)));
    }

    #[test]
    fn the_time_in_which_nothing_is_read_does_not_count() {
        let start = Instant::now();
        let mut deadlines = deadlines(10, 60, start);
        deadlines.heard(false, true, start);
        deadlines.pause(start + 9 * SECOND);
        assert_eq!(deadlines.next(start + 18 * SECOND), Ok(Some(start + 19 * SECOND)));
    }
}
