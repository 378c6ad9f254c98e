//! Keeps a rate: queues messages at their scheduled times, whether or not earlier ones were answered (open loop).
//!
//! *Invariant:* the schedule does not depend on the server.
use std::{thread, time::Duration};

use fastrand::Rng;
use tokio::sync::mpsc;

use crate::run_state::RunState;

/// Interval at which the pacer checks whether the run was interrupted.
const STOP_CHECK_INTERVAL: Duration = Duration::from_millis(20);
const NANOS_PER_SECOND: f64 = 1e9;

/// A message of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ScheduledSend {
    /// Time of the message, in nanoseconds since the schedule began.
    pub(crate) after: u64,
    /// Index of the sender.
    pub(crate) sender: usize,
}

/// Result of [`pace`].
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Paced {
    /// Number of messages queued.
    pub(crate) queued: u64,
    /// Number of messages scheduled within the measurement, queued or not.
    pub(crate) scheduled: u64,
}

/// Queues the messages of a schedule that begins at `begin`, until the measurement, which begins at `from`, ends.
///
/// Blocks its thread: the timers of the async runtime have a resolution of a millisecond only.
pub(crate) fn pace(
    state: &RunState,
    begin: u64,
    from: u64,
    schedule: impl Iterator<Item = ScheduledSend>,
    senders: &[mpsc::Sender<u64>],
) -> Paced {
    let mut paced = Paced::default();
    for ScheduledSend { after, sender } in schedule {
        let intended = begin.saturating_add(after);
        while intended < state.until() {
            match state.time_until(intended) {
                Duration::ZERO => break,
                wait => thread::sleep(wait.min(STOP_CHECK_INTERVAL)),
            }
        }
        if intended >= state.until() {
            break;
        }
        paced.queued += u64::from(senders.get(sender).is_some_and(|queue| queue.try_send(intended).is_ok()));
        paced.scheduled += u64::from(intended >= from);
    }
    paced
}

/// Returns a schedule with equal intervals, in which senders take turns.
pub(crate) fn constant_schedule(rate: f64, senders: usize) -> impl Iterator<Item = ScheduledSend> + Send {
    // Computed from the message's number: a sum of rounded intervals would drift.
    (0..senders.max(1))
        .cycle()
        .zip(0_u64..)
        .map(move |(sender, number)| ScheduledSend { after: (number as f64 / rate * NANOS_PER_SECOND) as u64, sender })
}

/// Returns a Poisson schedule: exponentially distributed intervals and random senders, as with many independent clients.
pub(crate) fn poisson_schedule(
    rate: f64,
    senders: usize,
    mut random: Rng,
) -> impl Iterator<Item = ScheduledSend> + Send {
    let mut after = 0.0;
    std::iter::repeat_with(move || {
        after += exponential(&mut random) / rate * NANOS_PER_SECOND;
        ScheduledSend { after: after as u64, sender: random.usize(..senders.max(1)) }
    })
}

/// Returns a random number from the exponential distribution with mean 1.
pub(crate) fn exponential(random: &mut Rng) -> f64 {
    // The argument is never 0.
    -(1.0 - random.f64()).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constant_schedule_does_not_drift_and_senders_take_turns() {
        let schedule: Vec<_> = constant_schedule(3.0, 2).take(7).collect();
        assert_eq!(schedule[3].after, 1_000_000_000);
        assert_eq!(schedule[6].after, 2_000_000_000);
        assert_eq!(schedule.iter().map(|send| send.sender).collect::<Vec<_>>(), [0, 1, 0, 1, 0, 1, 0]);
    }

    #[test]
    fn poisson_schedule_keeps_the_rate_and_is_monotonic() {
        let schedule: Vec<_> = poisson_schedule(1000.0, 3, Rng::with_seed(1)).take(10_000).collect();
        assert!(schedule.is_sorted_by_key(|send| send.after));
        let seconds = schedule.last().unwrap().after as f64 / NANOS_PER_SECOND;
        assert!((9.5..10.5).contains(&seconds), "{seconds}");
        let intervals: Vec<_> = schedule.windows(2).map(|pair| pair[1].after - pair[0].after).collect();
        // In an exponential distribution, a share of 1/e exceeds the mean.
        let long = intervals.iter().filter(|interval| **interval > 1_000_000).count() as f64 / intervals.len() as f64;
        assert!((0.34..0.40).contains(&long), "{long}");
        assert!((0..3).all(|sender| schedule.iter().filter(|send| send.sender == sender).count() > 3000));
    }
}
