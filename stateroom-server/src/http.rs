//! The routes of the server.
//!
//! *Invariant:* a plain GET never creates a room.
mod admit;
mod join;
mod request;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, Request, State},
    http::{
        HeaderValue, StatusCode,
        header::{RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use tower_http::services::ServeDir;

use self::admit::{AdmissionRefusal, admit};
use crate::{
    admission::Access,
    permits::PermitRefusal,
    rooms::{Refusal, Rooms},
};

/// The routes of a server of these rooms.
pub(crate) fn router(rooms: Arc<Rooms>) -> Router {
    let settings = rooms.settings();
    let mut files = Router::new();
    if let Some(path) = &settings.client_path {
        files = files.nest_service("/client", ServeDir::new(path).redirect_path_prefix("/client"));
    }
    files = match &settings.static_path {
        Some(path) => files.fallback_service(ServeDir::new(path)),
        None => files.route("/", get(status)),
    };
    Router::new()
        .route("/ws", get(join::default_room))
        .route("/ws/{room}", get(join::room).post(create_room))
        .route("/http/{room}", any(request::root))
        .route("/http/{room}/", any(request::root))
        .route("/http/{room}/{*path}", any(request::below))
        .route("/new_room", post(new_room))
        .route("/status", get(status))
        .with_state(rooms)
        .merge(files)
}

async fn status() -> &'static str {
    "ok"
}

async fn create_room(
    State(rooms): State<Arc<Rooms>>,
    Path(room_id): Path<String>,
    request: Request,
) -> Result<String, HttpRefusal> {
    admit(&rooms, Access::Create, Some(&room_id), &request.into_parts().0).await?;
    Ok(rooms.create(&room_id)?.id().to_owned())
}

async fn new_room(State(rooms): State<Arc<Rooms>>, request: Request) -> Result<String, HttpRefusal> {
    admit(&rooms, Access::Create, None, &request.into_parts().0).await?;
    Ok(rooms.create_named()?.id().to_owned())
}

/// A request that is answered with an error.
#[derive(Debug)]
pub(crate) enum HttpRefusal {
    /// The request itself is wrong.
    Request(String),
    /// Who sends it is not let in.
    Admission(AdmissionRefusal),
    /// There are too many connections.
    Permits(PermitRefusal),
    /// The rooms say no.
    Rooms(Refusal),
    /// The room does not answer requests, or not this one.
    Unanswered,
    /// The room has ended before it answered.
    Failed,
    /// The room takes too long to answer.
    Late,
    /// More requests come from its address than may.
    TooOften,
    /// The body is too large.
    TooLarge { most: usize },
    /// The body takes too long.
    Slow,
}

impl From<Refusal> for HttpRefusal {
    fn from(refusal: Refusal) -> Self {
        HttpRefusal::Rooms(refusal)
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

impl HttpRefusal {
    /// The status, the text, and a short name for logs and metrics.
    fn answer(self) -> (StatusCode, String, &'static str) {
        match self {
            HttpRefusal::Request(text) => (StatusCode::BAD_REQUEST, text, "request"),
            HttpRefusal::Admission(refusal) => match refusal {
                AdmissionRefusal::Origin(origin) => {
                    (StatusCode::FORBIDDEN, format!("pages of `{origin}` may not come in here"), "origin")
                }
                #[cfg(feature = "jwt")]
                AdmissionRefusal::Token(error @ crate::admission::jwt::TokenError::Room) => {
                    (StatusCode::FORBIDDEN, error.to_string(), "token")
                }
                #[cfg(feature = "jwt")]
                AdmissionRefusal::Token(error) => (StatusCode::UNAUTHORIZED, error.to_string(), "token"),
                AdmissionRefusal::Denied(denied) => {
                    let (status, body) = denied.into_parts();
                    (StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN), body, "denied")
                }
                AdmissionRefusal::NoAnswer => {
                    let text = "it takes too long to find out whether you may come in";
                    (StatusCode::SERVICE_UNAVAILABLE, text.to_owned(), "hook_time")
                }
            },
            HttpRefusal::Unanswered => {
                (StatusCode::NOT_FOUND, "the room does not answer that".to_owned(), "unanswered")
            }
            HttpRefusal::Failed => {
                (StatusCode::SERVICE_UNAVAILABLE, "the room ended before it answered".to_owned(), "failed")
            }
            HttpRefusal::Late => (StatusCode::GATEWAY_TIMEOUT, "the room takes too long".to_owned(), "request_time"),
            HttpRefusal::TooOften => {
                (StatusCode::TOO_MANY_REQUESTS, "too many requests a second".to_owned(), "too_often")
            }
            HttpRefusal::TooLarge { most } => {
                (StatusCode::PAYLOAD_TOO_LARGE, format!("a body has at most {most} bytes"), "message_bytes")
            }
            HttpRefusal::Slow => (StatusCode::REQUEST_TIMEOUT, "the body takes too long".to_owned(), "message_time"),
            HttpRefusal::Permits(PermitRefusal::Server) => {
                let text = "the server has as many connections as it may; try again later";
                (StatusCode::SERVICE_UNAVAILABLE, text.to_owned(), "connections")
            }
            HttpRefusal::Permits(PermitRefusal::Address) => {
                let text = "there are as many connections from your address as there may be";
                (StatusCode::TOO_MANY_REQUESTS, text.to_owned(), "address_connections")
            }
            HttpRefusal::Rooms(refusal) => {
                let (status, hint) = match refusal {
                    Refusal::NotFound => (StatusCode::NOT_FOUND, ""),
                    Refusal::Exists => (StatusCode::CONFLICT, ""),
                    Refusal::IdEmpty | Refusal::IdTooLong { .. } => (StatusCode::BAD_REQUEST, ""),
                    Refusal::CreatedByName => (StatusCode::BAD_REQUEST, ": POST /ws/NAME"),
                    Refusal::CreatedUnnamed => (StatusCode::BAD_REQUEST, ": POST /new_room"),
                    Refusal::Full | Refusal::RoomFull | Refusal::BackingOff | Refusal::Stopping => {
                        (StatusCode::SERVICE_UNAVAILABLE, "")
                    }
                };
                (status, format!("{refusal}{hint}"), refusal.label())
            }
        }
    }
}

impl IntoResponse for HttpRefusal {
    fn into_response(self) -> Response {
        let (status, text, reason) = self.answer();
        tracing::debug!(reason, status = status.as_u16(), "a request is refused");
        ::metrics::counter!("stateroom_refusals_total", "reason" => reason).increment(1);
        let mut response = (status, text + "\n").into_response();
        let headers = response.headers_mut();
        match status {
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
            }
            StatusCode::UNAUTHORIZED if reason == "token" => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            _ => {}
        }
        response
    }
}
