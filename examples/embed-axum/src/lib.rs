//! Rooms embedded in an Axum app, which has its own routes, middleware and shutdown, and a handle to its rooms.
pub mod poll;

use std::sync::{Arc, atomic::Ordering};

use axum::{
    Router,
    extract::{Path, Request, State},
    http::{StatusCode, header::AUTHORIZATION},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use stateroom::MessageRecipient;
use stateroom_server::{CallError, RoomEnded, Server, ServerHandle};

use crate::poll::{Polls, Shared};

/// The state of the handlers.
#[derive(Clone)]
struct App {
    rooms: ServerHandle,
    shared: Arc<Shared>,
}

/// Returns the app, and a handle to shut down its rooms.
pub fn app() -> (Router, ServerHandle) {
    let shared = Arc::new(Shared::default());
    let (rooms, handle) = Server::new().router(Polls { shared: shared.clone() });
    let admin_routes = Router::new()
        .route("/polls/{room}/announce", post(announce))
        .route("/polls/{room}", delete(close))
        .layer(middleware::from_fn(require_administrator));
    let app = Router::new()
        .route("/polls", get(list))
        .route("/polls/{room}", get(votes))
        .merge(admin_routes)
        .with_state(App { rooms: handle.clone(), shared })
        // Clients join ws://HOST/rooms/ws/{room}. The middleware runs before the WebSocket upgrade.
        .nest("/rooms", rooms.layer(middleware::from_fn(require_word)));
    (app, handle)
}

/// Admits requests with the word; a real app would check a session. A rejected client receives this HTTP response.
async fn require_word(request: Request, next: Next) -> Response {
    let query = request.uri().query().unwrap_or_default();
    if query.split('&').any(|parameter| parameter == "word=please") {
        next.run(request).await
    } else {
        (StatusCode::UNAUTHORIZED, "say please\n").into_response()
    }
}

async fn require_administrator(request: Request, next: Next) -> Response {
    // A real app would compare a configured secret, in constant time.
    match request.headers().get(AUTHORIZATION) {
        Some(value) if value == "Bearer administrator" => next.run(request).await,
        _ => (StatusCode::UNAUTHORIZED, "administrators only\n").into_response(),
    }
}

/// Lists the rooms.
async fn list(State(app): State<App>) -> String {
    let rooms = app.rooms.rooms().await;
    let rooms = rooms.into_iter().map(|room| format!("{}: {} connected\n", room.id, room.connections));
    format!("{}votes in all: {}\n", rooms.collect::<String>(), app.shared.votes.load(Ordering::Relaxed))
}

/// Calls a room and responds with its answer.
async fn votes(State(app): State<App>, Path(room): Path<String>) -> Result<String, NotFound> {
    let room = app.rooms.room(&room).await.ok_or(NotFound)?;
    let answer = room.call("votes").await?;
    Ok(answer.and_then(|answer| answer.text().map(|text| format!("{text}\n"))).unwrap_or_default())
}

/// Sends a message to everyone in a room.
async fn announce(State(app): State<App>, Path(room): Path<String>, text: String) -> Result<&'static str, NotFound> {
    let room = app.rooms.room(&room).await.ok_or(NotFound)?;
    room.send(MessageRecipient::Broadcast, text).await?;
    Ok("said\n")
}

/// Closes a room. Its clients receive an application-defined close code.
async fn close(State(app): State<App>, Path(room): Path<String>) -> Result<&'static str, NotFound> {
    app.rooms.room(&room).await.ok_or(NotFound)?.close(4100, "the poll is closed").await;
    Ok("closed\n")
}

/// The room does not exist, or has ended.
struct NotFound;

impl From<CallError> for NotFound {
    // Its rooms have no store, so a call fails only with its room.
    fn from(_: CallError) -> Self {
        NotFound
    }
}

impl From<RoomEnded> for NotFound {
    fn from(_: RoomEnded) -> Self {
        NotFound
    }
}

impl IntoResponse for NotFound {
    fn into_response(self) -> Response {
        (StatusCode::NOT_FOUND, "there is no such poll\n").into_response()
    }
}
