//! The format of fields, with what is no printable text escaped.
//!
//! *Invariant:* what guests, clients and files choose cannot control the terminal.
use std::{
    borrow::Cow,
    fmt::{self, Write},
    io, str,
};

use stateroom::printable::{escape, is_special};
use tracing_subscriber::{
    field::RecordFields,
    fmt::{
        FormatFields,
        format::{DefaultFields, Writer},
    },
};

/// Formats fields as usual, with what is no printable text escaped.
pub(super) fn format_escaped<R: RecordFields>(writer: Writer<'_>, fields: R) -> fmt::Result {
    if !writer.has_ansi_escapes() {
        return DefaultFields::new().format_fields(Writer::new(&mut Escaping(writer)), fields);
    }
    // Styles are escapes, too: special text is shown without them.
    let mut plain = String::new();
    DefaultFields::new().format_fields(Writer::new(&mut plain), &fields)?;
    match escape(&plain) {
        Cow::Borrowed(_) => DefaultFields::new().format_fields(writer, fields),
        Cow::Owned(escaped) => Escaping(writer).write_str(&escaped),
    }
}

/// A writer that escapes.
struct Escaping<'writer>(Writer<'writer>);

impl Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write_str(&escape(text))
    }
}

/// A writer of lines of JSON, in whose strings it escapes what JSON leaves as it is.
pub(super) struct EscapedJson<W>(pub(super) W);

impl<W: io::Write> io::Write for EscapedJson<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match str::from_utf8(bytes) {
            // Such characters are only in strings.
            Ok(text) if text.contains(is_special) => {
                let mut escaped = String::with_capacity(text.len() + 16);
                for character in text.chars() {
                    match character {
                        special if is_special(special) => {
                            for unit in special.encode_utf16(&mut [0; 2]) {
                                escaped.push_str(&format!("\\u{unit:04x}"));
                            }
                        }
                        other => escaped.push(other),
                    }
                }
                self.0.write_all(escaped.as_bytes())?;
            }
            _ => self.0.write_all(bytes)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn json_has_the_same_meaning_without_special_characters() {
        let value = "a\u{202e}b\u{9b}c\u{e0041}\n\u{1b}é";
        let mut line = Vec::new();
        EscapedJson(&mut line).write_all(format!("{}\n", serde_json::json!({ "x": value })).as_bytes()).unwrap();
        let line = String::from_utf8(line).unwrap();
        assert!(!line.contains(is_special), "{line:?}");
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read, serde_json::json!({ "x": value }));
    }
}
