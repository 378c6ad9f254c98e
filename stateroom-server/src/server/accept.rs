//! The loop that accepts connections, and speaks HTTP on them until they become WebSockets.
//!
//! *Invariant:* a socket has its place among all connections before anything is read from it.
use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Router, extract::ConnectInfo, http::header::CONNECTION, response::IntoResponse};
use hyper::{Request, body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
#[cfg(feature = "tls")]
use tokio::time::timeout;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tower::ServiceExt;

use crate::{
    http::HttpRefusal,
    limits,
    permits::{ConnectionPermits, PermitRefusal},
    rooms::Rooms,
    timeout_socket::TimeoutSocket,
};

/// How long to wait when the system has no more sockets to give.
const OUT_OF_SOCKETS: Duration = Duration::from_millis(100);
/// So many that find no place are told so at a time; others find their connection closed.
const TOLD: usize = 256;
/// How long they have to ask for something, as nothing else can be answered.
const TOLD_TIME: Duration = Duration::from_secs(1);

/// Accepts connections until the server begins to stop.
pub(super) async fn accept(listener: TcpListener, router: Router, rooms: &Arc<Rooms>) {
    let stopping = rooms.stopping().clone();
    let told = Arc::new(Semaphore::new(TOLD));
    while let Some(accepted) = stopping.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((socket, peer)) => match places(rooms, peer) {
                Ok(places) => rooms.spawn(serve(socket, peer, router.clone(), rooms.clone(), places)),
                Err(too_many) => {
                    if let Ok(permit) = told.clone().try_acquire_owned() {
                        rooms.spawn(refuse(socket, peer, too_many, rooms.clone(), permit));
                    }
                }
            },
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "no connection can be accepted");
                stopping.run_until_cancelled(tokio::time::sleep(OUT_OF_SOCKETS)).await;
            }
        }
    }
}

/// The places of a connection that has just been accepted. Of those that come from a proxy, their clients are counted
/// when they join a room.
fn places(rooms: &Rooms, peer: SocketAddr) -> Result<Arc<ConnectionPermits>, PermitRefusal> {
    let connections = rooms.connections();
    let mut places = ConnectionPermits::of(connections.take()?);
    if !rooms.settings().admission.trusted_proxies.contain(peer.ip()) {
        places.add(connections.take_of(peer.ip())?);
    }
    Ok(Arc::new(places))
}

/// Answers whatever is asked that there is no place.
async fn refuse(
    socket: TcpStream,
    peer: SocketAddr,
    too_many: PermitRefusal,
    rooms: Arc<Rooms>,
    _permit: OwnedSemaphorePermit,
) {
    let answer = move || async move {
        let mut response = HttpRefusal::from(too_many).into_response();
        response.headers_mut().insert(CONNECTION, axum::http::HeaderValue::from_static("close"));
        response
    };
    serve(socket, peer, Router::new().fallback(answer), rooms, None).await;
}

/// Whether the error is one of the connection that was to be accepted, not one of the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn serve(
    socket: TcpStream,
    peer: SocketAddr,
    router: Router,
    rooms: Arc<Rooms>,
    places: impl Into<Option<Arc<ConnectionPermits>>>,
) {
    // What is small is sent at once: what belongs together is put together before it is written.
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY cannot be set");
    }
    let limits = &rooms.settings().limits;
    let socket = TimeoutSocket::new(socket, limits.response_time);
    let places = places.into();
    #[cfg(feature = "tls")]
    if let Some(tls) = &rooms.settings().tls {
        // It comes out of the time for the first request's head.
        let time = if places.is_some() { limits.request_head_time } else { TOLD_TIME.min(limits.request_head_time) };
        match rooms.stopping().run_until_cancelled(timeout(time, tls.accept(socket))).await {
            Some(Ok(Ok(stream))) => serve_http(stream, peer, router, rooms, places).await,
            Some(Ok(Err(error))) => tracing::debug!(%error, "a TLS handshake fails"),
            Some(Err(_)) => limits::exceeded("request_head_time"),
            None => {}
        }
        return;
    }
    serve_http(socket, peer, router, rooms, places).await;
}

/// Speaks HTTP, until the connection ends or is no HTTP any more.
async fn serve_http(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    router: Router,
    rooms: Arc<Rooms>,
    places: Option<Arc<ConnectionPermits>>,
) {
    let has_place = places.is_some();
    let asked = Arc::new(AtomicBool::new(false));
    let service = router.map_request({
        let asked = asked.clone();
        move |mut request: Request<Incoming>| {
            asked.store(true, Ordering::Relaxed);
            request.extensions_mut().insert(ConnectInfo(peer));
            if let Some(places) = &places {
                request.extensions_mut().insert(places.clone());
            }
            request
        }
    });
    let settings = &rooms.settings().limits;
    let request_head_time = settings.request_head_time.min(if has_place { Duration::MAX } else { TOLD_TIME });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(request_head_time)
        .max_buf_size(settings.request_head_bytes)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = rooms.stopping().cancelled() => {
            // On a connection without a request so far, hyper would wait for the first.
            if !asked.load(Ordering::Relaxed) {
                return;
            }
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        // That a browser keeps its connection for later is no limit met.
        if error.is_timeout() && has_place && !asked.load(Ordering::Relaxed) {
            limits::exceeded("request_head_time");
        } else if error.is_parse_too_large() {
            limits::exceeded("request_head_bytes");
        }
        tracing::debug!(%error, "an HTTP connection ends");
    }
}
