//! What a guest writes to stdout and stderr, as lines of the host's log.
//!
//! *Invariant:* a guest cannot fill the log: what exceeds its share of each second is left out, and the log says so.
mod quota;

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Instant,
};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use tracing::{info, warn};
use wasmtime_wasi::{
    async_trait,
    cli::{IsTerminal, StdoutStream},
    p2::{OutputStream, Pollable, StreamResult},
};

use self::quota::{Share, Verdict};
use crate::config::WasmHostConfig;

/// A longer line is cut into several.
const LINE_BYTES: usize = 4 << 10;
/// As much of what was last written to stderr is kept for the message of a fault.
const LAST_LINES: usize = 8;

/// Which stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

/// What one room's guest writes.
#[derive(Debug)]
pub(crate) struct RoomLog {
    room_id: Arc<str>,
    /// Whether something went to stderr since the event began: saves a lock for each event.
    spoke: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Lines that have not ended.
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    last_lines: VecDeque<String>,
    share: Share,
}

impl RoomLog {
    pub(crate) fn new(room_id: &str, config: &WasmHostConfig) -> Self {
        let state = State::new(config.log_lines_per_second, config.log_bytes_per_second);
        RoomLog { room_id: room_id.into(), spoke: AtomicBool::new(false), state: Mutex::new(state) }
    }

    pub(crate) fn room_id(&self) -> &str {
        &self.room_id
    }

    pub(crate) fn stream(self: &Arc<Self>, stream: Stream) -> GuestStream {
        GuestStream { log: Arc::clone(self), stream }
    }

    /// Forgets what was written in earlier events.
    pub(crate) fn begin_event(&self) {
        if self.spoke.load(Ordering::Relaxed) {
            self.spoke.store(false, Ordering::Relaxed);
            self.lock().last_lines.clear();
        }
    }

    /// What the guest wrote to stderr in this event, the last of it.
    pub(crate) fn last_words(&self) -> LastWords {
        let state = self.lock();
        let unfinished = printable(&state.stderr);
        let lines = state.last_lines.iter().chain([&unfinished]);
        LastWords::of(lines.map(|line| line.trim()).filter(|line| !line.is_empty() && !is_hint(line)))
    }

    fn write(&self, stream: Stream, bytes: &[u8]) {
        self.spoke.store(true, Ordering::Relaxed);
        let now = Instant::now();
        let mut state = self.lock();
        if state.share.is_used_up(now) {
            return state.leave_out(stream, bytes);
        }
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let line = state.line(stream);
            line.extend_from_slice(part.strip_suffix(b"\n").unwrap_or(part));
            if part.ends_with(b"\n") || line.len() >= LINE_BYTES {
                self.end_line(&mut state, stream, now);
            }
        }
    }

    fn end_line(&self, state: &mut State, stream: Stream, now: Instant) {
        let line = printable(&std::mem::take(state.line(stream)));
        // wasmtime-wasi has a span around each call, whose fields are of no use to a reader: hence no parent.
        let room = &*self.room_id;
        match state.share.take(line.len(), now) {
            Verdict::Log { left_out } => {
                if left_out > 0 {
                    warn!(parent: None, room, "{left_out} lines of the guest's output were left out");
                }
                match stream {
                    _ if line.is_empty() || is_hint(&line) => {}
                    Stream::Stdout => info!(target: "stateroom::guest", parent: None, room, "{line}"),
                    Stream::Stderr => warn!(target: "stateroom::guest", parent: None, room, "{line}"),
                }
            }
            Verdict::LeaveOutFirst => {
                warn!(parent: None, room, "the guest writes too much; its output is left out for the rest of the second");
            }
            Verdict::LeaveOut => {}
        }
        if stream == Stream::Stderr {
            state.remember(line);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for RoomLog {
    fn drop(&mut self) {
        let mut state =
            std::mem::replace(self.state.get_mut().unwrap_or_else(PoisonError::into_inner), State::new(0, 0));
        for stream in [Stream::Stdout, Stream::Stderr] {
            if !state.line(stream).is_empty() {
                self.end_line(&mut state, stream, Instant::now());
            }
        }
    }
}

impl State {
    fn new(lines_per_second: usize, bytes_per_second: usize) -> Self {
        let share = Share::new(lines_per_second, bytes_per_second, Instant::now());
        State { stdout: Vec::new(), stderr: Vec::new(), last_lines: VecDeque::new(), share }
    }

    fn line(&mut self, stream: Stream) -> &mut Vec<u8> {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }

    fn remember(&mut self, line: String) {
        if self.last_lines.len() >= LAST_LINES {
            self.last_lines.pop_front();
        }
        self.last_lines.push_back(line);
    }

    /// Takes what will not be logged: without doing something for each line, as there may be a million of them.
    fn leave_out(&mut self, stream: Stream, bytes: &[u8]) {
        self.line(stream).clear();
        self.share.leave_out(bytes.iter().filter(|byte| **byte == b'\n').count());
        if stream == Stream::Stderr {
            let lines: Vec<_> = bytes.rsplit(|byte| *byte == b'\n').take(LAST_LINES).collect();
            lines.into_iter().rev().for_each(|line| self.remember(printable(line)));
        }
    }
}

/// Whether it is a panic's hint on how to see more, which speaks of an environment that the guest does not have.
fn is_hint(line: &str) -> bool {
    line.starts_with("note: run with `RUST_BACKTRACE")
}

/// What a guest wrote to stderr before it failed, as one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LastWords {
    /// A panic's own: where, and what it says.
    Panic(String),
    /// Anything else. May be empty.
    Other(String),
}

impl LastWords {
    fn of<'a>(lines: impl Iterator<Item = &'a str>) -> Self {
        let lines: Vec<&str> = lines.collect();
        let panic = lines.iter().enumerate().find_map(|(index, line)| {
            // `thread 'main' (1) panicked at src/lib.rs:7:5:`; which thread says nothing, as there is only one.
            let (_, place) = line.strip_prefix("thread ")?.split_once(" panicked at ")?;
            Some((index + 1, place))
        });
        match panic {
            Some((said, place)) => {
                let words: Vec<&str> = [place].into_iter().chain(lines.into_iter().skip(said)).collect();
                LastWords::Panic(format!("panicked at {}", words.join(" ")))
            }
            None => LastWords::Other(lines.join(" ")),
        }
    }
}

/// The line as a text that cannot command a terminal.
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

/// A guest's stdout or stderr, as WASI wants it.
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

/// The one that preview 1 uses.
impl OutputStream for GuestStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.log.write(self.stream, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(LINE_BYTES)
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
    fn lines_cannot_command_a_terminal() {
        assert_eq!(printable(b"plain\tline\r"), "plain\tline");
        assert_eq!(printable(b"\x1b[2Jgone"), "\\u{1b}[2Jgone");
        assert_eq!(printable(b"\xff"), "\u{fffd}");
    }

    #[test]
    fn last_words_are_of_this_event_and_of_stderr() {
        let log = Arc::new(RoomLog::new("a", &WasmHostConfig::default()));
        log.write(Stream::Stderr, b"old\n");
        log.begin_event();
        log.write(Stream::Stdout, b"said\n");
        log.write(Stream::Stderr, b"\nwarning:\n  bo");
        log.write(Stream::Stderr, b"om\nand");
        assert_eq!(log.last_words(), LastWords::Other("warning: boom and".to_owned()));
    }

    #[test]
    fn a_panic_is_found_among_the_last_words() {
        let log = Arc::new(RoomLog::new("a", &WasmHostConfig::default()));
        log.write(Stream::Stderr, b"before\n\nthread '<unnamed>' (1) panicked at x.rs:1:1:\nassertion failed\n");
        log.write(Stream::Stderr, b"  left: 1\nnote: run with `RUST_BACKTRACE=1` ...\n");
        let panic = "panicked at x.rs:1:1: assertion failed left: 1";
        assert_eq!(log.last_words(), LastWords::Panic(panic.to_owned()));
    }
}
