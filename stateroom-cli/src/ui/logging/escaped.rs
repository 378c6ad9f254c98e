//! The format of fields, with what is no printable text escaped.
//!
//! *Invariant:* what guests, clients and files choose cannot control the terminal.
use std::{
    borrow::Cow,
    fmt::{self, Write},
};

use stateroom::printable::escape;
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
