//! The time of each event as its service sees it: the recorded one, live and in a replay.
//!
//! *Invariant:* a time in a record is what [`StateroomContext::now`] returned.
use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use stateroom::{ClientId, MessagePayload, MessageRecipient, StateroomContext, messages::Effect};

/// The time of the event in progress. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct EventTime(Arc<Mutex<Option<Duration>>>);

impl EventTime {
    /// Sets the time of an event, until it ends.
    pub(crate) fn set(&self, time: Option<Duration>) {
        *self.0.lock() = time;
    }

    /// Wraps a context in one whose time it is.
    pub(crate) fn context<C>(&self, context: &C) -> TimedContext<C>
    where
        C: StateroomContext,
    {
        TimedContext { context: context.clone(), time: self.clone() }
    }
}

/// A context whose time is that of the record. A service may keep it.
#[derive(Debug, Clone)]
pub(crate) struct TimedContext<C> {
    context: C,
    time: EventTime,
}

impl<C: StateroomContext> StateroomContext for TimedContext<C> {
    fn send_message(&self, recipient: impl Into<MessageRecipient>, message: impl Into<MessagePayload>) {
        self.context.send_message(recipient, message);
    }

    fn set_timer(&self, ms_delay: u32) {
        self.context.set_timer(ms_delay);
    }

    fn room_id(&self) -> &str {
        self.context.room_id()
    }

    fn close_client(&self, client: ClientId, code: u16, reason: &str) {
        self.context.close_client(client, code, reason);
    }

    fn end_room(&self) {
        self.context.end_room();
    }

    fn now(&self) -> Duration {
        self.event_time().unwrap_or_else(|| self.context.now())
    }

    fn event_time(&self) -> Option<Duration> {
        *self.time.0.lock()
    }

    fn collect_effects<R>(&self, effects: &mut Vec<Effect>, call: impl FnOnce() -> R) -> R {
        self.context.collect_effects(effects, call)
    }
}

/// Converts a time to the unit of an entry. Exact for whole microseconds.
pub(crate) fn to_unix_ms(time: Duration) -> f64 {
    time.as_micros() as f64 / 1000.0
}

/// Converts the time of an entry.
pub(crate) fn from_unix_ms(unix_ms: f64) -> Duration {
    Duration::from_micros((unix_ms * 1000.0).round() as u64)
}

/// Returns the time in whole microseconds, which a record can represent.
pub(crate) fn in_micros(time: Duration) -> Duration {
    from_unix_ms(to_unix_ms(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_survive_their_record() {
        for micros in [0, 1, 999, 1_767_225_600_000_001, 1_767_225_612_345_678, 4_102_444_800_999_999] {
            let time = Duration::from_micros(micros);
            assert_eq!(from_unix_ms(to_unix_ms(time)), time);
        }
        assert_eq!(in_micros(Duration::from_nanos(1_999)), Duration::from_micros(1));
    }
}
