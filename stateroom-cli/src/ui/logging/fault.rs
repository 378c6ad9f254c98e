//! The format of a failed room's service on a terminal: several lines, the service's own functions first.
//!
//! *Invariant:* what a guest chooses, such as the names of its functions, cannot control the terminal.
use std::fmt::{self, Debug};

use stateroom::printable::escape;
use tracing::field::{Field, Visit};
use tracing_subscriber::{
    field::RecordFields,
    fmt::{FormatFields, format::Writer},
};

use super::escaped::format_escaped;
use crate::ui::symbol::crate_of;

/// The field of an event that has a backtrace, one line per frame.
const BACKTRACE: &str = "backtrace";
/// Maximum number of lines for frames.
const MAX_LINES: usize = 16;
/// Crates below every service.
const LIBRARIES: &[&str] = &[
    "alloc",
    "compiler_builtins",
    "core",
    "dlmalloc",
    "hashbrown",
    "panic_abort",
    "std",
    "stateroom",
    "stateroom_wasm",
    "__rustc",
];
/// Functions without a crate below every service: of the C library, of the linker, and of `#[stateroom_wasm]`.
const FUNCTIONS: &[&str] = &[
    "__wasi_proc_exit",
    "_Exit",
    "abort",
    "exit",
    "_initialize",
    "stateroom_batch",
    "stateroom_free",
    "stateroom_hello",
    "stateroom_malloc",
    "stateroom_recv",
    "__assert_fail",
    "memcpy",
    "memmove",
    "memset",
];

/// Formats the fields of events for people.
pub(super) struct PlainFields;

impl<'writer> FormatFields<'writer> for PlainFields {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut found = FaultFields::default();
        fields.record(&mut found);
        let Some(backtrace) = found.backtrace else { return format_escaped(writer, fields) };
        writer.write_str(&found.message)?;
        let (italic, dim, plain) = match writer.has_ansi_escapes() {
            true => ("\x1b[3m", "\x1b[2m", "\x1b[0m"),
            false => ("", "", ""),
        };
        for (name, value) in found.others {
            write!(writer, " {italic}{name}{plain}{dim}={plain}{value}")?;
        }
        describe(&found.message, &backtrace).iter().try_for_each(|line| write!(writer, "\n    {dim}{line}{plain}"))
    }
}

/// The fields of an event that may be a fault.
#[derive(Default)]
struct FaultFields {
    message: String,
    others: Vec<(&'static str, String)>,
    backtrace: Option<String>,
}

impl Visit for FaultFields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            BACKTRACE => self.backtrace = Some(value.to_owned()),
            _ => self.record_debug(field, &value),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => self.message = escape(&format!("{value:?}")).into_owned(),
            name => self.others.push((name, escape(&format!("{value:?}")).into_owned())),
        }
    }
}

/// Returns the lines for a backtrace. `message` is that of the fault.
fn describe(message: &str, backtrace: &str) -> Vec<String> {
    // Notes about what the backtrace lacks.
    let (notes, frames): (Vec<_>, Vec<_>) = backtrace.lines().partition(|line| line.starts_with('('));
    let frames: Vec<_> = frames.into_iter().map(Frame::parse).collect();
    let own: Vec<_> = frames.iter().filter(|frame| !frame.is_of_library()).collect();
    let (is_of_service, shown) = match (own.is_empty(), is_reported_by_library(message)) {
        (false, _) => (true, own),
        (true, true) if !frames.is_empty() => {
            let count = frames.len();
            return vec![format!(
                "all {count} frames are in libraries, with the service's functions inlined: see `--log-format json`"
            )];
        }
        // For example a failure in an initializer of a library.
        (true, _) => (false, frames.iter().collect()),
    };
    let mut lines = Vec::new();
    let mut described = 0;
    for recursion in shown.chunk_by(|one, next| one == next).take(MAX_LINES) {
        let Some(frame) = recursion.first() else { continue };
        described += recursion.len();
        lines.push(match recursion.len() {
            1 => frame.describe(),
            times => format!("{}, {times} times", frame.describe()),
        });
    }
    let place = if is_of_service && described == shown.len() { " in libraries" } else { "" };
    match frames.len() - described {
        0 => {}
        hidden => lines.push(format!("and {hidden} more{place}: see `--log-format json`")),
    }
    if !frames.is_empty() && frames.iter().all(|frame| frame.function.starts_with("<wasm function")) {
        lines.push(
            "if the module is stripped of the names of its functions: build it without `strip = true`, or with \
             `strip = \"debuginfo\"`"
                .to_owned(),
        );
    }
    lines.extend(notes.into_iter().map(str::to_owned));
    lines
}

/// Returns whether a library ended the service and the message says why: a panic, or memory that is used up.
fn is_reported_by_library(message: &str) -> bool {
    ["panicked at ", "memory allocation of ", "limit `memory_bytes`"].iter().any(|part| message.contains(part))
}

/// A frame of a backtrace.
#[derive(PartialEq, Eq)]
struct Frame<'a> {
    function: &'a str,
    location: Option<&'a str>,
}

impl<'a> Frame<'a> {
    /// Parses a line such as `3: 0x1a - counter::add at src/lib.rs:7:5`.
    fn parse(line: &'a str) -> Self {
        let frame = line.split_once("- ").or_else(|| line.split_once(": ")).map_or(line, |(_, frame)| frame);
        match frame.rsplit_once(" at ") {
            Some((function, location)) => Frame { function, location: Some(location) },
            None => Frame { function: frame, location: None },
        }
    }

    fn is_of_library(&self) -> bool {
        match crate_of(self.function) {
            Some(name) => LIBRARIES.contains(&name),
            None => FUNCTIONS.contains(&self.function) || self.function.starts_with("__rust"),
        }
    }

    fn describe(&self) -> String {
        let function = escape(self.function);
        match self.location {
            Some(location) => format!("at {function} ({})", escape(location)),
            None => format!("at {function}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(log: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .compact()
            .without_time()
            .with_target(false)
            .with_ansi(false)
            .fmt_fields(PlainFields)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, log);
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn the_functions_of_the_service_come_first() {
        let backtrace = "0: 0xf790 - abort\n1: 0xb768 - std::process::abort\n2: 0x13fc6 - core::panicking::panic_fmt\n\
                         3: 0xa70 - probe::lookup at src/lib.rs:23:49\n- probe::inlined\n\
                         4: 0x10ac - <probe::Probe as stateroom::service::StateroomService>::message\n\
                         5: 0x359b - stateroom::dispatch::dispatch\n6: 0x1eaf - stateroom_batch";
        let text = logged(|| tracing::error!(room = "a", reason = "trap", backtrace, "failed: {}", "panicked"));
        assert_eq!(
            text,
            "ERROR failed: panicked room=\"a\" reason=\"trap\"\n    at probe::lookup (src/lib.rs:23:49)\n    \
             at probe::inlined\n    at <probe::Probe as stateroom::service::StateroomService>::message\n    \
             and 5 more in libraries: see `--log-format json`\n"
        );
    }

    #[test]
    fn all_frames_are_shown_if_none_is_the_services() {
        assert_eq!(describe("exited", "0: 0x1 - core::f\n1: 0x2 - abort"), ["at core::f", "at abort"]);
        assert_eq!(describe("", "0: a::f\n1: 0x2 - a::f\n2: 0x2 - a::g"), ["at a::f, 2 times", "at a::g"]);
        assert_eq!(describe("", "0: a::f\n(3 more lines)"), ["at a::f", "(3 more lines)"]);
        assert_eq!(describe("", ""), Vec::<String>::new());
    }

    #[test]
    fn frames_in_libraries_are_counted_if_the_message_has_the_place() {
        let backtrace = "0: 0x1 - abort\n1: 0x2 - core::panicking::panic_fmt\n\
                         2: 0x3 - stateroom_wasm::guest::Guest<S>::handle\n3: 0x4 - stateroom_batch";
        for message in ["the service failed: panicked at src/lib.rs:1:1: no", "needed more (limit `memory_bytes`: ..)"]
        {
            let lines = describe(message, backtrace);
            assert_eq!(lines.len(), 1, "{lines:?}");
            assert!(lines[0].starts_with("all 4 frames are in libraries"), "{lines:?}");
        }
    }

    #[test]
    fn functions_without_a_name_are_shown_with_advice() {
        let lines = describe("", "0: 0x1 - <wasm function 3>\n1: 0x2 - <wasm function 4>");
        assert_eq!(lines[..2], ["at <wasm function 3>", "at <wasm function 4>"]);
        assert!(lines[2].contains("strip"), "{lines:?}");
    }

    #[test]
    fn frames_that_are_left_out_are_counted() {
        let service: Vec<_> = (0..20).map(|number| format!("{number}: 0x1 - a::f{number}")).collect();
        let lines = describe("", &(service.join("\n") + "\n20: 0x1 - core::f"));
        assert_eq!((lines.len(), &*lines[16]), (17, "and 5 more: see `--log-format json`"));
    }

    #[test]
    fn control_characters_are_escaped() {
        let text = logged(|| tracing::error!(backtrace = "0: 0x1 - a\x1b[2Jb", "line\n\x1b[2J"));
        assert_eq!(text, "ERROR line\n\\u{1b}[2J\n    at a\\u{1b}[2Jb\n");
    }

    #[test]
    fn marks_that_reorder_text_are_escaped() {
        let text = logged(|| tracing::warn!(room = "a\u{202e}b", module = %"\u{2066}c", "d\u{200f}\u{9b}e"));
        assert_eq!(text, " WARN d\\u{200f}\\u{9b}e room=\"a\\u{202e}b\" module=\\u{2066}c\n");
    }

    #[test]
    fn other_events_are_formatted_as_usual() {
        let backtrace: Option<&str> = None;
        assert_eq!(logged(|| tracing::info!(room = "a", backtrace, "hello")), " INFO hello room=\"a\"\n");
    }
}
