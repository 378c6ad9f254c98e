//! The CPU time of a thread, from one tick to the next.
//!
//! Reading a thread's CPU clock is a system call, too expensive for each event. It is read once per tick and thread, and a guest
//! that runs at a tick is charged for what the thread has computed since the last one. Over many events that is fair: a room
//! that computes half of the time runs at half of the ticks. After a pause the clock is read again, so a long event is
//! charged for exactly its own time, whatever the thread does in between.
//!
//! *Invariant:* no CPU time is charged twice.
use std::{cell::Cell, time::Duration};

use crate::engine::ticker;

/// The last reading of a thread's clock.
#[derive(Clone, Copy)]
struct Reading {
    tick: u64,
    cpu_time: Duration,
}

thread_local! {
    static LAST: Cell<Reading> = const { Cell::new(Reading { tick: 0, cpu_time: Duration::ZERO }) };
}

/// Begins to measure, from the last reading of this tick if there is one.
// Not inlined, here and below: a guest's stack may have moved to another thread since the caller last accessed its own.
#[inline(never)]
pub(super) fn begin() {
    if LAST.get().tick != ticker::ticks() {
        begin_exactly();
    }
}

/// Begins to measure from now on.
#[inline(never)]
pub(super) fn begin_exactly() {
    LAST.set(read());
}

/// Returns the time since the last reading, and begins anew; `None` before the next tick.
#[inline(never)]
pub(super) fn take() -> Option<Duration> {
    (LAST.get().tick != ticker::ticks()).then(take_exactly)
}

/// Returns the time since the last reading, and begins anew.
#[inline(never)]
pub(super) fn take_exactly() -> Duration {
    let now = read();
    now.cpu_time.saturating_sub(LAST.replace(now).cpu_time)
}

fn read() -> Reading {
    Reading { tick: ticker::ticks(), cpu_time: thread_time() }
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd", target_vendor = "apple"))]
fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// The wall-clock time: the system has no such clock.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd", target_vendor = "apple")))]
fn thread_time() -> Duration {
    static START: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    START.elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_taken_once() {
        begin_exactly();
        let start = thread_time();
        while thread_time() < start + Duration::from_millis(3) {}
        assert!(take_exactly() >= Duration::from_millis(3));
        assert!(take_exactly() < Duration::from_millis(3));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn sleep_is_not_cpu_time() {
        begin_exactly();
        std::thread::park_timeout(Duration::from_millis(20));
        assert!(take_exactly() < Duration::from_millis(10));
    }
}
