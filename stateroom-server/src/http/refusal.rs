//! Every refusal of an HTTP request: the one table of status codes, texts and labels.
use std::time::Duration;

use axum::{
    http::{
        HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONNECTION, RETRY_AFTER, SEC_WEBSOCKET_VERSION, UPGRADE, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};

use super::{admit::AdmissionRefusal, host::RefusedHost};
#[cfg(feature = "jwt")]
use crate::admission::jwt::TokenError;
use crate::{
    permits::PermitRefusal,
    rooms::{Refusal, seconds},
    settings::RoomStrategy,
    websocket::handshake::HandshakeRefusal,
};

/// `Retry-After` in seconds where the time is not known.
const RETRY_AFTER_SECONDS: u64 = 5;

/// The part of a path that names the room of an HTTP request.
const SLASH_HINT: &str = "; in `/http/ROOM/PATH`, a slash in the name of the room is written as `%2F`";

/// The reason that an HTTP request is answered with an error.
#[derive(Debug)]
pub(crate) enum HttpRefusal {
    /// The request is malformed.
    Malformed(String),
    /// The client is not admitted.
    Admission(AdmissionRefusal),
    /// The server does not answer to the host of the request.
    Host(RefusedHost),
    /// There are too many connections.
    Permits(PermitRefusal),
    /// The request is not a WebSocket handshake.
    Handshake(HandshakeRefusal),
    /// The room cannot be joined, called or created.
    Room(Refusal),
    /// The room of a join or a request does not exist.
    NoRoom { strategy: RoomStrategy, hint: &'static str },
    /// The room's service does not answer HTTP requests, or not this one.
    Unanswered,
    /// The room ended before it answered.
    RoomEnded,
    /// The service failed on this request, and the room goes on without it.
    ServiceFailed,
    /// The room did not answer in time.
    RequestTime,
    /// The client's address sends too many requests, for this much longer.
    RequestRate { wait: Duration },
    /// The request body is larger than `limit` bytes.
    BodyTooLarge { limit: usize },
    /// The request body did not arrive in time.
    BodyTime,
}

impl From<Refusal> for HttpRefusal {
    fn from(refusal: Refusal) -> Self {
        HttpRefusal::Room(refusal)
    }
}

impl From<PermitRefusal> for HttpRefusal {
    fn from(refusal: PermitRefusal) -> Self {
        HttpRefusal::Permits(refusal)
    }
}

impl From<AdmissionRefusal> for HttpRefusal {
    fn from(refusal: AdmissionRefusal) -> Self {
        HttpRefusal::Admission(refusal)
    }
}

impl From<HandshakeRefusal> for HttpRefusal {
    fn from(refusal: HandshakeRefusal) -> Self {
        HttpRefusal::Handshake(refusal)
    }
}

impl HttpRefusal {
    /// Returns the refusal of a join under a strategy.
    pub(super) fn of_join(refusal: Refusal, strategy: RoomStrategy) -> Self {
        if refusal == Refusal::NotFound { HttpRefusal::NoRoom { strategy, hint: "" } } else { refusal.into() }
    }

    /// Returns the refusal of an HTTP request to a room under a strategy.
    pub(super) fn of_request(refusal: Refusal, strategy: RoomStrategy) -> Self {
        if refusal == Refusal::NotFound { HttpRefusal::NoRoom { strategy, hint: SLASH_HINT } } else { refusal.into() }
    }

    /// Returns the status, the body, and the label in logs and metrics.
    fn answer(self) -> (StatusCode, String, &'static str) {
        match self {
            HttpRefusal::Malformed(text) => (StatusCode::BAD_REQUEST, text, "request"),
            HttpRefusal::Admission(refusal) => admission_answer(refusal),
            HttpRefusal::Host(refused) => (StatusCode::FORBIDDEN, refused.to_string(), "host"),
            HttpRefusal::Handshake(refusal) => match refusal {
                HandshakeRefusal::UpgradeRequired(text) => {
                    (StatusCode::UPGRADE_REQUIRED, text.to_owned(), "upgrade_required")
                }
                HandshakeRefusal::Malformed(what) => {
                    (StatusCode::BAD_REQUEST, format!("invalid WebSocket handshake: {what}"), "request")
                }
            },
            HttpRefusal::NoRoom { strategy, hint } => {
                let text = format!("{}: {}{hint}", Refusal::NotFound, creation(strategy));
                (StatusCode::NOT_FOUND, text, Refusal::NotFound.label())
            }
            HttpRefusal::Unanswered => {
                (StatusCode::NOT_FOUND, format!("the room does not answer this request{SLASH_HINT}"), "unanswered")
            }
            HttpRefusal::RoomEnded => {
                (StatusCode::SERVICE_UNAVAILABLE, "the room ended before it answered".to_owned(), "failed")
            }
            HttpRefusal::ServiceFailed => {
                (StatusCode::INTERNAL_SERVER_ERROR, "the service failed on this request".to_owned(), "failed")
            }
            HttpRefusal::RequestTime => {
                (StatusCode::GATEWAY_TIMEOUT, "the room did not answer in time".to_owned(), "request_time")
            }
            HttpRefusal::RequestRate { .. } => {
                (StatusCode::TOO_MANY_REQUESTS, "too many requests per second".to_owned(), "too_often")
            }
            HttpRefusal::BodyTooLarge { limit } => {
                (StatusCode::PAYLOAD_TOO_LARGE, format!("the body is larger than {limit} bytes"), "message_bytes")
            }
            HttpRefusal::BodyTime => {
                (StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time".to_owned(), "message_time")
            }
            HttpRefusal::Permits(PermitRefusal::Server) => {
                let text = "the server has reached its limit of connections; try again later";
                (StatusCode::SERVICE_UNAVAILABLE, text.to_owned(), "connections")
            }
            HttpRefusal::Permits(PermitRefusal::Address) => {
                let text = "too many connections from this address";
                (StatusCode::TOO_MANY_REQUESTS, text.to_owned(), "address_connections")
            }
            HttpRefusal::Room(refusal) => {
                let (status, hint) = match refusal {
                    Refusal::NotFound => (StatusCode::NOT_FOUND, ""),
                    Refusal::Exists => (StatusCode::CONFLICT, ""),
                    Refusal::IdEmpty | Refusal::IdTooLong { .. } => (StatusCode::BAD_REQUEST, ""),
                    Refusal::CreatedByName => (StatusCode::BAD_REQUEST, ": POST /ws/NAME"),
                    Refusal::CreatedUnnamed => (StatusCode::BAD_REQUEST, ": POST /new_room"),
                    Refusal::AddressFull | Refusal::AddressRate { .. } => (StatusCode::TOO_MANY_REQUESTS, ""),
                    Refusal::Broken => (StatusCode::INTERNAL_SERVER_ERROR, ""),
                    Refusal::Full
                    | Refusal::RoomFull
                    | Refusal::NoMemory
                    | Refusal::NoStore
                    | Refusal::BackingOff { .. }
                    | Refusal::Stopping => (StatusCode::SERVICE_UNAVAILABLE, ""),
                };
                (status, format!("{refusal}{hint}"), refusal.label())
            }
        }
    }

    /// Returns the time after which a retry can succeed, in seconds, if it is known.
    fn retry_after(&self) -> Option<u64> {
        match self {
            HttpRefusal::Room(refusal) => refusal.retry_after(),
            HttpRefusal::RequestRate { wait } => Some(seconds(*wait)),
            _ => None,
        }
    }
}

/// Returns how a room is created under a strategy.
fn creation(strategy: RoomStrategy) -> &'static str {
    match strategy {
        RoomStrategy::Implicit => "a join, `POST /ws/ROOM`, or a request other than GET and HEAD creates it",
        RoomStrategy::Api => "`POST /ws/ROOM` creates it",
        RoomStrategy::Uuid | RoomStrategy::Short(_) => "`POST /new_room` creates a room and returns its name",
    }
}

fn admission_answer(refusal: AdmissionRefusal) -> (StatusCode, String, &'static str) {
    match refusal {
        AdmissionRefusal::Origin(refused) => (StatusCode::FORBIDDEN, refused.to_string(), "origin"),
        #[cfg(feature = "jwt")]
        AdmissionRefusal::Token(error) => {
            let is_forbidden = matches!(error, TokenError::Room | TokenError::CrossSite);
            let status = if is_forbidden { StatusCode::FORBIDDEN } else { StatusCode::UNAUTHORIZED };
            (status, error.to_string(), "token")
        }
        AdmissionRefusal::Denied(denied) => {
            let (status, body) = denied.into_parts();
            (StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN), body, "denied")
        }
        AdmissionRefusal::HookTime => {
            let text = "the admission check did not complete in time; try again later";
            (StatusCode::SERVICE_UNAVAILABLE, text.to_owned(), "hook_time")
        }
    }
}

impl IntoResponse for HttpRefusal {
    fn into_response(self) -> Response {
        let retry_after = self.retry_after().unwrap_or(RETRY_AFTER_SECONDS);
        let (status, text, reason) = self.answer();
        tracing::debug!(reason, status = status.as_u16(), "request refused");
        ::metrics::counter!("stateroom_refusals_total", "reason" => reason).increment(1);
        let mut response = (status, text + "\n").into_response();
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match status {
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                headers.insert(RETRY_AFTER, retry_after.into());
            }
            StatusCode::UNAUTHORIZED if reason == "token" => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::UPGRADE_REQUIRED => {
                headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
                headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
                headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
            }
            _ => {}
        }
        response
    }
}
