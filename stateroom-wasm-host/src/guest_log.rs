//! A guest's stdout and stderr, as lines of the host's log.
//!
//! *Invariant:* a guest cannot flood the log: lines above its quota of each second are dropped, and the log says so.
mod quota;

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Instant,
};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::io::AsyncWrite;
use tracing::{info, warn};
use wasmtime_wasi::{
    async_trait,
    cli::{IsTerminal, StdoutStream},
    p2::{OutputStream, Pollable, StreamResult},
};

use self::quota::{LogDecision, LogQuota};
use crate::config::WasmHostConfig;

/// Maximum length of a logged line; longer ones are split.
const MAX_LINE_BYTES: usize = 4 << 10;
/// Number of lines of stderr kept for the message of a fault.
const MAX_TAIL_LINES: usize = 8;

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
    state: Mutex<LogState>,
}

#[derive(Debug)]
struct LogState {
    /// Lines without their end.
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    stderr_lines: VecDeque<String>,
    quota: LogQuota,
}

impl RoomLog {
    pub(crate) fn new(room_id: &str, config: &WasmHostConfig) -> Self {
        let state = LogState::new(config.log_lines_per_second, config.log_bytes_per_second);
        RoomLog { room_id: room_id.into(), has_output: AtomicBool::new(false), state: Mutex::new(state) }
    }

    pub(crate) fn room_id(&self) -> &str {
        &self.room_id
    }

    pub(crate) fn stream(self: &Arc<Self>, stream: Stream) -> GuestStream {
        GuestStream { log: Arc::clone(self), stream }
    }

    /// Forgets the output of earlier events.
    pub(crate) fn begin_event(&self) {
        if self.has_output.load(Ordering::Relaxed) {
            self.has_output.store(false, Ordering::Relaxed);
            self.state.lock().stderr_lines.clear();
        }
    }

    /// Returns the end of what the guest wrote to stderr in this event.
    pub(crate) fn stderr_tail(&self) -> StderrTail {
        let state = self.state.lock();
        let unfinished = printable(&state.stderr);
        let lines = state.stderr_lines.iter().chain([&unfinished]);
        StderrTail::of(lines.map(|line| line.trim()).filter(|line| !line.is_empty() && !is_hint(line)))
    }

    fn write(&self, stream: Stream, bytes: &[u8]) {
        self.has_output.store(true, Ordering::Relaxed);
        let now = Instant::now();
        let mut state = self.state.lock();
        if state.quota.is_used_up(now) {
            return state.drop_output(stream, bytes);
        }
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let line = state.line(stream);
            line.extend_from_slice(part.strip_suffix(b"\n").unwrap_or(part));
            if part.ends_with(b"\n") || line.len() >= MAX_LINE_BYTES {
                self.end_line(&mut state, stream, now);
            }
        }
    }

    fn end_line(&self, state: &mut LogState, stream: Stream, now: Instant) {
        let line = printable(&std::mem::take(state.line(stream)));
        // Without a parent: wasmtime-wasi has a span around each call, whose fields are noise here.
        let room = &*self.room_id;
        match state.quota.take(line.len(), now) {
            LogDecision::Log { dropped } => {
                if dropped > 0 {
                    warn!(parent: None, room, "dropped {dropped} lines of the guest's output");
                }
                match stream {
                    _ if line.is_empty() || is_hint(&line) => {}
                    Stream::Stdout => info!(target: "stateroom::guest", parent: None, room, "{line}"),
                    Stream::Stderr => warn!(target: "stateroom::guest", parent: None, room, "{line}"),
                }
            }
            LogDecision::DropFirst => {
                warn!(parent: None, room, "the guest exceeded its log quota; dropping its output for the rest of the second");
            }
            LogDecision::Drop => {}
        }
        if stream == Stream::Stderr {
            state.push_stderr_line(line);
        }
    }
}

impl Drop for RoomLog {
    fn drop(&mut self) {
        let mut state = std::mem::replace(self.state.get_mut(), LogState::new(0, 0));
        for stream in [Stream::Stdout, Stream::Stderr] {
            if !state.line(stream).is_empty() {
                self.end_line(&mut state, stream, Instant::now());
            }
        }
    }
}

impl LogState {
    fn new(lines_per_second: usize, bytes_per_second: usize) -> Self {
        let quota = LogQuota::new(lines_per_second, bytes_per_second, Instant::now());
        LogState { stdout: Vec::new(), stderr: Vec::new(), stderr_lines: VecDeque::new(), quota }
    }

    fn line(&mut self, stream: Stream) -> &mut Vec<u8> {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }

    fn push_stderr_line(&mut self, line: String) {
        if self.stderr_lines.len() >= MAX_TAIL_LINES {
            self.stderr_lines.pop_front();
        }
        self.stderr_lines.push_back(line);
    }

    /// Accepts output that is not logged, without work for each line: there may be a million of them.
    fn drop_output(&mut self, stream: Stream, bytes: &[u8]) {
        self.line(stream).clear();
        self.quota.drop_lines(bytes.iter().filter(|byte| **byte == b'\n').count());
        if stream == Stream::Stderr {
            let lines: Vec<_> = bytes.rsplit(|byte| *byte == b'\n').take(MAX_TAIL_LINES).collect();
            lines.into_iter().rev().for_each(|line| self.push_stderr_line(printable(line)));
        }
    }
}

/// Returns whether a line is a panic's hint about `RUST_BACKTRACE`, an environment variable that a guest cannot have.
fn is_hint(line: &str) -> bool {
    line.starts_with("note: run with `RUST_BACKTRACE")
}

/// The end of what a guest wrote to stderr before it failed, as one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StderrTail {
    /// A panic's location and message.
    Panic(String),
    /// Other output, possibly empty.
    Other(String),
}

impl StderrTail {
    fn of<'a>(lines: impl Iterator<Item = &'a str>) -> Self {
        let lines: Vec<&str> = lines.collect();
        let panic = lines.iter().enumerate().find_map(|(index, line)| {
            // `thread 'main' (1) panicked at src/lib.rs:7:5:`; the thread is dropped, because there is only one.
            let (_, location) = line.strip_prefix("thread ")?.split_once(" panicked at ")?;
            Some((index + 1, location))
        });
        match panic {
            Some((message, location)) => {
                let words: Vec<&str> = [location].into_iter().chain(lines.into_iter().skip(message)).collect();
                StderrTail::Panic(format!("panicked at {}", words.join(" ")))
            }
            None => StderrTail::Other(lines.join(" ")),
        }
    }
}

/// Returns the line as text, with control characters escaped so that they have no effect on a terminal.
fn printable(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end();
    if !text.contains(|character: char| character.is_control() && character != '\t') {
        return text.to_owned();
    }
    let escape = |character: char| match character {
        '\t' => vec!['\t'],
        control if control.is_control() => control.escape_default().collect(),
        other => vec![other],
    };
    text.chars().flat_map(escape).collect()
}

/// A guest's stdout or stderr, for WASI.
pub(crate) struct GuestStream {
    log: Arc<RoomLog>,
    stream: Stream,
}

impl IsTerminal for GuestStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.log.stream(self.stream))
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.log.stream(self.stream))
    }
}

/// The implementation that preview 1 uses.
impl OutputStream for GuestStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.log.write(self.stream, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(MAX_LINE_BYTES)
    }
}

#[async_trait]
impl Pollable for GuestStream {
    async fn ready(&mut self) {}
}

impl AsyncWrite for GuestStream {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.log.write(self.stream, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(printable(b"plain\tline\r"), "plain\tline");
        assert_eq!(printable(b"\x1b[2Jgone"), "\\u{1b}[2Jgone");
        assert_eq!(printable(b"\xff"), "\u{fffd}");
    }

    #[test]
    fn the_tail_has_only_stderr_of_the_current_event() {
        let log = Arc::new(RoomLog::new("a", &WasmHostConfig::default()));
        log.write(Stream::Stderr, b"old\n");
        log.begin_event();
        log.write(Stream::Stdout, b"stdout\n");
        log.write(Stream::Stderr, b"\nwarning:\n  bo");
        log.write(Stream::Stderr, b"om\nand");
        assert_eq!(log.stderr_tail(), StderrTail::Other("warning: boom and".to_owned()));
    }

    #[test]
    fn recognizes_a_panic_in_the_tail() {
        let log = Arc::new(RoomLog::new("a", &WasmHostConfig::default()));
        log.write(Stream::Stderr, b"before\n\nthread '<unnamed>' (1) panicked at x.rs:1:1:\nassertion failed\n");
        log.write(Stream::Stderr, b"  left: 1\nnote: run with `RUST_BACKTRACE=1` ...\n");
        let panic = "panicked at x.rs:1:1: assertion failed left: 1";
        assert_eq!(log.stderr_tail(), StderrTail::Panic(panic.to_owned()));
    }
}
