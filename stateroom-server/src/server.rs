//! The server: what it is set to, and the three ways to run it.
mod accept;
mod handle;
#[cfg(feature = "tls")]
mod tls;

use std::{
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    time::Duration,
};

use axum::Router;
use stateroom::StateroomServiceFactory;
use tokio::net::{TcpListener, TcpSocket};

use self::accept::Acceptor;
pub use self::handle::ServerHandle;
#[cfg(feature = "tls")]
pub use self::tls::{Tls, TlsError};
use crate::{
    admin,
    admission::Admission,
    http,
    rooms::registry::RoomRegistry,
    settings::{Limits, RoomStrategy, Settings, ShutdownPolicy},
    shared::Shared,
};

/// A server of rooms.
///
/// Three ways to run it: [`serve`](Server::serve) and [`serve_async`](Server::serve_async) do all of it;
/// [`bind`](Server::bind) listens first, tells the address, and runs until you say; [`router`](Server::router) is for
/// nesting in an Axum app of your own. The library installs no signal handlers.
#[derive(Debug, Clone)]
pub struct Server {
    /// How often a connection is pinged. Zero turns pings off. Default 30 s.
    pub heartbeat_interval: Duration,
    /// How long a client may be silent before its connection is closed with 4001; any frame counts as life. Zero turns it off. Default 300 s.
    pub heartbeat_timeout: Duration,
    /// The port to listen on; 0 is any free one. Default 8080.
    pub port: u16,
    /// The IP address to listen on. Default `0.0.0.0`.
    pub ip: String,
    /// A directory of static files to serve under `/`, or none, the default.
    pub static_path: Option<String>,
    /// A directory of files to serve under `/client`, or none, the default.
    pub client_path: Option<String>,
    /// How rooms come to be. Default [`RoomStrategy::Implicit`].
    pub room_strategy: RoomStrategy,
    /// When an empty room ends. Default [`ShutdownPolicy::Never`].
    pub shutdown_policy: ShutdownPolicy,
    /// Whether messages are compressed (permessage-deflate, RFC 7692) for clients that offer it. Takes processor time, and
    /// 20 to 40 KiB of memory for each such client. What a compressed message becomes is bounded by
    /// [`message_bytes`](Limits::message_bytes), as any other. Default: no.
    pub compression: bool,
    /// Over how much time clients are closed when the server stops, each at a time of its own, so that they do not come back
    /// all at once. Nobody is let in meanwhile. Default: none, they are closed at once.
    pub drain_time: Duration,
    /// The certificate by which the server speaks TLS: `https` and `wss`. Default: none, it speaks neither. Has no meaning
    /// for a [`router`](Self::router).
    #[cfg(feature = "tls")]
    pub tls: Option<Tls>,
    /// Who may come in. Default: everybody.
    pub admission: Admission,
    /// How much of everything there may be.
    pub limits: Limits,
}

impl Default for Server {
    fn default() -> Self {
        Server {
            heartbeat_interval: Duration::from_secs(30),
            heartbeat_timeout: Duration::from_secs(300),
            port: 8080,
            ip: "0.0.0.0".to_owned(),
            static_path: None,
            client_path: None,
            room_strategy: RoomStrategy::default(),
            shutdown_policy: ShutdownPolicy::default(),
            compression: false,
            drain_time: Duration::ZERO,
            #[cfg(feature = "tls")]
            tls: None,
            admission: Admission::default(),
            limits: Limits::default(),
        }
    }
}

impl Server {
    /// A server with the defaults.
    #[must_use]
    pub fn new() -> Self {
        Server::default()
    }

    /// Serves static files from this directory under `/`.
    #[must_use]
    pub fn with_static_path(mut self, static_path: Option<String>) -> Self {
        self.static_path = static_path;
        self
    }

    /// Serves files from this directory under `/client`.
    #[must_use]
    pub fn with_client_path(mut self, client_path: Option<String>) -> Self {
        self.client_path = client_path;
        self
    }

    /// Pings each connection every so many seconds; 0 turns pings off.
    #[must_use]
    pub fn with_heartbeat_interval(mut self, seconds: u64) -> Self {
        self.heartbeat_interval = Duration::from_secs(seconds);
        self
    }

    /// Closes a client of which nothing was heard for so many seconds; 0 turns that off.
    #[must_use]
    pub fn with_heartbeat_timeout(mut self, seconds: u64) -> Self {
        self.heartbeat_timeout = Duration::from_secs(seconds);
        self
    }

    /// Listens on this port; 0 is any free one.
    #[must_use]
    pub fn with_port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Listens on this IP address.
    #[must_use]
    pub fn with_ip(mut self, ip: String) -> Self {
        self.ip = ip;
        self
    }

    /// Has rooms come to be in this way.
    #[must_use]
    pub fn with_room_strategy(mut self, room_strategy: RoomStrategy) -> Self {
        self.room_strategy = room_strategy;
        self
    }

    /// Has empty rooms end in this way.
    #[must_use]
    pub fn with_shutdown_policy(mut self, shutdown_policy: ShutdownPolicy) -> Self {
        self.shutdown_policy = shutdown_policy;
        self
    }

    /// Has messages compressed for clients that offer it.
    #[must_use]
    pub fn with_compression(mut self, compression: bool) -> Self {
        self.compression = compression;
        self
    }

    /// Closes clients over that much time when the server stops.
    #[must_use]
    pub fn with_drain_time(mut self, drain_time: Duration) -> Self {
        self.drain_time = drain_time;
        self
    }

    /// Speaks TLS.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn with_tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Sets who may come in.
    #[must_use]
    pub fn with_admission(mut self, admission: Admission) -> Self {
        self.admission = admission;
        self
    }

    /// Sets how much of everything there may be.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Serves the factory's services, and blocks the thread while it does: on a runtime of its own.
    ///
    /// # Errors
    ///
    /// If the IP address is none, or cannot be listened on, or the system has no threads to give.
    pub fn serve(self, factory: impl StateroomServiceFactory) -> io::Result<()> {
        tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(self.serve_async(factory))
    }

    /// Serves the factory's services. Ends only with an error: use [`bind`](Server::bind) to stop a server.
    ///
    /// # Errors
    ///
    /// If the IP address is none, or cannot be listened on.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, the server accepts no more connections; the ones that it has go on.
    pub async fn serve_async(self, factory: impl StateroomServiceFactory) -> io::Result<()> {
        self.bind(factory).await?.run().await
    }

    /// Listens, and accepts connections as soon as it is run.
    ///
    /// # Errors
    ///
    /// If the IP address is none, or cannot be listened on.
    pub async fn bind(self, factory: impl StateroomServiceFactory) -> io::Result<BoundServer> {
        let ip: IpAddr = self.ip.parse().map_err(|_| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("`{}` is no IP address: write such as `127.0.0.1`", self.ip),
            )
        })?;
        let address = SocketAddr::new(ip, self.port);
        self.serve_on(listen(address)?, factory)
    }

    /// The same, on a socket that listens already: one that systemd has opened, for instance. `ip` and `port` have no meaning
    /// then.
    ///
    /// # Errors
    ///
    /// If it is none, or does not work with the runtime.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn bind_to(
        self,
        listener: std::net::TcpListener,
        factory: impl StateroomServiceFactory,
    ) -> io::Result<BoundServer> {
        listener.set_nonblocking(true)?;
        self.serve_on(TcpListener::from_std(listener)?, factory)
    }

    fn serve_on(self, listener: TcpListener, factory: impl StateroomServiceFactory) -> io::Result<BoundServer> {
        let address = listener.local_addr()?;
        #[cfg(feature = "tls")]
        let tls = self.tls.clone();
        let (router, handle) = self.router(factory);
        Ok(BoundServer {
            listener,
            address,
            router,
            handle,
            #[cfg(feature = "tls")]
            tls,
            admin: None,
        })
    }

    /// The routes of the server, to be nested in an Axum app of your own, and a handle to stop it.
    ///
    /// `ip` and `port` have no meaning then. The rooms live on the runtime on which they are joined, until they end or
    /// the handle stops them, even when the router is dropped.
    pub fn router(self, factory: impl StateroomServiceFactory) -> (Router, ServerHandle) {
        let shared = Shared::new(self.into_settings().checked());
        let rooms = RoomRegistry::new(shared, factory);
        (http::router(rooms.clone()), ServerHandle::new(rooms))
    }

    fn into_settings(self) -> Settings {
        Settings {
            heartbeat_interval: self.heartbeat_interval,
            heartbeat_timeout: self.heartbeat_timeout,
            static_path: self.static_path,
            client_path: self.client_path,
            room_strategy: self.room_strategy,
            shutdown_policy: self.shutdown_policy,
            compression: self.compression,
            drain_time: self.drain_time,
            admission: self.admission,
            limits: self.limits,
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    try_listen(address).map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}")))
}

/// Listens as tokio does, but for more clients that come at once: after a restart, they all do.
fn try_listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Windows means something else by it: that another program may listen there as well.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(4096)
}

/// A server that listens.
#[derive(Debug)]
pub struct BoundServer {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
    handle: ServerHandle,
    #[cfg(feature = "tls")]
    tls: Option<Tls>,
    admin: Option<(TcpListener, Router)>,
}

impl BoundServer {
    /// Where it listens: with the port that the system chose, if it was asked to.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Listens on another address as well, for whoever runs the server: serves [`ServerHandle::admin_router`] there, and
    /// `more` beside it, until all has stopped. Nothing there asks who somebody is: take an address that only you can reach.
    ///
    /// # Errors
    ///
    /// If the address cannot be listened on.
    ///
    /// # Panics
    ///
    /// If `more` has a route that is there already.
    pub fn with_admin(mut self, address: SocketAddr, more: Router) -> io::Result<Self> {
        let listener = listen(address)?;
        let is_loopback = listener.local_addr()?.ip().is_loopback();
        let router = admin::router(self.handle.registry().clone()).merge(more);
        self.admin = Some((listener, admin::guarded(router, is_loopback)));
        Ok(self)
    }

    /// Puts something around its routes, or beside them: a layer, or pages of your own.
    #[must_use]
    pub fn map_router(mut self, map: impl FnOnce(Router) -> Router) -> Self {
        self.router = map(self.router);
        self
    }

    /// Where it listens for whoever runs it, if it does.
    #[must_use]
    pub fn admin_addr(&self) -> Option<SocketAddr> {
        self.admin.as_ref().and_then(|(listener, _)| listener.local_addr().ok())
    }

    /// A handle to the server.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        self.handle.clone()
    }

    /// Serves until [`ServerHandle::shutdown`] is called, and has finished.
    ///
    /// # Errors
    ///
    /// None today; it returns what [`Server::serve_async`] does.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, the server accepts no more connections; the ones that it has go on.
    pub async fn run(self) -> io::Result<()> {
        let admin = async {
            match self.admin {
                Some((listener, router)) => admin::serve(listener, router).await,
                None => std::future::pending().await,
            }
        };
        let serve = async {
            let acceptor = Acceptor {
                router: self.router,
                shared: self.handle.registry().shared().clone(),
                #[cfg(feature = "tls")]
                tls: self.tls,
            };
            acceptor.run(self.listener).await;
            self.handle.shutdown().await;
        };
        tokio::select! {
            () = serve => {}
            () = admin => {}
        }
        Ok(())
    }

    /// Serves until `shutdown` is ready, then stops as [`ServerHandle::shutdown`] does.
    ///
    /// # Errors
    ///
    /// As [`run`](BoundServer::run).
    ///
    /// # Cancel safety
    ///
    /// As [`run`](BoundServer::run), until `shutdown` is ready; then as [`ServerHandle::shutdown`].
    pub async fn run_until(self, shutdown: impl Future<Output = ()> + Send) -> io::Result<()> {
        let handle = self.handle();
        let mut run = pin!(self.run());
        tokio::select! {
            // Stopped by a handle.
            result = run.as_mut() => result,
            () = shutdown => tokio::join!(run, handle.shutdown()).0,
        }
    }
}
