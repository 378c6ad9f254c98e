//! The administration routes, on an address of their own.
//!
//! *Invariant:* clients' routes do not reach them. In a browser, only pages of this address can change anything.
use std::{net::IpAddr, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Path, Query, Request, State},
    http::{
        HeaderMap, HeaderValue, Method, StatusCode, Uri,
        header::{HOST, ORIGIN},
        uri::Authority,
    },
    middleware::{self, Next},
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
    rooms::{RoomInfo, registry::RoomRegistry},
    timeout_socket::TimeoutSocket,
};

/// Maximum number of concurrent connections; further ones wait.
const MAX_CONNECTIONS: usize = 64;
/// Maximum time to receive a request's head, and to write the next bytes of a response.
const IO_TIMEOUT: Duration = Duration::from_secs(10);
/// Default close code for the clients of a deleted room: they reconnect.
const DELETED_CODE: u16 = 1012;

/// Returns the administration routes.
pub(crate) fn router(rooms: Arc<RoomRegistry>) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/rooms", get(list))
        .route("/rooms/{id}", get(show).delete(delete))
        .with_state(rooms)
}

/// The same with others beside them, safe from pages in a browser of somebody who can reach them.
pub(crate) fn guarded(router: Router, is_loopback: bool) -> Router {
    let router = router.layer(middleware::from_fn(no_other_pages));
    if is_loopback { router.layer(middleware::from_fn(by_its_own_name)) } else { router }
}

/// A page that has its own name lead to this machine would be taken for one of ours: hence none but names of the machine.
async fn by_its_own_name(request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()?.parse::<Authority>().ok());
    if host.is_some_and(|host| !is_own_name(&host)) {
        return (StatusCode::FORBIDDEN, "call this machine by its address\n").into_response();
    }
    next.run(request).await
}

/// A browser says from which page it changes something: only one that is served here has any business with that. It is known
/// by an address, as any name may be made to lead here.
async fn no_other_pages(request: Request, next: Next) -> Response {
    let headers = request.headers();
    if request.method() != Method::GET && headers.contains_key(ORIGIN) && !is_from_here(headers) {
        return (StatusCode::FORBIDDEN, "other pages may not change anything here\n").into_response();
    }
    next.run(request).await
}

fn is_from_here(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let Some(host) = text(HOST).and_then(|host| host.parse::<Authority>().ok()) else { return false };
    let origin = text(ORIGIN).and_then(|origin| origin.parse::<Uri>().ok());
    is_own_name(&host) && origin.is_some_and(|origin| origin.authority() == Some(&host))
}

/// Whether nobody but this machine is meant by it, whatever names say.
fn is_own_name(host: &Authority) -> bool {
    let host = host.host().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok()
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
) -> Result<StatusCode, NoRoom> {
    let room = rooms.get(&id).ok_or(NoRoom)?;
    let reason = query.reason.as_deref().unwrap_or("closed by an administrator");
    room.close(query.code.unwrap_or(DELETED_CODE), reason).await;
    Ok(StatusCode::NO_CONTENT)
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
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let Ok(permit) = permits.clone().acquire_owned().await else { return };
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => drop(connections.spawn(serve_http(socket, router.clone(), permit))),
                Err(error) => {
                    tracing::warn!(%error, "failed to accept an administration connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve_http(socket: TcpStream, router: Router, _permit: OwnedSemaphorePermit) {
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IO_TIMEOUT)
        .serve_connection(TokioIo::new(TimeoutSocket::new(socket, IO_TIMEOUT)), TowerToHyperService::new(router))
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "administration connection failed");
    }
}
