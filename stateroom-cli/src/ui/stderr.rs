//! Writing to stderr: at once, or, while a server runs, by a thread of its own.
//!
//! *Invariant:* once [`queue`] was called, only that thread waits for stderr. What it has not written yet is bounded; what
//! does not fit is dropped and counted.
use std::{
    backtrace::{Backtrace, BacktraceStatus},
    io::{self, Write},
    mem, panic,
    sync::{LazyLock, OnceLock},
    thread,
    time::{Duration, Instant},
};

use indicatif::MultiProgress;
use parking_lot::{Condvar, Mutex};

/// Maximum size of the lines that wait to be written. One event of the log is far smaller.
const MAX_QUEUED_BYTES: usize = 1 << 20;
/// Maximum time that the end of the process waits for the last lines to be written.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// The spinners on stderr. Hidden if stderr is not a terminal.
pub(crate) static SPINNERS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// The metric of dropped lines.
const DROPPED_METRIC: &str = "stateroom_log_lines_dropped_total";

static QUEUE: OnceLock<LineQueue> = OnceLock::new();

/// A writer to stderr that suspends the spinners. Each call should write whole lines.
pub(crate) struct Stderr;

impl Write for Stderr {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        match QUEUE.get() {
            Some(queue) => queue.push(lines),
            None => write_now(lines)?,
        }
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if QUEUE.get().is_none() { io::stderr().flush() } else { Ok(()) }
    }
}

/// Lets a thread write what is written from now on, and logs panics, which otherwise write to stderr themselves.
///
/// # Errors
///
/// Returns an error if the thread cannot be started.
pub(crate) fn queue() -> io::Result<()> {
    if QUEUE.get().is_some() {
        return Ok(());
    }
    thread::Builder::new().name("log".to_owned()).spawn(|| {
        let queue = QUEUE.get_or_init(LineQueue::default);
        loop {
            queue.write_waiting(|lines| {
                // A closed stderr is ignored.
                let _ = write_now(lines);
            });
            let dropped = queue.take_dropped();
            if dropped > 0 {
                tracing::warn!("dropped {dropped} log lines: stderr is not read fast enough");
            }
        }
    })?;
    QUEUE.get_or_init(LineQueue::default);
    panic::set_hook(Box::new(|panic| {
        let backtrace = Backtrace::capture();
        match backtrace.status() {
            BacktraceStatus::Captured => tracing::error!("{panic}\n{backtrace}"),
            _ => tracing::error!("{panic}"),
        }
    }));
    Ok(())
}

/// Describes the metric of dropped lines to the recorder, from which on it is there.
pub(crate) fn describe_metric() {
    metrics::describe_counter!(DROPPED_METRIC, "Lines of the log dropped because stderr was not read.");
    metrics::counter!(DROPPED_METRIC).increment(0);
}

/// Waits until the last lines are written when it is dropped, at the end of the process, but not for long.
pub(crate) struct FlushOnDrop;

impl Drop for FlushOnDrop {
    fn drop(&mut self) {
        if let Some(queue) = QUEUE.get() {
            queue.wait_until_written(FLUSH_TIMEOUT);
        }
    }
}

fn write_now(lines: &[u8]) -> io::Result<()> {
    SPINNERS.suspend(|| io::stderr().write_all(lines))
}

/// Lines that wait for the thread that writes them.
#[derive(Default)]
struct LineQueue {
    state: Mutex<QueueState>,
    changed: Condvar,
}

#[derive(Default)]
struct QueueState {
    waiting: Vec<u8>,
    /// Whether lines that are no longer waiting are being written.
    is_writing: bool,
    /// Number of writes that did not fit and were not reported yet.
    dropped: u64,
}

impl LineQueue {
    /// Adds lines, or drops them if there is no space.
    fn push(&self, lines: &[u8]) {
        let mut state = self.state.lock();
        if state.waiting.len().saturating_add(lines.len()) > MAX_QUEUED_BYTES {
            state.dropped = state.dropped.saturating_add(1);
            drop(state);
            metrics::counter!(DROPPED_METRIC).increment(1);
            return;
        }
        state.waiting.extend_from_slice(lines);
        self.changed.notify_all();
    }

    /// Waits for lines, and writes all that wait.
    fn write_waiting(&self, write: impl FnOnce(&[u8])) {
        let mut state = self.state.lock();
        while state.waiting.is_empty() {
            self.changed.wait(&mut state);
        }
        let lines = mem::take(&mut state.waiting);
        state.is_writing = true;
        drop(state);
        write(&lines);
        self.state.lock().is_writing = false;
        self.changed.notify_all();
    }

    /// Returns the number of writes that were dropped, if there is space to report it.
    fn take_dropped(&self) -> u64 {
        let mut state = self.state.lock();
        if state.waiting.len() > MAX_QUEUED_BYTES / 2 { 0 } else { mem::take(&mut state.dropped) }
    }

    /// Waits until all lines are written, for at most this long. Returns whether they are.
    fn wait_until_written(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut state = self.state.lock();
        while state.is_writing || !state.waiting.is_empty() {
            if self.changed.wait_until(&mut state, deadline).timed_out() {
                return false;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_do_not_fit_are_dropped_and_counted() {
        let queue = LineQueue::default();
        let line = vec![b'x'; MAX_QUEUED_BYTES / 4];
        for _ in 0..6 {
            queue.push(&line);
        }
        assert_eq!(queue.take_dropped(), 0, "there is no space to report it");
        assert!(!queue.wait_until_written(Duration::ZERO));
        let mut written = 0;
        queue.write_waiting(|lines| written = lines.len());
        assert_eq!((written, queue.take_dropped(), queue.take_dropped()), (MAX_QUEUED_BYTES, 2, 0));
        assert!(queue.wait_until_written(Duration::ZERO));
    }

    #[test]
    fn lines_may_be_added_while_others_are_written() {
        let queue = LineQueue::default();
        queue.push(b"a\n");
        queue.write_waiting(|lines| {
            assert_eq!(lines, b"a\n");
            queue.push(b"b\n");
            assert!(!queue.wait_until_written(Duration::ZERO));
        });
        assert!(!queue.wait_until_written(Duration::ZERO));
        queue.write_waiting(|lines| assert_eq!(lines, b"b\n"));
        assert!(queue.wait_until_written(Duration::ZERO));
    }
}
