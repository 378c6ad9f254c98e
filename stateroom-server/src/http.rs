//! The routes of the server.
//!
//! *Invariant:* a plain GET never creates a room.
mod admit;
mod credentials;
pub(crate) mod guard;
mod join;
mod origin;
mod refusal;
mod room_request;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, Request, State},
    routing::{any, get, post},
};
use tower_http::services::ServeDir;

use self::admit::admit;
pub(crate) use self::refusal::HttpRefusal;
use crate::{admission::Access, rooms::registry::RoomRegistry};

/// Returns the routes of a server.
pub(crate) fn router(rooms: Arc<RoomRegistry>) -> Router {
    let settings = rooms.shared().settings();
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
        .route("/http/{room}", any(room_request::root))
        .route("/http/{room}/", any(room_request::root))
        .route("/http/{room}/{*path}", any(room_request::below))
        .route("/new_room", post(new_room))
        .route("/status", get(status))
        .with_state(rooms)
        .merge(files)
}

async fn status() -> &'static str {
    "ok"
}

async fn create_room(
    State(rooms): State<Arc<RoomRegistry>>,
    Path(room_id): Path<String>,
    request: Request,
) -> Result<String, HttpRefusal> {
    admit(rooms.shared(), Access::Create, Some(&room_id), &request.into_parts().0).await?;
    Ok(rooms.create(&room_id)?.id().to_owned())
}

async fn new_room(State(rooms): State<Arc<RoomRegistry>>, request: Request) -> Result<String, HttpRefusal> {
    admit(rooms.shared(), Access::Create, None, &request.into_parts().0).await?;
    Ok(rooms.create_unnamed()?.id().to_owned())
}
