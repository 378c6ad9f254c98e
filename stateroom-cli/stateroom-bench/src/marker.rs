//! The mark by which a message is known again, whatever a service puts around it.
//!
//! It is a text that survives JSON, HTML and a URL: `stateroom-bench-RUN-CONNECTION-NUMBER-TIME.`, in decimals.
use std::fmt;

const PREFIX: &str = "stateroom-bench-";
/// What fills a message up to its size.
const FILLER: &str = "the quick brown fox jumps over the lazy dog ";

/// Which message it is, and when it was meant to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marker {
    /// Tells apart those who measure at the same time.
    pub(crate) run: u32,
    /// Who sent it.
    pub(crate) connection: u32,
    /// Counts what it sent.
    pub(crate) number: u64,
    /// In nanoseconds since the run began.
    pub(crate) intended: u64,
}

impl Marker {
    /// All that are in a text.
    pub(crate) fn find(text: &str) -> impl Iterator<Item = Marker> {
        text.split(PREFIX).skip(1).filter_map(Marker::parse)
    }

    fn parse(text: &str) -> Option<Marker> {
        // The longest number has 20 digits; there are four.
        let mark = text.get(..text.bytes().take(84).position(|byte| byte == b'.')?)?;
        let mut fields = mark.split('-');
        let marker = Marker {
            run: fields.next()?.parse().ok()?,
            connection: fields.next()?.parse().ok()?,
            number: fields.next()?.parse().ok()?,
            intended: fields.next()?.parse().ok()?,
        };
        fields.next().is_none().then_some(marker)
    }

    /// A message of that many bytes with the mark in front, or of the mark alone.
    pub(crate) fn message(&self, size: usize) -> String {
        let mut text = String::with_capacity(size.max(64));
        text.push_str(&self.to_string());
        while text.len() < size {
            text.push_str(FILLER);
        }
        text.truncate(size.max(self.to_string().len()));
        text
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
    fn a_message_is_known_again_whatever_is_around_it() {
        for size in [0, 64, 1000] {
            let message = MARKER.message(size);
            assert_eq!(message.len(), size.max(MARKER.to_string().len()));
            for text in [message.clone(), format!("{{\"said\":\"{message}\",\"by\":\"stateroom-bench-\"}}")] {
                assert_eq!(Marker::find(&text).collect::<Vec<_>>(), [MARKER]);
            }
        }
    }

    #[test]
    fn several_may_come_at_once() {
        let other = Marker { number: u64::MAX, intended: u64::MAX, run: u32::MAX, ..MARKER };
        assert_eq!(Marker::find(&format!("[{MARKER},{other}]")).collect::<Vec<_>>(), [MARKER, other]);
    }

    #[test]
    fn what_is_no_mark_is_none() {
        for text in
            ["", "hello", PREFIX, "stateroom-bench-1-2-3.", "stateroom-bench-1-2-3-4", "stateroom-bench-1-2-3-x."]
        {
            assert_eq!(Marker::find(text).count(), 0, "{text}");
        }
        assert_eq!(Marker::find("stateroom-bench-1-2-3-4-5.").count(), 0);
        assert_eq!(Marker::find("stateroom-bench-ä1-2-3-4.").count(), 0);
    }
}
