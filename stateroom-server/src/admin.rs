//! What whoever runs the server sees of it, and may do: on an address of its own, which is nobody else's business.
//!
//! *Invariant:* nothing here is reachable by the routes that clients have; in a browser, only pages of this very address change
//! anything.
use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use serde::{Deserialize, Serialize};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
};

use crate::{
    http::guard::OriginGuard,
    rooms::{RoomInfo, registry::RoomRegistry},
    timeout_socket::TimeoutSocket,
};

/// So many connections are served at a time; others wait.
const CONNECTIONS: usize = 64;
/// How long anything may take there.
const PATIENCE: Duration = Duration::from_secs(10);
/// With what the clients of a room are closed that is deleted, where nothing else is said: they may come back.
const DELETED: u16 = 1012;

/// The routes.
pub(crate) fn router(rooms: Arc<RoomRegistry>) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/rooms", get(list))
        .route("/rooms/{id}", get(show).delete(delete))
        .with_state(rooms)
}

/// Protects routes from the web pages of others. On a loopback address, the host of each request has to be local, too.
pub(crate) fn guarded(router: Router, is_loopback: bool) -> Router {
    let guard = if is_loopback { OriginGuard::local() } else { OriginGuard::any_host() };
    guard.protect(router)
}

async fn ready(State(rooms): State<Arc<RoomRegistry>>) -> (StatusCode, &'static str) {
    if rooms.is_stopping() { (StatusCode::SERVICE_UNAVAILABLE, "stopping\n") } else { (StatusCode::OK, "ready\n") }
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
        }
    }
}

async fn list(State(rooms): State<Arc<RoomRegistry>>) -> Json<Vec<RoomJson>> {
    let mut rooms: Vec<RoomJson> = rooms.list().into_iter().map(RoomJson::from).collect();
    rooms.sort_by(|one, other| one.id.cmp(&other.id));
    Json(rooms)
}

async fn show(State(rooms): State<Arc<RoomRegistry>>, Path(id): Path<String>) -> Result<Json<RoomJson>, NoRoom> {
    rooms.info(&id).map(|room| Json(room.into())).ok_or(NoRoom)
}

/// How a room is to be closed.
#[derive(Deserialize)]
struct CloseQuery {
    code: Option<u16>,
    reason: Option<String>,
}

async fn delete(
    State(rooms): State<Arc<RoomRegistry>>,
    Path(id): Path<String>,
    Query(closing): Query<CloseQuery>,
) -> Result<StatusCode, NoRoom> {
    let room = rooms.get(&id).ok_or(NoRoom)?;
    let reason = closing.reason.as_deref().unwrap_or("closed by whoever runs the server");
    room.close(closing.code.unwrap_or(DELETED), reason).await;
    Ok(StatusCode::NO_CONTENT)
}

/// There is no such room.
struct NoRoom;

impl IntoResponse for NoRoom {
    fn into_response(self) -> Response {
        (StatusCode::NOT_FOUND, "there is no such room\n").into_response()
    }
}

/// Serves them, until it is dropped.
pub(crate) async fn serve(listener: TcpListener, router: Router) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => drop(connections.spawn(serve_http(socket, router.clone(), place))),
                Err(error) => {
                    tracing::warn!(%error, "no connection can be accepted for the administration");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve_http(socket: TcpStream, router: Router, _place: OwnedSemaphorePermit) {
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(TimeoutSocket::new(socket, PATIENCE)), TowerToHyperService::new(router))
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection for the administration ends");
    }
}
