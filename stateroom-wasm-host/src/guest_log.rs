//! A guest's stdout and stderr, as lines of the host's log.
//!
//! *Invariant:* a guest cannot flood the log: lines above its quota of each second are dropped, and the log says so. A panic's
//! text is reported once: by the fault if the event fails, and by the log otherwise.
mod quota;
mod stderr;
mod total;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use parking_lot::Mutex;
use tracing::{info, warn};

use self::{
    quota::{LogDecision, LogQuota},
    stderr::{StderrText, is_hint, printable},
};
pub(crate) use self::{stderr::StderrTail, total::TotalLogQuota};
use crate::config::WasmHostConfig;

/// Maximum length of a logged line; longer ones are split.
const MAX_LINE_BYTES: usize = 4 << 10;

/// An output stream of a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

/// The output of one room's guest.
#[derive(Debug)]
pub(crate) struct RoomLog {
    room_id: Arc<str>,
    /// Whether anything was written since the event began: saves a lock for most events.
    has_output: AtomicBool,
    /// Whether nothing is logged, because it was logged before.
    is_muted: AtomicBool,
    state: Mutex<LogState>,
}

#[derive(Debug)]
struct LogState {
    /// Lines without their end.
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// The stderr of the current event.
    text: StderrText,
    quota: LogQuota,
}

impl RoomLog {
    pub(crate) fn new(room_id: &str, config: &WasmHostConfig, total: Arc<TotalLogQuota>) -> Self {
        let state = LogState::new(config, total);
        let [has_output, is_muted] = [false, false].map(AtomicBool::new);
        RoomLog { room_id: room_id.into(), has_output, is_muted, state: Mutex::new(state) }
    }

    pub(crate) fn room_id(&self) -> &str {
        &self.room_id
    }

    /// Sets whether the output of the following events is not logged.
    pub(crate) fn set_muted(&self, is_muted: bool) {
        self.is_muted.store(is_muted, Ordering::Relaxed);
    }

    /// Ends the events so far: none of them failed, so a panic's text among their output was printed by the service.
    pub(crate) fn end_events(&self) {
        if self.has_output.load(Ordering::Relaxed) {
            self.has_output.store(false, Ordering::Relaxed);
            let mut state = self.state.lock();
            self.log_panic(&mut state);
            state.text.clear();
        }
    }

    /// Takes the end of what the guest wrote to stderr in this event. A panic in it is not logged anymore.
    pub(crate) fn take_stderr_tail(&self) -> StderrTail {
        self.state.lock().text.take_tail()
    }

    /// Returns whether the guest wrote a panic's text in this event, other than that an allocation failed.
    pub(crate) fn has_panic(&self) -> bool {
        self.state.lock().text.has_panic_besides_allocation()
    }

    /// Does not log that an allocation has failed.
    pub(crate) fn forget_allocation_failure(&self) {
        self.state.lock().text.forget_allocation_failure();
    }

    /// Logs output of the guest.
    pub(crate) fn write(&self, stream: Stream, bytes: &[u8]) {
        self.has_output.store(true, Ordering::Relaxed);
        let mut state = self.state.lock();
        let mut bytes = bytes;
        if stream == Stream::Stderr {
            let before_panic = state.text.push(bytes);
            bytes = bytes.get(..before_panic).unwrap_or_default();
            if state.text.has_panic() {
                self.log(&mut state, stream, bytes);
                // The beginning of the line that announces the panic.
                state.stderr.clear();
                return;
            }
        }
        self.log(&mut state, stream, bytes);
    }

    fn log(&self, state: &mut LogState, stream: Stream, mut bytes: &[u8]) {
        if self.is_muted.load(Ordering::Relaxed) {
            return;
        }
        let now = Instant::now();
        while !bytes.is_empty() {
            if state.quota.is_used_up(now) {
                // Without work for each line: there may be thousands.
                state.line(stream).clear();
                return state.quota.drop_lines(bytes.iter().filter(|byte| **byte == b'\n').count());
            }
            let line = state.line(stream);
            let space = MAX_LINE_BYTES.saturating_sub(line.len());
            let end = bytes.iter().take(space).position(|byte| *byte == b'\n');
            let (part, rest) = bytes.split_at(end.map_or(space.min(bytes.len()), |end| end + 1));
            line.extend_from_slice(part.strip_suffix(b"\n").unwrap_or(part));
            if end.is_some() || line.len() >= MAX_LINE_BYTES {
                self.end_line(state, stream, now);
            }
            bytes = rest;
        }
    }

    fn end_line(&self, state: &mut LogState, stream: Stream, now: Instant) {
        let line = std::mem::take(state.line(stream));
        // Without a parent: a span of the caller would repeat the room.
        let room = &*self.room_id;
        match state.quota.take(line.len(), now) {
            LogDecision::Log { dropped } => {
                if dropped > 0 {
                    warn!(parent: None, room, "dropped {dropped} lines of the guest's output");
                }
                let line = printable(&line);
                match stream {
                    _ if line.is_empty() || is_hint(&line) => {}
                    Stream::Stdout => info!(target: "stateroom::guest", parent: None, room, "{line}"),
                    Stream::Stderr => warn!(target: "stateroom::guest", parent: None, room, "{line}"),
                }
            }
            LogDecision::DropFirst { limit } => {
                let hint = limit.hint();
                warn!(
                    parent: None,
                    room, "the guest exceeded its log quota; dropping its output for the rest of the second ({hint})"
                );
            }
            LogDecision::DropForTotal { limit: Some(limit) } => {
                let hint = limit.hint();
                warn!(
                    parent: None,
                    "the guests of all rooms exceeded their log quota; dropping output for the rest of the second ({hint})"
                );
            }
            LogDecision::DropForTotal { limit: None } | LogDecision::Drop => {}
        }
    }

    /// Logs the text of a panic that did not end the room.
    fn log_panic(&self, state: &mut LogState) {
        if let Some(text) = state.text.take_panic() {
            self.log(state, Stream::Stderr, &text);
        }
    }
}

impl Drop for RoomLog {
    fn drop(&mut self) {
        let mut state = self.state.lock();
        self.log_panic(&mut state);
        for stream in [Stream::Stdout, Stream::Stderr] {
            if !state.line(stream).is_empty() {
                self.end_line(&mut state, stream, Instant::now());
            }
        }
    }
}

impl LogState {
    fn new(config: &WasmHostConfig, total: Arc<TotalLogQuota>) -> Self {
        let (max_lines, max_bytes) = (config.log_lines_per_second, config.log_bytes_per_second);
        let quota = LogQuota::new(max_lines, max_bytes, total, Instant::now());
        LogState { stdout: Vec::new(), stderr: Vec::new(), text: StderrText::default(), quota }
    }

    fn line(&mut self, stream: Stream) -> &mut Vec<u8> {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }
}
