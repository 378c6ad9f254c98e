//! The loop that accepts connections and serves HTTP on them until they become WebSockets.
//!
//! *Invariant:* a socket has its permits before anything is read from it.
use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::ConnectInfo,
    http::{HeaderValue, header::CONNECTION},
    response::IntoResponse,
};
use hyper::{Request, body::Incoming};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
#[cfg(feature = "tls")]
use tokio::time::timeout;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tower::ServiceExt;

#[cfg(feature = "tls")]
use super::Tls;
use crate::{
    http::{HttpRefusal, share_with_allowed_origins},
    http1::http1_builder,
    permits::{ConnectionPermits, PermitRefusal},
    settings::Limit,
    shared::Shared,
    socket_options::set_socket_options,
    timeout_socket::TimeoutSocket,
};

/// The pause after a failed `accept`, as when the process has no file descriptors left.
const ACCEPT_RETRY_INTERVAL: Duration = Duration::from_millis(100);
/// How many connections without permits are answered at a time; further ones are dropped.
const MAX_REFUSALS: usize = 256;
/// How long a connection without permits has to send a request, which is needed to answer it.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);

/// Accepts the connections of a server.
#[derive(Clone)]
pub(super) struct Acceptor {
    pub(super) router: Router,
    pub(super) shared: Arc<Shared>,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<Tls>,
}

impl Acceptor {
    /// Accepts connections until the server begins to close them.
    pub(super) async fn run(self, listener: TcpListener) {
        let stopping = self.shared.stopping().clone();
        let refusals = Arc::new(Semaphore::new(MAX_REFUSALS));
        while let Some(accepted) = stopping.run_until_cancelled(listener.accept()).await {
            match accepted {
                Ok((socket, peer)) => match self.permits(peer) {
                    Ok(permits) => self.shared.spawn_connection(self.clone().serve(socket, peer, Some(permits))),
                    Err(refusal) => {
                        if let Ok(permit) = refusals.clone().try_acquire_owned() {
                            self.shared.spawn_connection(self.clone().refuse(socket, peer, refusal, permit));
                        }
                    }
                },
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "failed to accept a connection");
                    stopping.run_until_cancelled(tokio::time::sleep(ACCEPT_RETRY_INTERVAL)).await;
                }
            }
        }
    }

    /// Acquires the permits of a connection. Clients behind a trusted proxy are counted by address when they join a room.
    fn permits(&self, peer: SocketAddr) -> Result<Arc<ConnectionPermits>, PermitRefusal> {
        let connections = self.shared.connections();
        let mut permits = ConnectionPermits::new(connections.acquire()?);
        if !self.shared.settings().admission.trusted_proxies.contain(peer.ip()) {
            permits.add_address(connections.acquire_for(peer.ip())?);
        }
        Ok(Arc::new(permits))
    }

    /// Answers the first request with the refusal.
    async fn refuse(
        mut self,
        socket: TcpStream,
        peer: SocketAddr,
        refusal: PermitRefusal,
        _permit: OwnedSemaphorePermit,
    ) {
        let router = Router::new().fallback(move || async move {
            let mut response = HttpRefusal::from(refusal).into_response();
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            response
        });
        self.router = share_with_allowed_origins(router, self.shared.clone());
        self.serve(socket, peer, None).await;
    }

    async fn serve(self, socket: TcpStream, peer: SocketAddr, permits: Option<Arc<ConnectionPermits>>) {
        // Related output is combined before it is written, so Nagle's algorithm gains nothing.
        set_socket_options(&socket);
        let limits = &self.shared.settings().limits;
        let socket = TimeoutSocket::new(socket, limits.response_time);
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            // The handshake shares the time of the first request's head.
            let time = self.request_head_time(permits.is_some());
            match self.shared.stopping().run_until_cancelled(timeout(time, tls.accept(socket))).await {
                Some(Ok(Ok(stream))) => self.serve_http(stream, peer, permits).await,
                Some(Ok(Err(error))) => tracing::debug!(%error, "TLS handshake failed"),
                Some(Err(_)) => Limit::RequestHeadTime.exceeded(),
                None => {}
            }
            return;
        }
        self.serve_http(socket, peer, permits).await;
    }

    /// Serves HTTP until the connection ends or is upgraded.
    async fn serve_http(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        peer: SocketAddr,
        permits: Option<Arc<ConnectionPermits>>,
    ) {
        let has_permits = permits.is_some();
        let has_request = Arc::new(AtomicBool::new(false));
        let request_head_time = self.request_head_time(has_permits);
        let service = self.router.map_request({
            let has_request = has_request.clone();
            move |mut request: Request<Incoming>| {
                has_request.store(true, Ordering::Relaxed);
                request.extensions_mut().insert(ConnectInfo(peer));
                if let Some(permits) = &permits {
                    request.extensions_mut().insert(permits.clone());
                }
                request
            }
        });
        let connection = http1_builder(request_head_time)
            .max_buf_size(self.shared.settings().limits.request_head_bytes)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
            .with_upgrades();
        let mut connection = std::pin::pin!(connection);
        let result = tokio::select! {
            result = connection.as_mut() => result,
            () = self.shared.stopping().cancelled() => {
                // On a connection without a request so far, hyper would wait for the first.
                if !has_request.load(Ordering::Relaxed) {
                    return;
                }
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = result {
            // A browser that keeps an idle connection for later does not exceed the limit.
            if error.is_timeout() && has_permits && !has_request.load(Ordering::Relaxed) {
                Limit::RequestHeadTime.exceeded();
            } else if error.is_parse_too_large() {
                Limit::RequestHeadBytes.exceeded();
            }
            tracing::debug!(%error, "HTTP connection failed");
        }
    }

    fn request_head_time(&self, has_permits: bool) -> Duration {
        let time = self.shared.settings().limits.request_head_time;
        if has_permits { time } else { time.min(REFUSAL_TIMEOUT) }
    }
}

/// Returns whether the error concerns the accepted connection rather than the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
