//! The routes of the server.
//!
//! *Invariant:* a plain GET never creates a room.
mod admit;
mod cors;
mod credentials;
mod files;
pub(crate) mod guard;
mod join;
mod origin;
mod refusal;
mod response_headers;
mod room_path;
mod room_request;
mod unmatched;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::header::CACHE_CONTROL,
    response::IntoResponse,
    routing::{any, get, post},
};

use self::{admit::admit, room_path::SocketPath};
pub(crate) use self::{cors::share_with_allowed_origins, refusal::HttpRefusal, unmatched::explain};
pub use self::{files::is_hidden_file, response_headers::is_reserved_response_header};
use crate::{admission::Access, rooms::registry::RoomRegistry};

/// Returns the routes of a server.
pub(crate) fn router(rooms: Arc<RoomRegistry>) -> Router {
    let shared = rooms.shared().clone();
    let settings = shared.settings();
    let router = Router::new()
        .route("/ws", get(join::default_room))
        .route("/ws/{*room}", get(join::room).post(create_room))
        .route("/http/{room}", any(room_request::answer))
        .route("/http/{room}/", any(room_request::answer))
        .route("/http/{room}/{*path}", any(room_request::answer))
        .route("/new_room", post(new_room))
        .route("/status", get(status))
        .with_state(rooms)
        .merge(files::router(settings));
    share_with_allowed_origins(explain(router, unmatched::routes(settings)), shared.clone())
}

async fn status() -> impl IntoResponse {
    not_stored("ok")
}

/// Returns a response that no cache keeps.
fn not_stored(content: impl IntoResponse) -> impl IntoResponse {
    ([(CACHE_CONTROL, "no-store")], content)
}

async fn create_room(
    State(rooms): State<Arc<RoomRegistry>>,
    SocketPath(room_id): SocketPath,
    request: Request,
) -> Result<impl IntoResponse, HttpRefusal> {
    admit(rooms.shared(), Access::Create, Some(&room_id), &request.into_parts().0).await?;
    Ok(not_stored(rooms.create(&room_id)?.id().to_owned()))
}

async fn new_room(State(rooms): State<Arc<RoomRegistry>>, request: Request) -> Result<impl IntoResponse, HttpRefusal> {
    admit(rooms.shared(), Access::Create, None, &request.into_parts().0).await?;
    Ok(not_stored(rooms.create_unnamed()?.id().to_owned()))
}
