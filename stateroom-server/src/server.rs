//! The server: its public settings, and the three ways to run it.
mod accept;
mod bound;
mod handle;
mod listen;
#[cfg(feature = "tls")]
mod tls;

use std::{io, sync::Arc, time::Duration};

use axum::Router;
use stateroom::StateroomServiceFactory;
use stateroom_memory::MemoryBudget;
use stateroom_store::Store;
use tokio::net::TcpListener;

use self::listen::{addresses, listen_on};
#[cfg(feature = "tls")]
pub use self::tls::{Tls, TlsError};
pub use self::{bound::BoundServer, handle::ServerHandle};
use crate::{
    admission::Admission,
    http,
    rooms::registry::RoomRegistry,
    settings::{ExposedCookieError, Limits, RoomStrategy, Settings, ShutdownPolicy},
    shared::Shared,
};

/// The settings of a server, and the ways to run it.
///
/// [`serve`](Server::serve) and [`serve_async`](Server::serve_async) do everything; [`bind`](Server::bind) listens
/// and returns a server that runs until it is shut down; [`router`](Server::router) is for nesting in an Axum app. The library
/// installs no signal handlers.
///
/// ```
/// use stateroom_server::{RoomStrategy, Server};
///
/// let server = Server::new().with_port(8080).with_room_strategy(RoomStrategy::Api);
/// let same = Server { port: 8080, room_strategy: RoomStrategy::Api, ..Server::default() };
/// ```
#[derive(Debug, Clone)]
pub struct Server {
    /// Interval of pings on each connection. Zero turns pings off. Default 30 s.
    pub heartbeat_interval: Duration,
    /// Maximum silence of a client before its connection is closed with 4001; any frame resets it. Zero turns the timeout
    /// off. Default 300 s.
    pub heartbeat_timeout: Duration,
    /// The port to listen on; 0 lets the system choose one. Default 8080.
    pub port: u16,
    /// The IP address to listen on, or `localhost`: both `127.0.0.1` and `::1`. `::` includes all IPv4 addresses. Default
    /// `0.0.0.0`.
    pub ip: String,
    /// A directory of static files served under `/`. Default: none.
    pub static_path: Option<String>,
    /// A directory of files served under `/client`. Default: none.
    pub client_path: Option<String>,
    /// How rooms are created. Default [`RoomStrategy::Implicit`].
    pub room_strategy: RoomStrategy,
    /// When an empty room ends. Default [`ShutdownPolicy::Never`].
    pub shutdown_policy: ShutdownPolicy,
    /// Whether messages are compressed (permessage-deflate, RFC 7692) for clients that offer it. Costs CPU time, and 20 to
    /// 40 KiB of memory for each such client. [`message_bytes`](Limits::message_bytes) bounds decompressed messages, as all
    /// others. Default: no.
    pub compression: bool,
    /// The names of further headers that a room's HTTP response may have. Those about its content always pass, such as
    /// `content-type` and `etag`; those of the connection never. Others could reach into a proxy, or into the whole origin in
    /// browsers. Default: none.
    pub response_headers: Vec<String>,
    /// Time over which clients are closed on shutdown, each at a random moment, so that they do not all reconnect at once.
    /// New connections are refused meanwhile. Default: none, all clients are closed at once.
    pub drain_time: Duration,
    /// The certificate for TLS (`https` and `wss`). Default: none, no TLS. Ignored by [`router`](Self::router).
    #[cfg(feature = "tls")]
    pub tls: Option<Tls>,
    /// Which clients are admitted. Default: all.
    pub admission: Admission,
    /// The limits on resources.
    pub limits: Limits,
    /// The memory for clients and rooms. Over seven eighths of it, guests cannot grow, clients are refused with 503 and empty
    /// rooms end, unless the shutdown policy is `never`. When it is used up, the clients that hold most of it are closed with 1013, or without a
    /// close frame if messages were queued for them. Share one with the service factory. Default: that of the
    /// process, three quarters of the memory of the machine or of the process's control group.
    pub memory_budget: MemoryBudget,
    /// The store of the rooms, which makes them durable: what a client has seen is on disk, and the room continues after the
    /// process has ended, however it ends. An empty room sleeps in the store where it would end otherwise. The factory must be one
    /// whose services can be stored: that of WebAssembly modules, configured as durable. Default: none, rooms end with the
    /// process.
    pub store: Option<Arc<dyn Store>>,
    /// Time without an event after which a room sleeps, if it is durable or [sleeps in memory](Server::sleep_in_memory), even if
    /// clients are in it: its service is dropped, whose memory is for other rooms, and it wakes for the next event. Default: 30 s.
    pub sleep_after: Duration,
    /// Whether rooms sleep without a store, too, with their state in memory, compressed. A sleeping room ends as it would awake, but
    /// may not hear that the server stops. As in a durable room, an event that fails is undone. The factory must be one whose
    /// services can be stored. Default: `false`.
    pub sleep_in_memory: bool,
    /// Time without an event after which a stored room is deleted, if it has no timer and no client. Default: none, rooms are kept.
    pub forget_after: Option<Duration>,
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
            response_headers: Vec::new(),
            drain_time: Duration::ZERO,
            #[cfg(feature = "tls")]
            tls: None,
            admission: Admission::default(),
            limits: Limits::default(),
            memory_budget: MemoryBudget::shared(),
            store: None,
            sleep_after: Duration::from_secs(30),
            sleep_in_memory: false,
            forget_after: None,
        }
    }
}

impl Server {
    /// Returns a server with default settings.
    ///
    /// ```
    /// assert_eq!(stateroom_server::Server::new().port, 8080);
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Server::default()
    }

    /// Serves static files from this directory under `/`.
    ///
    /// ```
    /// let server = stateroom_server::Server::new().with_static_path(Some("static".to_owned()));
    /// ```
    #[must_use]
    pub fn with_static_path(mut self, static_path: Option<String>) -> Self {
        self.static_path = static_path;
        self
    }

    /// Serves files from this directory under `/client`.
    ///
    /// ```
    /// let server = stateroom_server::Server::new().with_client_path(Some("dist/static/client".to_owned()));
    /// ```
    #[must_use]
    pub fn with_client_path(mut self, client_path: Option<String>) -> Self {
        self.client_path = client_path;
        self
    }

    /// Sets the interval of pings, in seconds; 0 turns pings off.
    ///
    /// ```
    /// let server = stateroom_server::Server::new().with_heartbeat_interval(30);
    /// ```
    #[must_use]
    pub fn with_heartbeat_interval(mut self, seconds: u64) -> Self {
        self.heartbeat_interval = Duration::from_secs(seconds);
        self
    }

    /// Sets the maximum silence of a client, in seconds; 0 turns the timeout off.
    ///
    /// ```
    /// let server = stateroom_server::Server::new().with_heartbeat_timeout(300);
    /// ```
    #[must_use]
    pub fn with_heartbeat_timeout(mut self, seconds: u64) -> Self {
        self.heartbeat_timeout = Duration::from_secs(seconds);
        self
    }

    /// Sets the port to listen on; 0 lets the system choose one.
    ///
    /// ```
    /// let server = stateroom_server::Server::new().with_port(0);
    /// ```
    #[must_use]
    pub fn with_port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Sets the IP address to listen on, or `localhost` for both families.
    ///
    /// ```
    /// let server = stateroom_server::Server::new().with_ip("127.0.0.1".to_owned());
    /// ```
    #[must_use]
    pub fn with_ip(mut self, ip: String) -> Self {
        self.ip = ip;
        self
    }

    /// Sets how rooms are created.
    ///
    /// ```
    /// # use stateroom_server::{RoomStrategy, Server};
    /// let server = Server::new().with_room_strategy(RoomStrategy::Uuid);
    /// ```
    #[must_use]
    pub fn with_room_strategy(mut self, room_strategy: RoomStrategy) -> Self {
        self.room_strategy = room_strategy;
        self
    }

    /// Sets when empty rooms end.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use stateroom_server::{Server, ShutdownPolicy};
    /// let server = Server::new().with_shutdown_policy(ShutdownPolicy::After(Duration::from_secs(300)));
    /// ```
    #[must_use]
    pub fn with_shutdown_policy(mut self, shutdown_policy: ShutdownPolicy) -> Self {
        self.shutdown_policy = shutdown_policy;
        self
    }

    /// Sets whether messages are compressed for clients that offer it.
    ///
    /// ```
    /// let server = stateroom_server::Server::new().with_compression(true);
    /// ```
    #[must_use]
    pub fn with_compression(mut self, compression: bool) -> Self {
        self.compression = compression;
        self
    }

    /// Sets the names of further headers that a room's HTTP response may have.
    ///
    /// ```
    /// let server = stateroom_server::Server::new().with_response_headers(["x-total-count"]);
    /// ```
    #[must_use]
    pub fn with_response_headers<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.response_headers = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the time over which clients are closed on shutdown.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let server = stateroom_server::Server::new().with_drain_time(Duration::from_secs(20));
    /// ```
    #[must_use]
    pub fn with_drain_time(mut self, drain_time: Duration) -> Self {
        self.drain_time = drain_time;
        self
    }

    /// Serves TLS with this certificate.
    ///
    /// ```
    /// # fn main() -> Result<(), stateroom_server::TlsError> {
    /// # use stateroom_server::{Server, Tls};
    /// # let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let (cert, key) = (directory.path().join("cert.pem"), directory.path().join("key.pem"));
    /// # std::fs::write(&cert, certificate.cert.pem()).unwrap();
    /// # std::fs::write(&key, certificate.signing_key.serialize_pem()).unwrap();
    /// let server = Server::new().with_tls(Tls::from_pem_files(cert, key)?);
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn with_tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Sets which clients are admitted.
    ///
    /// ```
    /// # use stateroom_server::{Admission, Origins, Server};
    /// let server = Server::new().with_admission(Admission::new().with_origins(Origins::same_host()));
    /// ```
    #[must_use]
    pub fn with_admission(mut self, admission: Admission) -> Self {
        self.admission = admission;
        self
    }

    /// Sets the limits on resources.
    ///
    /// ```
    /// # use stateroom_server::{Limits, Server};
    /// let server = Server::new().with_limits(Limits::public());
    /// ```
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the memory for clients and rooms.
    ///
    /// ```
    /// # use stateroom_server::{MemoryBudget, Server};
    /// let server = Server::new().with_memory_budget(MemoryBudget::new(512 << 20));
    /// ```
    #[must_use]
    pub fn with_memory_budget(mut self, memory_budget: MemoryBudget) -> Self {
        self.memory_budget = memory_budget;
        self
    }

    /// Sets the store of the rooms, which makes them durable. A stored room stays on the module that it began with, which is in the
    /// store, too: a server with another module loads it when the room wakes.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use stateroom_server::{Server, store::MemoryStore};
    /// let server = Server::new().with_store(Arc::new(MemoryStore::default()));
    /// ```
    #[must_use]
    pub fn with_store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// Sets the time without an event after which a room sleeps, if it may.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let server = stateroom_server::Server::new().with_sleep_after(Duration::from_secs(10));
    /// ```
    #[must_use]
    pub fn with_sleep_after(mut self, sleep_after: Duration) -> Self {
        self.sleep_after = sleep_after;
        self
    }

    /// Sets whether rooms sleep without a store, too, with their state in memory.
    ///
    /// ```
    /// let server = stateroom_server::Server::new().with_sleep_in_memory(true);
    /// ```
    #[must_use]
    pub fn with_sleep_in_memory(mut self, sleep_in_memory: bool) -> Self {
        self.sleep_in_memory = sleep_in_memory;
        self
    }

    /// Sets the time without an event after which a stored room is deleted: nobody has joined it for so long, and it has no timer. The
    /// server looks for such rooms once a day, and more often if the time is short.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let server = stateroom_server::Server::new().with_forget_after(Duration::from_secs(90 * 24 * 60 * 60));
    /// ```
    #[must_use]
    pub fn with_forget_after(mut self, forget_after: Duration) -> Self {
        self.forget_after = Some(forget_after);
        self
    }

    /// Serves the factory's services on a runtime of its own, and blocks the thread.
    ///
    /// # Errors
    ///
    /// If the IP address is invalid, the server cannot listen on it, or the runtime cannot be started.
    ///
    /// ```no_run
    /// # #[derive(Default)]
    /// # struct Echo;
    /// # impl stateroom::StateroomService for Echo {}
    /// fn main() -> std::io::Result<()> {
    ///     stateroom_server::Server::new().serve(stateroom::DefaultStateroomFactory::<Echo>::default())
    /// }
    /// ```
    pub fn serve(self, factory: impl StateroomServiceFactory) -> io::Result<()> {
        tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(self.serve_async(factory))
    }

    /// Serves the factory's services. Returns only with an error: use [`bind`](Server::bind) to shut a server down.
    ///
    /// # Errors
    ///
    /// If the IP address is invalid or the server cannot listen on it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops accepting connections; existing ones continue.
    ///
    /// ```no_run
    /// # async fn serve(factory: impl stateroom::StateroomServiceFactory) -> std::io::Result<()> {
    /// stateroom_server::Server::new().serve_async(factory).await
    /// # }
    /// ```
    pub async fn serve_async(self, factory: impl StateroomServiceFactory) -> io::Result<()> {
        self.bind(factory).await?.run().await
    }

    /// Listens. The returned server accepts connections once it runs.
    ///
    /// # Errors
    ///
    /// If the IP address is invalid or the server cannot listen on it.
    ///
    /// ```no_run
    /// # async fn serve(factory: impl stateroom::StateroomServiceFactory) -> std::io::Result<()> {
    /// let server = stateroom_server::Server::new().with_port(0).bind(factory).await?;
    /// println!("listening on {}", server.local_addr());
    /// server.run_until(async { drop(tokio::signal::ctrl_c().await) }).await
    /// # }
    /// ```
    pub async fn bind(self, factory: impl StateroomServiceFactory) -> io::Result<BoundServer> {
        let listeners = listen_on(&self.ip, self.port)?;
        self.serve_on(listeners, factory)
    }

    /// Checks that the server can listen on its address.
    #[doc(hidden)]
    pub fn try_listen(&self) -> io::Result<()> {
        listen_on(&self.ip, self.port).map(drop)
    }

    /// Returns whether only this machine can connect.
    #[doc(hidden)]
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        addresses(&self.ip).is_ok_and(|ips| ips.iter().all(|ip| ip.to_canonical().is_loopback()))
    }

    /// Serves on a socket that already listens, such as one opened by systemd. `ip` and `port` are ignored.
    ///
    /// # Errors
    ///
    /// If the socket cannot be used with the runtime.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    ///
    /// ```no_run
    /// # async fn serve(factory: impl stateroom::StateroomServiceFactory) -> std::io::Result<()> {
    /// let listener = std::net::TcpListener::bind("127.0.0.1:8080")?;
    /// stateroom_server::Server::new().bind_to(listener, factory)?.run().await
    /// # }
    /// ```
    pub fn bind_to(
        self,
        listener: std::net::TcpListener,
        factory: impl StateroomServiceFactory,
    ) -> io::Result<BoundServer> {
        listener.set_nonblocking(true)?;
        self.serve_on(vec![listener], factory)
    }

    fn serve_on(
        self,
        listeners: Vec<std::net::TcpListener>,
        factory: impl StateroomServiceFactory,
    ) -> io::Result<BoundServer> {
        if self.admission.exposes_cookie() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, ExposedCookieError));
        }
        let listeners = listeners.into_iter().map(TcpListener::from_std).collect::<io::Result<Vec<_>>>()?;
        let address = listeners.first().ok_or(io::ErrorKind::InvalidInput)?.local_addr()?;
        #[cfg(feature = "tls")]
        let tls = self.tls.clone();
        let rooms = self.start(factory);
        let (router, handle) = (http::router(rooms.clone()), ServerHandle::new(rooms));
        Ok(BoundServer {
            listeners,
            address,
            router,
            handle,
            #[cfg(feature = "tls")]
            tls,
            admin: None,
        })
    }

    /// Returns the routes of the server, to be nested in an Axum app, and a handle to the server. `ip` and `port` are
    /// ignored.
    ///
    /// Rooms run on the runtime on which they are joined until they end or the handle shuts them down, even after the router
    /// is dropped.
    ///
    /// ```
    /// # fn app(factory: impl stateroom::StateroomServiceFactory) -> axum::Router {
    /// let (rooms, handle) = stateroom_server::Server::new().router(factory);
    /// // Clients join wss://HOST/rooms/ws/{room}.
    /// axum::Router::new().nest("/rooms", rooms)
    /// # }
    /// ```
    pub fn router(self, factory: impl StateroomServiceFactory) -> (Router, ServerHandle) {
        let rooms = self.start(factory);
        let router = http::host::require_known_host(http::router(rooms.clone()), rooms.shared().clone(), Vec::new());
        (router, ServerHandle::new(rooms))
    }

    fn start(self, factory: impl StateroomServiceFactory) -> Arc<RoomRegistry> {
        RoomRegistry::new(Shared::new(self.into_settings().checked()), factory)
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
            response_headers: self.response_headers,
            drain_time: self.drain_time,
            admission: self.admission,
            limits: self.limits,
            memory_budget: self.memory_budget,
            store: self.store,
            sleep_after: self.sleep_after,
            sleep_in_memory: self.sleep_in_memory,
            forget_after: self.forget_after,
        }
    }
}
