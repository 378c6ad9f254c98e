//! Keeps the rate: tells speakers that a message is due, whether or not earlier ones were answered.
//!
//! On a thread of its own, since the timers of the runtime count in milliseconds.
use std::{thread, time::Duration};

use tokio::sync::mpsc;

use super::{run_state::RunState, schedule::ScheduledSend};

/// It looks so often whether the measurement was cut short.
const NAP: Duration = Duration::from_millis(20);

/// Works through a schedule that begins at that time, until the measurement ends. The result is how many messages speakers
/// were told of, and how many were due within the measurement, which begins at `from`.
pub(crate) fn pace(
    state: &RunState,
    begin: u64,
    from: u64,
    schedule: impl Iterator<Item = ScheduledSend>,
    speakers: &[mpsc::Sender<u64>],
) -> (u64, u64) {
    let (mut told, mut due) = (0, 0);
    for ScheduledSend { after, speaker } in schedule {
        let intended = begin.saturating_add(after);
        while intended < state.until() {
            match state.time_to(intended) {
                Duration::ZERO => break,
                wait => thread::sleep(wait.min(NAP)),
            }
        }
        if intended >= state.until() {
            break;
        }
        told += u64::from(speakers.get(speaker).is_some_and(|orders| orders.try_send(intended).is_ok()));
        due += u64::from(intended >= from);
    }
    (told, due)
}
