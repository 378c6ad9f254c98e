//! The routes of the server.
//!
//! *Invariant:* a plain GET never creates a room.
mod handshake;
mod join;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tower_http::services::ServeDir;

use crate::rooms::{Refusal, Rooms};

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
        .route("/new_room", post(new_room))
        .route("/status", get(status))
        .with_state(rooms)
        .merge(files)
}

async fn status() -> &'static str {
    "ok"
}

async fn create_room(State(rooms): State<Arc<Rooms>>, Path(room_id): Path<String>) -> Result<String, Refused> {
    Ok(rooms.create(&room_id)?.id().to_owned())
}

async fn new_room(State(rooms): State<Arc<Rooms>>) -> Result<String, Refused> {
    Ok(rooms.create_named()?.id().to_owned())
}

/// A request that is answered with an error.
enum Refused {
    /// The request itself is wrong.
    Request(String),
    /// The rooms say no.
    Rooms(Refusal),
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Refused::Rooms(refusal)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, text) = match self {
            Refused::Request(text) => (StatusCode::BAD_REQUEST, text),
            Refused::Rooms(refusal) => {
                let (status, hint) = match refusal {
                    Refusal::NotFound => (StatusCode::NOT_FOUND, ""),
                    Refusal::Exists => (StatusCode::CONFLICT, ""),
                    Refusal::IdEmpty | Refusal::IdTooLong { .. } => (StatusCode::BAD_REQUEST, ""),
                    Refusal::CreatedByName => (StatusCode::BAD_REQUEST, ": POST /ws/NAME"),
                    Refusal::CreatedUnnamed => (StatusCode::BAD_REQUEST, ": POST /new_room"),
                    Refusal::Full | Refusal::BackingOff | Refusal::Stopping => (StatusCode::SERVICE_UNAVAILABLE, ""),
                };
                (status, format!("{refusal}{hint}"))
            }
        };
        let mut response = (status, text + "\n").into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}
