//! The routes of the server.
//!
//! *Invariant:* a plain GET never creates a room.
mod admit;
mod cors;
mod credentials;
mod files;
pub(crate) mod guard;
pub(crate) mod host;
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
use crate::{
    admission::Access,
    rooms::{Maker, registry::RoomRegistry},
};

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
fn not_stored<T: IntoResponse>(content: T) -> impl IntoResponse + use<T> {
    ([(CACHE_CONTROL, "no-store")], content)
}

async fn create_room(
    State(rooms): State<Arc<RoomRegistry>>,
    SocketPath(room_id): SocketPath,
    request: Request,
) -> Result<impl IntoResponse, HttpRefusal> {
    create(&rooms, Some(&room_id), request).await
}

async fn new_room(State(rooms): State<Arc<RoomRegistry>>, request: Request) -> Result<impl IntoResponse, HttpRefusal> {
    create(&rooms, None, request).await
}

async fn create(
    rooms: &Arc<RoomRegistry>,
    room_id: Option<&str>,
    request: Request,
) -> Result<impl IntoResponse + use<>, HttpRefusal> {
    let admitted = admit(rooms.shared(), Access::Create, room_id, &request.into_parts().0).await?;
    let room = rooms.create(room_id, Maker::client(admitted.peer)).await?;
    Ok(not_stored(room.id().to_owned()))
}
