//! The routes of the server.
//!
//! *Invariant:* a plain GET never creates a room.
mod admit;
pub(crate) mod guard;
mod handshake;
mod join;
pub(crate) mod pace;
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

use self::admit::{NotAdmitted, admit};
use crate::{
    admission::Access,
    connections::TooMany,
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
) -> Result<String, Refused> {
    admit(&rooms, Access::Create, Some(&room_id), &request.into_parts().0).await?;
    Ok(rooms.create(&room_id)?.id().to_owned())
}

async fn new_room(State(rooms): State<Arc<Rooms>>, request: Request) -> Result<String, Refused> {
    admit(&rooms, Access::Create, None, &request.into_parts().0).await?;
    Ok(rooms.create_named()?.id().to_owned())
}

/// A request that is answered with an error.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The request itself is wrong.
    Request(String),
    /// Who sends it is not let in.
    Admission(NotAdmitted),
    /// There are too many connections.
    TooMany(TooMany),
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

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Refused::Rooms(refusal)
    }
}

impl From<TooMany> for Refused {
    fn from(refusal: TooMany) -> Self {
        Refused::TooMany(refusal)
    }
}

impl From<NotAdmitted> for Refused {
    fn from(refusal: NotAdmitted) -> Self {
        Refused::Admission(refusal)
    }
}

impl Refused {
    /// The status, the text, and a short name for logs and metrics.
    fn answer(self) -> (StatusCode, String, &'static str) {
        match self {
            Refused::Request(text) => (StatusCode::BAD_REQUEST, text, "request"),
            Refused::Admission(refusal) => match refusal {
                NotAdmitted::Origin(origin) => {
                    (StatusCode::FORBIDDEN, format!("pages of `{origin}` may not come in here"), "origin")
                }
                #[cfg(feature = "jwt")]
                NotAdmitted::Token(error @ crate::admission::jwt::TokenError::Room) => {
                    (StatusCode::FORBIDDEN, error.to_string(), "token")
                }
                #[cfg(feature = "jwt")]
                NotAdmitted::Token(error) => (StatusCode::UNAUTHORIZED, error.to_string(), "token"),
                NotAdmitted::Denied(denied) => {
                    let (status, body) = denied.into_parts();
                    (StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN), body, "denied")
                }
                NotAdmitted::NoAnswer => {
                    let text = "it takes too long to find out whether you may come in";
                    (StatusCode::SERVICE_UNAVAILABLE, text.to_owned(), "hook_time")
                }
            },
            Refused::Unanswered => (StatusCode::NOT_FOUND, "the room does not answer that".to_owned(), "unanswered"),
            Refused::Failed => {
                (StatusCode::SERVICE_UNAVAILABLE, "the room ended before it answered".to_owned(), "failed")
            }
            Refused::Late => (StatusCode::GATEWAY_TIMEOUT, "the room takes too long".to_owned(), "request_time"),
            Refused::TooOften => (StatusCode::TOO_MANY_REQUESTS, "too many requests a second".to_owned(), "too_often"),
            Refused::TooLarge { most } => {
                (StatusCode::PAYLOAD_TOO_LARGE, format!("a body has at most {most} bytes"), "message_bytes")
            }
            Refused::Slow => (StatusCode::REQUEST_TIMEOUT, "the body takes too long".to_owned(), "message_time"),
            Refused::TooMany(TooMany::All) => {
                let text = "the server has as many connections as it may; try again later";
                (StatusCode::SERVICE_UNAVAILABLE, text.to_owned(), "connections")
            }
            Refused::TooMany(TooMany::OfAddress) => {
                let text = "there are as many connections from your address as there may be";
                (StatusCode::TOO_MANY_REQUESTS, text.to_owned(), "address_connections")
            }
            Refused::Rooms(refusal) => {
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

impl IntoResponse for Refused {
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
