//! The administration routes, on an address of their own.
//!
//! *Invariant:* clients' routes do not reach them. In a browser, only pages of this address can change anything.
mod connections;
mod stored;

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Query, Request, State},
    http::StatusCode,
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::get,
};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use serde::{Deserialize, Serialize};
use stateroom_store::StoreState;
use tokio::net::{TcpListener, TcpStream};

use self::connections::{Answering, ConnectionState, Connections};

use crate::{
    broken::BrokenRoom,
    http::{explain, guard::OriginGuard},
    http1::http1_builder,
    rooms::{RoomInfo, registry::RoomRegistry},
    timeout_socket::TimeoutSocket,
};

/// Maximum time to receive a request's head, and to write the next bytes of a response.
const IO_TIMEOUT: Duration = Duration::from_secs(10);
/// Default close code for the clients of a deleted room: they reconnect.
const DELETED_CODE: u16 = 1012;

/// Default number of stored rooms in a list.
const STORED_ROOMS: usize = 100;
/// Maximum number of stored rooms in a list.
const MAX_STORED_ROOMS: usize = 1000;

/// The description of the routes.
const ROUTES: &str = "  GET /healthz        whether the server runs
  GET /readyz         whether the server accepts clients
  GET /rooms          the rooms and their statistics; with `?stored=1` those in the store, in the order of their names,
                      at most `?most=` (100) beginning after `?after=`
  GET /rooms/ROOM     one room
  DELETE /rooms/ROOM  closes a room; `?code=` and `?reason=` are for its clients
";

/// Returns the administration routes.
pub(crate) fn router(rooms: Arc<RoomRegistry>) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/rooms", get(list))
        // A proxy may have decoded the slashes of a name.
        .route("/rooms/{*id}", get(show).delete(delete))
        .with_state(rooms)
}

/// Protects routes from the web pages of others, and explains paths without a route. On a loopback address, the host of each
/// request has to be local, too.
pub(crate) fn guarded(router: Router, is_loopback: bool) -> Router {
    let guard = if is_loopback { OriginGuard::local() } else { OriginGuard::any_host() };
    guard.protect(explain(router, ROUTES.to_owned()))
}

async fn ready(State(rooms): State<Arc<RoomRegistry>>) -> (StatusCode, &'static str) {
    if rooms.is_stopping() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n");
    }
    let health = rooms.shared().settings().store.as_ref().map(|store| store.health().state);
    match health {
        None | Some(StoreState::Ok) => (StatusCode::OK, "ready\n"),
        Some(StoreState::NearlyFull | StoreState::Full) => (StatusCode::SERVICE_UNAVAILABLE, "the disk is full\n"),
        Some(StoreState::Stalled { .. }) => (StatusCode::SERVICE_UNAVAILABLE, "the disk does not answer\n"),
        Some(_) => (StatusCode::SERVICE_UNAVAILABLE, "the store has failed\n"),
    }
}

/// A room, as JSON.
#[derive(Serialize)]
struct RoomJson {
    id: String,
    connections: usize,
    age_seconds: f64,
    events: u64,
    cpu_seconds: f64,
    memory_bytes: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    broken: Option<BrokenJson>,
}

/// Why a room is broken, as JSON.
#[derive(Serialize)]
struct BrokenJson {
    record: Option<u64>,
    reason: String,
    expected: Option<String>,
    found: Option<String>,
}

impl From<BrokenRoom> for BrokenJson {
    fn from(broken: BrokenRoom) -> Self {
        let BrokenRoom { record, reason, expected, found } = broken;
        BrokenJson { record, reason, expected, found }
    }
}

impl From<RoomInfo> for RoomJson {
    fn from(room: RoomInfo) -> Self {
        RoomJson {
            id: room.id,
            connections: room.connections,
            age_seconds: room.age.as_secs_f64(),
            events: room.events,
            cpu_seconds: room.cpu_time.as_secs_f64(),
            memory_bytes: room.memory_bytes,
            broken: room.broken.map(BrokenJson::from),
        }
    }
}

/// The parameters of a list of rooms.
#[derive(Deserialize)]
struct ListQuery {
    stored: Option<String>,
    after: Option<String>,
    most: Option<usize>,
}

async fn list(State(rooms): State<Arc<RoomRegistry>>, Query(query): Query<ListQuery>) -> Response {
    if query.stored.is_some_and(|stored| stored != "0") {
        let most = query.most.unwrap_or(STORED_ROOMS).min(MAX_STORED_ROOMS);
        return stored::list(&rooms, query.after.as_deref(), most).await;
    }
    let mut rooms: Vec<RoomJson> = rooms.list().into_iter().map(RoomJson::from).collect();
    rooms.sort_by(|one, other| one.id.cmp(&other.id));
    Json(rooms).into_response()
}

async fn show(State(rooms): State<Arc<RoomRegistry>>, Path(id): Path<String>) -> Result<Json<RoomJson>, NoRoom> {
    rooms.info(&id).map(|room| Json(room.into())).ok_or(NoRoom)
}

/// The parameters of a deletion.
#[derive(Deserialize)]
struct DeleteQuery {
    code: Option<u16>,
    reason: Option<String>,
}

async fn delete(
    State(rooms): State<Arc<RoomRegistry>>,
    Path(id): Path<String>,
    Query(query): Query<DeleteQuery>,
) -> Result<StatusCode, Response> {
    let room = rooms.get(&id);
    let is_running = room.is_some();
    if let Some(room) = room {
        let reason = query.reason.as_deref().unwrap_or("closed by an administrator");
        room.close(query.code.unwrap_or(DELETED_CODE), reason).await;
        // Another room that clients have begun meanwhile is not deleted.
        if rooms.get(&id).is_some() {
            return Ok(StatusCode::NO_CONTENT);
        }
    }
    // The data of a room that has ended is left if its service could not run any more, or failed.
    match rooms.delete_stored(&id).await {
        Ok(is_stored) if is_running || is_stored => Ok(StatusCode::NO_CONTENT),
        Ok(_) => Err(NoRoom.into_response()),
        Err(error) => Err((StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response()),
    }
}

/// The room does not exist.
struct NoRoom;

impl IntoResponse for NoRoom {
    fn into_response(self) -> Response {
        (StatusCode::NOT_FOUND, "the room does not exist\n").into_response()
    }
}

/// Serves the routes until the future is dropped.
pub(crate) async fn serve(listener: TcpListener, router: Router) {
    let mut connections = Connections::default();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, peer)) => connections.add(peer.ip(), |state| serve_http(socket, router.clone(), state)),
                Err(error) => {
                    tracing::warn!(%error, "failed to accept an administration connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            Some(_) = connections.tasks.join_next() => {}
        }
    }
}

async fn serve_http(socket: TcpStream, router: Router, state: Arc<ConnectionState>) {
    let service = router.layer(from_fn(move |request: Request, next: Next| {
        let answering = Answering::begin(&state);
        async move { next.run(request).await.map(|body| Body::new(answering.until_sent(body))) }
    }));
    let served = http1_builder(IO_TIMEOUT)
        .serve_connection(TokioIo::new(TimeoutSocket::new(socket, IO_TIMEOUT)), TowerToHyperService::new(service))
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "administration connection failed");
    }
}
