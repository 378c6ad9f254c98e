//! What `dev` shows of the rooms in a browser, under `/_stateroom/`: its page, what that is told, and what it may do.
//!
//! The page is in the folder `inspector` beside `src`, and embedded.
//!
//! *Invariant:* only pages of this very server may do anything here, and only if it is called by the machine's own name.
mod actions;
mod assets;
mod feed;
mod json;
mod page;
mod status;

use std::{convert::Infallible, sync::Arc};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::json;
use stateroom_record::{Records, RoomRecord};
use stateroom_server::{OriginGuard, ServerHandle};
use tokio::sync::watch;

pub use self::page::with_script;
pub use crate::status::{Build, Status};

/// Under which path all of it is.
pub const PATH: &str = "/_stateroom";

/// What the inspector is about.
#[derive(Clone)]
pub struct Inspector {
    pub records: Arc<Records>,
    pub server: ServerHandle,
    /// How the build stands, where anything is built.
    pub status: Option<Arc<Status>>,
    /// What the service is called.
    pub service: Arc<str>,
    /// Where pages of this address join rooms, if they can here.
    pub rooms_at: Option<&'static str>,
    /// Whether it shows any rooms, or tells pages of builds and no more.
    pub shows_rooms: bool,
    /// Another one for each start of the server.
    pub session: Arc<str>,
    /// Becomes true when the server stops.
    pub stopping: watch::Receiver<bool>,
}

/// The routes.
pub fn router(inspector: Inspector) -> Router {
    if !inspector.shows_rooms {
        let pages = Router::new()
            .route("/api/feed", get(feed::all))
            .with_state(inspector)
            .route("/dev.js", get(assets::script));
        return Router::new().nest(PATH, OriginGuard::local().protect(pages));
    }
    let api = Router::new()
        .route("/info", get(info))
        .route("/feed", get(feed::all))
        .route("/rooms/{id}/feed", get(feed::room))
        .route("/rooms/{id}/test", get(test))
        .route("/rooms/{id}/say", post(actions::say))
        .route("/rooms/{id}/disconnect", post(actions::disconnect))
        .route("/rooms/{id}/timer", post(actions::timer))
        .route("/rooms/{id}/restart", post(actions::restart))
        .with_state(inspector);
    let all = Router::new().nest("/api", api).route("/", get(assets::index)).route("/{*path}", get(assets::file));
    let all = OriginGuard::local().protect(all);
    // Beside the folder as well, for whoever leaves its slash away.
    let to_folder = get(async || axum::response::Redirect::permanent("/_stateroom/"));
    Router::new().route(PATH, to_folder).nest(&format!("{PATH}/"), all)
}

async fn info(State(inspector): State<Inspector>) -> Response {
    let (service, rooms_at) = (&*inspector.service, inspector.rooms_at);
    Json(json!({ "service": service, "version": env!("CARGO_PKG_VERSION"), "rooms_at": rooms_at })).into_response()
}

/// The record of a room as a test.
async fn test(State(inspector): State<Inspector>, Path(id): Path<String>) -> Result<Response, NoRoom> {
    let (script, is_whole) = inspector.room(&id)?.script();
    let cut = if is_whole { "" } else { "// Of what happened first, nothing is kept any more.\n" };
    let text = format!(
        "// In a module with `use super::*;` and `use stateroom_wasm::{{testing::*, *}};`, by the feature `testing`.\n\
         // In place of `Service`, write the type that is marked with `#[stateroom_wasm]`.\n{cut}{}",
        script.to_test("as_it_was_recorded", "Room::of(Service::default)")
    );
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}

impl Inspector {
    fn room(&self, id: &str) -> Result<Arc<RoomRecord>, NoRoom> {
        self.records.room(id).ok_or(NoRoom)
    }
}

/// Nothing is known of such a room.
#[derive(Debug)]
struct NoRoom;

impl IntoResponse for NoRoom {
    fn into_response(self) -> Response {
        (StatusCode::NOT_FOUND, "there is no such room\n").into_response()
    }
}

/// What a feed gives, which cannot fail.
type Sent = Result<axum::response::sse::Event, Infallible>;
