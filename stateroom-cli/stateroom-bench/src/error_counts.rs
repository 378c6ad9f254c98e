//! What went wrong with connections: those that were refused, and those that did not last.
use std::{collections::BTreeMap, fmt, io};

use serde::Serialize;
use tokio_tungstenite::tungstenite::{
    Error,
    error::{CapacityError, ProtocolError},
    http::Response,
    protocol::CloseFrame,
};

use super::unexpected_messages::cut;
use crate::quantity::bytes_text;

/// What went wrong, and how often.
#[derive(Debug, Default, Clone)]
pub(crate) struct ErrorCounts {
    refused: BTreeMap<String, u64>,
    ended: BTreeMap<DisconnectReason, u64>,
}

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct DisconnectReason {
    /// The code it was closed with, if it was.
    pub(crate) code: Option<u16>,
    pub(crate) reason: String,
}

impl DisconnectReason {
    /// Closed by the server.
    pub(crate) fn closed(frame: Option<CloseFrame>) -> Self {
        match frame {
            Some(frame) => DisconnectReason { code: Some(frame.code.into()), reason: cut(&frame.reason) },
            None => DisconnectReason { code: Some(1005), reason: String::new() },
        }
    }

    /// Not closed, but gone.
    pub(crate) fn broken(error: Option<Error>) -> Self {
        let reason = error.map_or_else(|| "the connection ended without a close".to_owned(), |error| explain(&error));
        DisconnectReason { code: None, reason }
    }
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let colon = if self.reason.is_empty() || self.code.is_none() { "" } else { ": " };
        match self.code {
            Some(1005) => formatter.write_str("closed without a code")?,
            Some(code) => write!(formatter, "closed with {code}")?,
            None => {}
        }
        write!(formatter, "{colon}{}", self.reason)
    }
}

impl ErrorCounts {
    /// A connection could not be opened.
    pub(crate) fn refuse(&mut self, why: String) {
        *self.refused.entry(why).or_default() += 1;
    }

    /// A connection ended by itself.
    pub(crate) fn end(&mut self, end: DisconnectReason) {
        *self.ended.entry(end).or_default() += 1;
    }

    /// Why connections could not be opened, most often first.
    pub(crate) fn refused(&self) -> Vec<(&str, u64)> {
        most_first(self.refused.iter().map(|(why, count)| (why.as_str(), *count)))
    }

    /// How connections ended, most often first.
    pub(crate) fn ended(&self) -> Vec<(&DisconnectReason, u64)> {
        most_first(self.ended.iter().map(|(end, count)| (end, *count)))
    }

    /// How many connections there is something to say about.
    pub(crate) fn count(&self) -> u64 {
        self.refused.values().chain(self.ended.values()).sum()
    }
}

fn most_first<T>(counted: impl Iterator<Item = (T, u64)>) -> Vec<(T, u64)> {
    let mut all: Vec<_> = counted.collect();
    all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    all
}

/// What an error means to whoever measures.
pub(crate) fn explain(error: &Error) -> String {
    match error {
        Error::Http(response) => refusal(response),
        Error::Io(error) => explain_io(error),
        Error::ConnectionClosed | Error::AlreadyClosed => "the connection ended without a close".to_owned(),
        Error::Capacity(CapacityError::MessageTooLong { max_size, .. }) => {
            format!(
                "the server sent a message of more than {}, which is all that is taken",
                bytes_text(*max_size as u64)
            )
        }
        Error::Protocol(ProtocolError::HttparseError(_)) => {
            "what answers there speaks no HTTP; if it is TLS, write https or wss".to_owned()
        }
        Error::Protocol(ProtocolError::HandshakeIncomplete) => "the connection was ended without an answer".to_owned(),
        error => cut(&error.to_string()),
    }
}

/// The same, of a connection that is no WebSocket yet.
pub(crate) fn explain_io(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused: nobody listens there".to_owned(),
        io::ErrorKind::AddrNotAvailable => "no free port is left on this machine to connect from".to_owned(),
        _ => cut(&error.to_string()),
    }
}

/// What the server answered in place of a WebSocket, and what to do about it.
fn refusal(response: &Response<Option<Vec<u8>>>) -> String {
    let status = response.status();
    let body = String::from_utf8_lossy(response.body().as_deref().unwrap_or_default()).into_owned();
    let said = cut(body.trim());
    let hint = match status.as_u16() {
        200..=299 => " (no WebSocket is spoken there)",
        300..=399 => " (redirects are not followed)",
        401 => " (a token is needed: add ?access_token=TOKEN to the URL)",
        403 => " (this origin or token may not come in)",
        404 => " (no such path, or no such room and the server does not create it)",
        _ => "",
    };
    let colon = if said.is_empty() { "" } else { ": " };
    format!("HTTP {status}{colon}{said}{hint}")
}

#[cfg(test)]
mod tests {
    use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

    use super::*;

    fn http(status: u16, body: &str) -> String {
        explain(&Error::Http(Box::new(Response::builder().status(status).body(Some(body.into())).unwrap())))
    }

    #[test]
    fn a_refusal_says_what_the_server_said_and_what_to_do() {
        let token = http(401, "a token is missing\n");
        assert!(token.starts_with("HTTP 401 Unauthorized: a token is missing (") && token.contains("access_token"));
        assert!(http(404, "").contains("no such room"));
        assert_eq!(http(503, "the room is full"), "HTTP 503 Service Unavailable: the room is full");
        assert!(explain(&Error::Io(io::ErrorKind::ConnectionRefused.into())).contains("nobody listens"));
    }

    #[test]
    fn what_happens_most_often_comes_first() {
        let mut errors = ErrorCounts::default();
        let closed = DisconnectReason::closed(Some(CloseFrame { code: CloseCode::Again, reason: "too slow".into() }));
        errors.end(DisconnectReason::closed(None));
        errors.end(closed.clone());
        errors.end(closed.clone());
        errors.refuse("no".to_owned());
        assert_eq!(errors.ended().first(), Some(&(&closed, 2)));
        assert_eq!((closed.code, errors.count()), (Some(1013), 4));
    }
}
