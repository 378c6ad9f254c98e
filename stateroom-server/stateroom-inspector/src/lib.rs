//! The Stateroom inspector: a web page that shows every event of every room while it happens, for any Axum app.
//!
//! A [`Recorder`] records the rooms; the inspector reads its records, and acts on rooms through the [`ServerHandle`].
//!
//! ```no_run
//! use axum::Router;
//! use stateroom::{ClientId, DefaultStateroomFactory, MessagePayload, StateroomContext, StateroomService};
//! use stateroom_record::{RecordLimits, Recorder};
//! use stateroom_server::Server;
//!
//! #[derive(Default)]
//! struct Echo;
//!
//! impl StateroomService for Echo {
//!     fn message(&mut self, client: ClientId, message: MessagePayload, context: &impl StateroomContext) {
//!         context.send_message(client, message);
//!     }
//! }
//!
//! #[tokio::main]
//! async fn main() -> std::io::Result<()> {
//!     let recorder = Recorder::new(RecordLimits::default());
//!     let (rooms, handle) = Server::new().router(recorder.wrap(DefaultStateroomFactory::<Echo>::default()));
//!     // Clients join ws://127.0.0.1:8080/ws/{room}; the inspector is at http://127.0.0.1:8080/_stateroom/
//!     let app = Router::new().merge(rooms).merge(stateroom_inspector::router(handle, recorder));
//!     let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
//!     axum::serve(listener, app).await
//! }
//! ```
//!
//! # Access
//!
//! There is no authentication: anyone who can reach the inspector can read all messages and act as any client. It only
//! answers requests whose `Host` is an IP address or `localhost`, and only its own page can change anything, so no web
//! page of another site gets at it. Serve it on an address that only you can reach, or put a layer of your own around it.
//!
//! *Invariant:* the inspector reads records and calls public methods of the server. It has no other access to rooms.
#![forbid(unsafe_code)]

mod actions;
mod assets;
mod build_status;
mod feed;
mod json;
mod page_script;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde_json::json;
use stateroom_record::{Recorder, RoomRecord};
use stateroom_server::{OriginGuard, ServerHandle};

pub use self::{
    build_status::{Build, BuildStatus},
    page_script::inject_page_script,
};

/// The path of the inspector. Its page is at `/_stateroom/`.
pub const PATH: &str = "/_stateroom";

/// Returns the routes of an inspector with the defaults, under [`PATH`]. Merge them into an app.
///
/// The rooms of `server` have to come from factories that `recorder` wraps. [`Inspector`] has more settings.
pub fn router(server: ServerHandle, recorder: Recorder) -> Router {
    Inspector::new(server, recorder).router()
}

/// An inspector and its settings.
///
/// ```
/// use axum::Router;
/// use stateroom_inspector::Inspector;
/// use stateroom_record::Recorder;
/// use stateroom_server::ServerHandle;
///
/// fn routes(server: ServerHandle, recorder: Recorder) -> Router {
///     Inspector::new(server, recorder).with_service_name("chat").with_rooms_path("/rooms/ws/").router()
/// }
/// ```
#[derive(Clone)]
pub struct Inspector {
    recorder: Recorder,
    server: ServerHandle,
    build_status: Option<Arc<BuildStatus>>,
    service_name: Arc<str>,
    rooms_path: Option<Arc<str>>,
    shows_rooms: bool,
    /// Differs for each inspector, so that a page notices that the server has been restarted.
    session: Arc<str>,
}

impl Inspector {
    /// Creates an inspector of the rooms of `server`, which `recorder` records.
    #[must_use]
    pub fn new(server: ServerHandle, recorder: Recorder) -> Self {
        Inspector {
            recorder,
            server,
            build_status: None,
            service_name: "Stateroom".into(),
            rooms_path: None,
            shows_rooms: true,
            session: session_id().into(),
        }
    }

    /// Sets the name that the page has in its title. Default `Stateroom`.
    #[must_use]
    pub fn with_service_name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.service_name = name.into();
        self
    }

    /// Sets the path that rooms are joined at, without the room's ID: `/ws/`, or `/rooms/ws/` for rooms nested at
    /// `/rooms`. With it, the page can connect test clients. Default: none, it cannot.
    #[must_use]
    pub fn with_rooms_path(mut self, path: impl Into<Arc<str>>) -> Self {
        self.rooms_path = Some(path.into());
        self
    }

    /// Sets the build that the page shows, for programs that rebuild the service while they serve it.
    #[must_use]
    pub fn with_build_status(mut self, status: Arc<BuildStatus>) -> Self {
        self.build_status = Some(status);
        self
    }

    /// Shows no rooms and no page: serves only what the script of [`inject_page_script`] needs.
    #[must_use]
    pub fn without_rooms(mut self) -> Self {
        self.shows_rooms = false;
        self
    }

    /// Returns the routes, under [`PATH`]. Merge them into an app, or nest them below another path. Feeds end when the
    /// [`ServerHandle`] shuts down.
    pub fn router(self) -> Router {
        if !self.shows_rooms {
            let script = Router::new()
                .route("/api/feed", get(feed::server_feed))
                .with_state(self)
                .route("/dev.js", get(assets::page_script));
            return Router::new().nest(PATH, OriginGuard::local().protect(script));
        }
        let api = Router::new()
            .route("/info", get(info))
            .route("/feed", get(feed::server_feed))
            .route("/rooms/{id}/feed", get(feed::room_feed))
            .route("/rooms/{id}/test", get(export_test))
            .route("/rooms/{id}/message", post(actions::inject_message))
            .route("/rooms/{id}/disconnect", post(actions::disconnect))
            .route("/rooms/{id}/timer", post(actions::fire_timer))
            .route("/rooms/{id}/restart", post(actions::restart))
            .with_state(self);
        let page = Router::new().nest("/api", api).route("/", get(assets::index)).route("/{*path}", get(assets::file));
        // Relative, because an app may nest all of this.
        let to_page = get(async || Redirect::permanent("_stateroom/"));
        Router::new().route(PATH, to_page).nest(&format!("{PATH}/"), OriginGuard::local().protect(page))
    }

    fn room(&self, id: &str) -> Result<Arc<RoomRecord>, NoRecord> {
        self.recorder.room(id).ok_or(NoRecord)
    }
}

impl fmt::Debug for Inspector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Inspector")
            .field("service_name", &self.service_name)
            .field("rooms_path", &self.rooms_path)
            .finish_non_exhaustive()
    }
}

async fn info(State(inspector): State<Inspector>) -> Response {
    let (service, rooms_path) = (&*inspector.service_name, inspector.rooms_path.as_deref());
    Json(json!({ "service": service, "version": env!("CARGO_PKG_VERSION"), "rooms_path": rooms_path })).into_response()
}

/// Exports the history of a room as a test.
async fn export_test(State(inspector): State<Inspector>, Path(id): Path<String>) -> Result<Response, NoRecord> {
    let recorded = inspector.room(&id)?.script();
    let note = if recorded.is_complete { "" } else { "// The first events are no longer kept.\n" };
    let text = format!(
        "// For a module with `use super::*;` and `use stateroom_wasm::{{testing::*, *}};` (feature `testing`).\n\
         // Replace `Service` with the type that is marked `#[stateroom_wasm]`.\n{note}{}",
        recorded.script.to_test("as_it_was_recorded", "Room::of(Service::default)")
    );
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}

/// The recorder has no record of a room.
#[derive(Debug)]
struct NoRecord;

impl IntoResponse for NoRecord {
    fn into_response(self) -> Response {
        (StatusCode::NOT_FOUND, "no such room\n").into_response()
    }
}

fn session_id() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{:x}-{}-{}", now.as_nanos(), std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// The code of the README, compiled as the rest of the documentation is.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
