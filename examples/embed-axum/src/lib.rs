//! Rooms inside of an Axum app: the app has routes, middleware and a shutdown of its own, and hold of its rooms.
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
use stateroom_server::{RoomEnded, Server, ServerHandle};

use crate::poll::{Polls, Shared};

/// What the handlers need.
#[derive(Clone)]
struct App {
    rooms: ServerHandle,
    shared: Arc<Shared>,
}

/// The whole app, and the handle that stops its rooms.
pub fn app() -> (Router, ServerHandle) {
    let shared = Arc::new(Shared::default());
    let (rooms, handle) = Server::new().router(Polls { shared: shared.clone() });
    let administration = Router::new()
        .route("/polls/{room}/announce", post(announce))
        .route("/polls/{room}", delete(close))
        .layer(middleware::from_fn(only_administrators));
    let app = Router::new()
        .route("/polls", get(list))
        .route("/polls/{room}", get(votes))
        .merge(administration)
        .with_state(App { rooms: handle.clone(), shared })
        // Clients join ws://HOST/rooms/ws/{room}. The middleware sees the request before it becomes a WebSocket.
        .nest("/rooms", rooms.layer(middleware::from_fn(only_members)));
    (app, handle)
}

/// Lets in who knows the word; of yours, who has a session. What it answers instead, the client gets as HTTP.
async fn only_members(request: Request, next: Next) -> Response {
    let query = request.uri().query().unwrap_or_default();
    if query.split('&').any(|parameter| parameter == "word=please") {
        next.run(request).await
    } else {
        (StatusCode::UNAUTHORIZED, "say please\n").into_response()
    }
}

async fn only_administrators(request: Request, next: Next) -> Response {
    // Yours compares a secret out of its configuration, in constant time.
    match request.headers().get(AUTHORIZATION) {
        Some(value) if value == "Bearer administrator" => next.run(request).await,
        _ => (StatusCode::UNAUTHORIZED, "administrators only\n").into_response(),
    }
}

/// What rooms there are.
async fn list(State(app): State<App>) -> String {
    let rooms = app.rooms.rooms().await;
    let rooms = rooms.into_iter().map(|room| format!("{}: {} connected\n", room.id, room.connections));
    format!("{}votes in all: {}\n", rooms.collect::<String>(), app.shared.votes.load(Ordering::Relaxed))
}

/// Asks a room something, and waits for its answer.
async fn votes(State(app): State<App>, Path(room): Path<String>) -> Result<String, Refused> {
    let room = app.rooms.room(&room).await.ok_or(Refused)?;
    let answer = room.call("votes").await?;
    Ok(answer.and_then(|answer| answer.text().map(|text| format!("{text}\n"))).unwrap_or_default())
}

/// Says something to everybody in a room.
async fn announce(State(app): State<App>, Path(room): Path<String>, text: String) -> Result<&'static str, Refused> {
    let room = app.rooms.room(&room).await.ok_or(Refused)?;
    room.send(MessageRecipient::Broadcast, text).await?;
    Ok("said\n")
}

/// Closes a room: its clients are told with the code 4000 and up that they know.
async fn close(State(app): State<App>, Path(room): Path<String>) -> Result<&'static str, Refused> {
    app.rooms.room(&room).await.ok_or(Refused)?.close(4100, "the poll is closed").await;
    Ok("closed\n")
}

/// There is no such room, or no more.
struct Refused;

impl From<RoomEnded> for Refused {
    fn from(_: RoomEnded) -> Self {
        Refused
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (StatusCode::NOT_FOUND, "there is no such poll\n").into_response()
    }
}
