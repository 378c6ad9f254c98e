//! The stderr of a guest during an event, for the message of its fault.
//!
//! *Invariant:* it takes a bounded amount of memory; of a panic's text it keeps the beginning, of other output the end.
use stateroom::printable::escape;
use std::collections::VecDeque;

/// Maximum number of bytes kept of a panic's text, and of other output.
const MAX_BYTES: usize = 4 << 10;
/// Maximum number of bytes of a panic's location.
const MAX_LOCATION_BYTES: usize = 256;
/// Maximum number of lines of other output.
const MAX_LINES: usize = 8;

/// The stderr of an event.
#[derive(Debug, Default)]
pub(super) struct StderrText {
    /// The end of the output.
    tail: Vec<u8>,
    /// The start of the unfinished line in it.
    line_start: usize,
    panic: Option<PanicText>,
}

/// The output from the line on that announces a panic, or the failure of an allocation.
#[derive(Debug, Default)]
struct PanicText {
    /// That line: `thread 'main' (1) panicked at src/lib.rs:7:5:`.
    header: Vec<u8>,
    /// The beginning of what follows.
    message: Vec<u8>,
    /// Length of all that follows.
    message_bytes: usize,
}

/// The end of a guest's stderr before it failed, as one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StderrTail {
    /// A panic's location and message, or the failure of an allocation.
    Panic(String),
    /// Other output, possibly empty.
    Other(String),
}

impl StderrText {
    /// Appends output. Returns the length of the part that precedes a panic's text.
    pub(super) fn push(&mut self, bytes: &[u8]) -> usize {
        if let Some(panic) = &mut self.panic {
            panic.push(bytes);
            return 0;
        }
        let before = self.tail.len();
        self.tail.extend_from_slice(bytes);
        while let Some(unfinished) = self.tail.get(self.line_start..)
            && let Some(length) = unfinished.iter().position(|byte| *byte == b'\n')
        {
            let (line, rest) = unfinished.split_at(length);
            if panic_location(line).is_some() || is_allocation_failure(line) {
                let mut panic = PanicText { header: line.to_vec(), ..PanicText::default() };
                panic.push(rest.get(1..).unwrap_or_default());
                self.panic = Some(panic);
                return self.line_start.saturating_sub(before);
            }
            self.line_start += length + 1;
        }
        let excess = self.tail.len().saturating_sub(MAX_BYTES);
        self.tail.drain(..excess);
        self.tail.shrink_to(2 * MAX_BYTES);
        self.line_start = self.line_start.saturating_sub(excess);
        bytes.len()
    }

    pub(super) fn has_panic(&self) -> bool {
        self.panic.is_some()
    }

    /// Returns whether there is a panic's text, other than that of a failed allocation.
    pub(super) fn has_panic_besides_allocation(&self) -> bool {
        self.panic.as_ref().is_some_and(|panic| !is_allocation_failure(&panic.header))
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = StderrText::default();
    }

    /// Takes the text of a panic, with its first line.
    pub(super) fn take_panic(&mut self) -> Option<Vec<u8>> {
        let PanicText { mut header, message, message_bytes } = self.panic.take()?;
        header.push(b'\n');
        header.extend_from_slice(&message);
        if message_bytes > message.len() {
            header.extend_from_slice(cut_mark(message_bytes).as_bytes());
        }
        header.push(b'\n');
        Some(header)
    }

    /// Forgets the line that Rust writes when an allocation has failed.
    pub(super) fn forget_allocation_failure(&mut self) {
        self.panic.take_if(|panic| is_allocation_failure(&panic.header));
    }

    /// Takes everything, as a part of the fault's message.
    pub(super) fn take_tail(&mut self) -> StderrTail {
        let StderrText { tail, panic, .. } = std::mem::take(self);
        let Some(PanicText { header, message, message_bytes }) = panic else {
            let mut lines: VecDeque<&[u8]> = tail.rsplit(|byte| *byte == b'\n').take(MAX_LINES + 1).collect();
            lines.make_contiguous().reverse();
            return StderrTail::Other(beginning(&join(lines)).to_owned());
        };
        let message_text = join(message.split(|byte| *byte == b'\n'));
        let message_text = beginning(&message_text);
        let mark = if message_bytes > message.len() { cut_mark(message_bytes) } else { String::new() };
        let (start, line) = match panic_location(&header) {
            Some(location) => ("panicked at ", location),
            None => ("", header.as_slice()),
        };
        let line = printable(line.get(..MAX_LOCATION_BYTES).unwrap_or(line));
        let words = format!("{start}{line} {message_text}{mark}");
        StderrTail::Panic(words.trim_end().to_owned())
    }
}

impl PanicText {
    fn push(&mut self, bytes: &[u8]) {
        let space = MAX_BYTES.saturating_sub(self.message.len());
        self.message.extend_from_slice(bytes.get(..space).unwrap_or(bytes));
        self.message_bytes = self.message_bytes.saturating_add(bytes.len());
    }
}

/// Returns the beginning of a text: escaped characters are longer than those of the guest.
fn beginning(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_BYTES)).unwrap_or(text)
}

/// Marks the end of a text that is longer.
fn cut_mark(bytes: usize) -> String {
    format!("... (cut: {bytes} bytes in all)")
}

/// Returns the location in a line that announces a panic, with its colon. There is one thread, so its name is dropped.
fn panic_location(line: &[u8]) -> Option<&[u8]> {
    const PANICKED: &[u8] = b" panicked at ";
    let line = line.strip_prefix(b"thread ")?;
    let at = line.windows(PANICKED.len()).position(|window| window == PANICKED)?;
    line.get(at + PANICKED.len()..)
}

fn is_allocation_failure(line: &[u8]) -> bool {
    line.starts_with(b"memory allocation of ") && line.ends_with(b" bytes failed")
}

/// Joins lines to one, without the empty ones and hints.
fn join<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> String {
    let lines = lines.into_iter().map(|line| printable(line).trim().to_owned());
    lines.filter(|line| !line.is_empty() && !is_hint(line)).collect::<Vec<_>>().join(" ")
}

/// Returns whether a line is a panic's hint about `RUST_BACKTRACE`, an environment variable that a guest cannot have.
pub(super) fn is_hint(line: &str) -> bool {
    line.starts_with("note: run with `RUST_BACKTRACE")
}

/// Returns the line as text, with control characters escaped so that they have no effect on a terminal.
pub(super) fn printable(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    escape(text.trim_end()).replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail(parts: &[&str]) -> StderrTail {
        let mut text = StderrText::default();
        for part in parts {
            text.push(part.as_bytes());
        }
        text.take_tail()
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(printable(b"plain\tline\r"), "plain\tline");
        assert_eq!(printable(b"\x1b[2Jgone"), "\\u{1b}[2Jgone");
        assert_eq!(printable(b"\xff"), "\u{fffd}");
        assert_eq!(printable("a\u{202e}b\u{9b}2J".as_bytes()), "a\\u{202e}b\\u{9b}2J");
    }

    #[test]
    fn the_tail_joins_the_last_lines() {
        assert_eq!(tail(&["\nwarning:\n  bo", "om\nand"]), StderrTail::Other("warning: boom and".to_owned()));
        let many: String = (0..2000).map(|line| format!("{line}\n")).collect();
        let last = "1992 1993 1994 1995 1996 1997 1998 1999";
        assert_eq!(tail(&[&many]), StderrTail::Other(last.to_owned()));
    }

    #[test]
    fn recognizes_a_panic_however_it_is_written() {
        let text = "before\n\nthread '<unnamed>' (1) panicked at x.rs:1:1:\nassertion failed\n  left: 1\n\
                    note: run with `RUST_BACKTRACE=1` ...\n";
        let panic = StderrTail::Panic("panicked at x.rs:1:1: assertion failed left: 1".to_owned());
        assert_eq!(tail(&[text]), panic);
        let bytewise: Vec<String> = text.chars().map(String::from).collect();
        assert_eq!(tail(&bytewise.iter().map(String::as_str).collect::<Vec<_>>()), panic);
    }

    #[test]
    fn a_long_panic_keeps_its_beginning() {
        let long = "x\n".repeat(1 << 19);
        let header = "thread 'main' panicked at lib.rs:1:1:\nbegins ";
        let StderrTail::Panic(text) = tail(&[header, &long]) else { panic!("not a panic") };
        assert!(text.starts_with("panicked at lib.rs:1:1: begins x x x"), "{text}");
        assert!(text.ends_with("x... (cut: 1048583 bytes in all)") && text.len() < 5000, "{text}");
    }

    #[test]
    fn escaped_characters_do_not_lengthen_a_text() {
        let controls = "\u{1b}".repeat(3000);
        let header = format!("thread 'main' panicked at {controls}:1:1:\n");
        for parts in [&[header.as_str(), controls.as_str()][..], &[controls.as_str()]] {
            let (StderrTail::Panic(text) | StderrTail::Other(text)) = tail(parts);
            assert!(text.len() < 6000 && text.contains("\\u{1b}\\u{1b}"), "{} bytes", text.len());
        }
    }

    #[test]
    fn a_failed_allocation_is_like_a_panic() {
        let mut text = StderrText::default();
        assert_eq!(text.push(b"memory allocation of 20 bytes failed\n"), 0);
        text.forget_allocation_failure();
        assert_eq!(text.take_panic(), None);
        let failure = "memory allocation of 20 bytes failed";
        assert_eq!(tail(&[failure, "\n"]), StderrTail::Panic(failure.to_owned()));
    }

    #[test]
    fn output_before_a_panic_is_told_apart() {
        let mut text = StderrText::default();
        assert_eq!(text.push(b"a\nthre"), 6);
        assert_eq!(text.push(b"ad 'a' panicked at b:\nc"), 0);
        assert_eq!(text.push(b"d"), 0);
        assert_eq!(text.take_panic().unwrap(), b"thread 'a' panicked at b:\ncd\n");
        text.clear();
        assert_eq!(text.push(b"a\nthread 'a' panicked at b:\nc"), 2);
    }
}
