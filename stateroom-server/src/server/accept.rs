//! The loop that accepts connections, and speaks HTTP on them until they become WebSockets.
use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Router, extract::ConnectInfo};
use hyper::{Request, body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use crate::rooms::Rooms;

/// How long to wait when the system has no more sockets to give.
const OUT_OF_SOCKETS: Duration = Duration::from_millis(100);

/// Accepts connections until the server begins to stop.
pub(super) async fn accept(listener: TcpListener, router: Router, rooms: &Arc<Rooms>) {
    let stopping = rooms.stopping().clone();
    while let Some(accepted) = stopping.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((socket, peer)) => rooms.spawn(serve_http(socket, peer, router.clone(), rooms.clone())),
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "no connection can be accepted");
                stopping.run_until_cancelled(tokio::time::sleep(OUT_OF_SOCKETS)).await;
            }
        }
    }
}

/// Whether the error is one of the connection that was to be accepted, not one of the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn serve_http(socket: TcpStream, peer: SocketAddr, router: Router, rooms: Arc<Rooms>) {
    // What is small is sent at once: what belongs together is put together before it is written.
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY cannot be set");
    }
    let asked = Arc::new(AtomicBool::new(false));
    let service = router.map_request({
        let asked = asked.clone();
        move |mut request: Request<Incoming>| {
            asked.store(true, Ordering::Relaxed);
            request.extensions_mut().insert(ConnectInfo(peer));
            request
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(rooms.settings().limits.request_head_time)
        .serve_connection(TokioIo::new(socket), TowerToHyperService::new(service))
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
        tracing::debug!(%error, "an HTTP connection ends");
    }
}
