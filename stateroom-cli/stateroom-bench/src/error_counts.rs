//! Counts of connections that failed to open or were lost, by reason.
use std::{cmp::Reverse, collections::BTreeMap, fmt, io};

use serde::Serialize;
use tokio_tungstenite::tungstenite::{
    Error,
    error::{CapacityError, ProtocolError},
    http::Response,
    protocol::CloseFrame,
};

use crate::format::{format_bytes, truncate};

const CLOSED_WITHOUT_FRAME: &str = "connection closed without a close frame";
/// Code for a close frame that contains none.
const NO_STATUS: u16 = 1005;

/// Counts of connections that failed to open or were lost, by reason.
#[derive(Debug, Default, Clone)]
pub(crate) struct ErrorCounts {
    connect_failures: BTreeMap<String, u64>,
    disconnects: BTreeMap<DisconnectReason, u64>,
}

/// Reason why the server ended a connection, or why it was lost.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct DisconnectReason {
    /// Close code, 1005 if the close frame has none. `None` if there was no close frame.
    pub code: Option<u16>,
    /// Reason in the close frame, or the error.
    pub reason: String,
}

impl DisconnectReason {
    /// Returns the reason of a connection that the server closed.
    pub(crate) fn closed(frame: Option<CloseFrame>) -> Self {
        match frame {
            Some(frame) => DisconnectReason { code: Some(frame.code.into()), reason: truncate(&frame.reason) },
            None => DisconnectReason { code: Some(NO_STATUS), reason: String::new() },
        }
    }

    /// Returns the reason of a connection that ended without a close frame.
    pub(crate) fn lost(error: Option<Error>) -> Self {
        let reason = error.map_or_else(|| CLOSED_WITHOUT_FRAME.to_owned(), |error| explain(&error));
        DisconnectReason { code: None, reason }
    }
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(code) = self.code else { return formatter.write_str(&self.reason) };
        match code {
            NO_STATUS => formatter.write_str("closed without a code")?,
            code => write!(formatter, "closed with code {code}")?,
        }
        if self.reason.is_empty() { Ok(()) } else { write!(formatter, ": {}", self.reason) }
    }
}

impl ErrorCounts {
    /// Counts a connection that failed to open.
    pub(crate) fn count_connect_failure(&mut self, reason: String) {
        *self.connect_failures.entry(reason).or_default() += 1;
    }

    /// Counts a connection that the server ended or that was lost.
    pub(crate) fn count_disconnect(&mut self, reason: DisconnectReason) {
        *self.disconnects.entry(reason).or_default() += 1;
    }

    /// Returns the reasons why connections failed to open, the most frequent first.
    pub(crate) fn connect_failures(&self) -> Vec<(&str, u64)> {
        most_frequent_first(self.connect_failures.iter().map(|(reason, count)| (reason.as_str(), *count)))
    }

    /// Returns the reasons why connections ended, the most frequent first.
    pub(crate) fn disconnects(&self) -> Vec<(&DisconnectReason, u64)> {
        most_frequent_first(self.disconnects.iter().map(|(reason, count)| (reason, *count)))
    }

    /// Returns the number of connections that failed to open or ended.
    pub(crate) fn total(&self) -> u64 {
        self.connect_failures.values().chain(self.disconnects.values()).sum()
    }
}

fn most_frequent_first<T>(counts: impl Iterator<Item = (T, u64)>) -> Vec<(T, u64)> {
    let mut counts: Vec<_> = counts.collect();
    counts.sort_by_key(|(_, count)| Reverse(*count));
    counts
}

/// Describes an error of a WebSocket.
pub(crate) fn explain(error: &Error) -> String {
    match error {
        Error::Http(response) => explain_rejection(response),
        Error::Io(error) => explain_io(error),
        Error::ConnectionClosed | Error::AlreadyClosed => CLOSED_WITHOUT_FRAME.to_owned(),
        Error::Capacity(CapacityError::MessageTooLong { max_size, .. }) => {
            format!("the server sent a message longer than the limit of {}", format_bytes(*max_size as u64))
        }
        Error::Protocol(ProtocolError::HttparseError(_)) => {
            "the response is not HTTP; if the server requires TLS, use https or wss".to_owned()
        }
        Error::Protocol(ProtocolError::HandshakeIncomplete) => {
            "connection closed before the handshake completed".to_owned()
        }
        error => truncate(&error.to_string()),
    }
}

/// Describes an error of a TCP or TLS connection.
pub(crate) fn explain_io(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused: no server is listening on this port".to_owned(),
        io::ErrorKind::AddrNotAvailable => "this machine has no free ports left for outgoing connections".to_owned(),
        _ => truncate(&error.to_string()),
    }
}

/// Describes the HTTP response to a rejected handshake, with a hint.
fn explain_rejection(response: &Response<Option<Vec<u8>>>) -> String {
    let status = response.status();
    let body = String::from_utf8_lossy(response.body().as_deref().unwrap_or_default()).into_owned();
    let body = truncate(body.trim());
    let hint = match status.as_u16() {
        200..=299 => " (no WebSocket at this path)",
        300..=399 => " (redirects are not followed)",
        401 => " (a token is required: add ?access_token=TOKEN to the URL)",
        403 => " (the server does not admit this origin or token)",
        404 => " (the path is wrong, or the room does not exist and the server does not create it)",
        _ => "",
    };
    let colon = if body.is_empty() { "" } else { ": " };
    format!("HTTP {status}{colon}{body}{hint}")
}

#[cfg(test)]
mod tests {
    use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

    use super::*;

    fn rejection(status: u16, body: &str) -> String {
        explain(&Error::Http(Box::new(Response::builder().status(status).body(Some(body.into())).unwrap())))
    }

    #[test]
    fn explains_rejections_with_body_and_hint() {
        let unauthorized = rejection(401, "a token is missing\n");
        assert!(unauthorized.starts_with("HTTP 401 Unauthorized: a token is missing ("), "{unauthorized}");
        assert!(unauthorized.contains("access_token"), "{unauthorized}");
        assert!(rejection(404, "").contains("the room does not exist"));
        assert_eq!(rejection(503, "the room is full"), "HTTP 503 Service Unavailable: the room is full");
        assert!(explain(&Error::Io(io::ErrorKind::ConnectionRefused.into())).contains("no server is listening"));
    }

    #[test]
    fn most_frequent_reason_comes_first() {
        let mut counts = ErrorCounts::default();
        let closed = DisconnectReason::closed(Some(CloseFrame { code: CloseCode::Again, reason: "too slow".into() }));
        counts.count_disconnect(DisconnectReason::closed(None));
        counts.count_disconnect(closed.clone());
        counts.count_disconnect(closed.clone());
        counts.count_connect_failure("no".to_owned());
        assert_eq!(counts.disconnects().first(), Some(&(&closed, 2)));
        assert_eq!((closed.code, counts.total()), (Some(1013), 4));
        assert_eq!(closed.to_string(), "closed with code 1013: too slow");
    }
}
