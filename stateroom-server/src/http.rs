//! The routes of the server.
//!
//! *Invariant:* a plain GET never creates a room.
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
    check_room_id(&rooms, &room_id)?;
    Ok(rooms.create(&room_id)?.to_string())
}

async fn new_room(State(rooms): State<Arc<Rooms>>) -> Result<String, Refused> {
    Ok(rooms.create_named()?.to_string())
}

fn check_room_id(rooms: &Rooms, room_id: &str) -> Result<(), Refused> {
    let most = rooms.settings().limits.room_id_bytes;
    if room_id.len() > most {
        return Err(Refused::Request(format!("a room id has at most {most} bytes")));
    }
    Ok(())
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
            Refused::Request(text) => return (StatusCode::BAD_REQUEST, text + "\n").into_response(),
            Refused::Rooms(Refusal::NotFound) => (StatusCode::NOT_FOUND, "there is no such room\n"),
            Refused::Rooms(Refusal::Exists) => (StatusCode::CONFLICT, "there is such a room already\n"),
            Refused::Rooms(Refusal::CreatedByName) => {
                (StatusCode::BAD_REQUEST, "rooms are created with POST /ws/NAME on this server\n")
            }
            Refused::Rooms(Refusal::CreatedUnnamed) => {
                (StatusCode::BAD_REQUEST, "rooms are created with POST /new_room on this server\n")
            }
            Refused::Rooms(Refusal::Full) => (StatusCode::SERVICE_UNAVAILABLE, "there is no place for another room\n"),
            Refused::Rooms(Refusal::BackingOff) => {
                (StatusCode::SERVICE_UNAVAILABLE, "the room keeps failing; try again later\n")
            }
            Refused::Rooms(Refusal::Stopping) => (StatusCode::SERVICE_UNAVAILABLE, "the server is stopping\n"),
        };
        let mut response = (status, text).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}
