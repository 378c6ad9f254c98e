//! The marker that identifies a message in whatever a service sends back.
//!
//! *Invariant:* a marker survives JSON, HTML and URLs unchanged: `stateroom-bench-RUN-CONNECTION-NUMBER-TIME.`, in decimals.
use std::fmt;

const PREFIX: &str = "stateroom-bench-";
/// Maximum length of what follows the prefix: four numbers of up to 20 digits, each with a separator.
const MAX_LENGTH: usize = 84;
/// Text that fills a message up to its size.
const FILLER: &str = "the quick brown fox jumps over the lazy dog ";

/// Identity of a message, and the time at which it was scheduled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marker {
    /// Identifies the run among others against the same server.
    pub(crate) run: u32,
    /// Connection that sent the message.
    pub(crate) connection: u32,
    /// Number of the message on its connection, from 1.
    pub(crate) number: u64,
    /// Time at which the message was scheduled to be sent, in nanoseconds since the run began.
    pub(crate) intended: u64,
}

impl Marker {
    /// Returns all markers in a text.
    pub(crate) fn find(text: &str) -> impl Iterator<Item = Marker> {
        text.split(PREFIX).skip(1).filter_map(Marker::parse)
    }

    fn parse(text: &str) -> Option<Marker> {
        let text = text.get(..text.bytes().take(MAX_LENGTH).position(|byte| byte == b'.')?)?;
        let mut fields = text.split('-');
        let marker = Marker {
            run: fields.next()?.parse().ok()?,
            connection: fields.next()?.parse().ok()?,
            number: fields.next()?.parse().ok()?,
            intended: fields.next()?.parse().ok()?,
        };
        fields.next().is_none().then_some(marker)
    }

    /// Returns a message of `size` bytes that begins with the marker, or the marker if that is longer.
    pub(crate) fn message(&self, size: usize) -> String {
        let marker = self.to_string();
        let size = size.max(marker.len());
        let mut message = String::with_capacity(size + FILLER.len());
        message.push_str(&marker);
        while message.len() < size {
            message.push_str(FILLER);
        }
        message.truncate(size);
        message
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Marker { run, connection, number, intended } = self;
        write!(formatter, "{PREFIX}{run}-{connection}-{number}-{intended}.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKER: Marker = Marker { run: 1, connection: 2, number: 3, intended: 4 };

    #[test]
    fn finds_the_marker_inside_other_text() {
        for size in [0, 64, 1000] {
            let message = MARKER.message(size);
            assert_eq!(message.len(), size.max(MARKER.to_string().len()));
            for text in [message.clone(), format!("{{\"text\":\"{message}\",\"from\":\"stateroom-bench-\"}}")] {
                assert_eq!(Marker::find(&text).collect::<Vec<_>>(), [MARKER]);
            }
        }
    }

    #[test]
    fn finds_several_markers_in_one_text() {
        let other = Marker { number: u64::MAX, intended: u64::MAX, run: u32::MAX, ..MARKER };
        assert_eq!(Marker::find(&format!("[{MARKER},{other}]")).collect::<Vec<_>>(), [MARKER, other]);
    }

    #[test]
    fn ignores_malformed_markers() {
        for text in
            ["", "hello", PREFIX, "stateroom-bench-1-2-3.", "stateroom-bench-1-2-3-4", "stateroom-bench-1-2-3-x."]
        {
            assert_eq!(Marker::find(text).count(), 0, "{text}");
        }
        assert_eq!(Marker::find("stateroom-bench-1-2-3-4-5.").count(), 0);
        assert_eq!(Marker::find("stateroom-bench-ä1-2-3-4.").count(), 0);
    }
}
