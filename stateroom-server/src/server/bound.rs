//! A server that listens, and its run.
use std::{future::Future, io, net::SocketAddr, pin::pin};

use axum::Router;
use futures_util::future::join_all;
use tokio::net::TcpListener;

#[cfg(feature = "tls")]
use super::Tls;
use super::{ServerHandle, accept::Acceptor, listen::listen};
use crate::{
    admin,
    http::host::{require_known_host, require_valid_head},
};

/// A server that listens.
#[derive(Debug)]
pub struct BoundServer {
    pub(super) listeners: Vec<TcpListener>,
    pub(super) address: SocketAddr,
    pub(super) router: Router,
    pub(super) handle: ServerHandle,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<Tls>,
    pub(super) admin: Option<(TcpListener, Router)>,
}

impl BoundServer {
    /// Returns the address that the server listens on, with the port that the system chose if the setting was 0. Of
    /// `localhost`, it is the first one.
    ///
    /// ```
    /// # fn log(server: &stateroom_server::BoundServer) {
    /// println!("listening on http://{}", server.local_addr());
    /// # }
    /// ```
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Listens on a second address for administration: serves [`ServerHandle::admin_router`] there, and the routes of `more`,
    /// until the server has shut down. There is no authentication: use an address that only you can reach.
    ///
    /// # Errors
    ///
    /// If the server cannot listen on the address.
    ///
    /// # Panics
    ///
    /// If a route of `more` exists already.
    ///
    /// ```no_run
    /// # fn admin(server: stateroom_server::BoundServer) -> std::io::Result<stateroom_server::BoundServer> {
    /// server.with_admin("127.0.0.1:9090".parse().expect("a valid address"), axum::Router::new())
    /// # }
    /// ```
    pub fn with_admin(mut self, address: SocketAddr, more: Router) -> io::Result<Self> {
        let listener = TcpListener::from_std(listen(address)?)?;
        let is_loopback = listener.local_addr()?.ip().to_canonical().is_loopback();
        let router = admin::router(self.handle.registry().clone()).merge(more);
        self.admin = Some((listener, require_valid_head(admin::guarded(router, is_loopback))));
        Ok(self)
    }

    /// Changes the routes of the server: adds a layer or further routes.
    ///
    /// ```
    /// # use axum::routing::get;
    /// # fn version(server: stateroom_server::BoundServer) -> stateroom_server::BoundServer {
    /// server.map_router(|router| router.route("/version", get(async || "1.0")))
    /// # }
    /// ```
    #[must_use]
    pub fn map_router(mut self, map: impl FnOnce(Router) -> Router) -> Self {
        self.router = map(self.router);
        self
    }

    /// Returns the address for administration, if there is one.
    ///
    /// ```
    /// # fn log(server: &stateroom_server::BoundServer) {
    /// if let Some(address) = server.admin_addr() {
    ///     println!("administration on http://{address}");
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn admin_addr(&self) -> Option<SocketAddr> {
        self.admin.as_ref().and_then(|(listener, _)| listener.local_addr().ok())
    }

    /// Returns a handle to the server.
    ///
    /// ```
    /// # async fn run(server: stateroom_server::BoundServer) {
    /// let handle = server.handle();
    /// tokio::spawn(server.run());
    /// handle.shutdown().await;
    /// # }
    /// ```
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        self.handle.clone()
    }

    /// Serves until [`ServerHandle::shutdown`] is called and has completed.
    ///
    /// # Errors
    ///
    /// None today; the signature matches [`Server::serve_async`](crate::Server::serve_async).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops accepting connections; existing ones continue.
    ///
    /// ```no_run
    /// # async fn serve(factory: impl stateroom::StateroomServiceFactory) -> std::io::Result<()> {
    /// stateroom_server::Server::new().bind(factory).await?.run().await
    /// # }
    /// ```
    pub async fn run(self) -> io::Result<()> {
        let admin = async {
            match self.admin {
                Some((listener, router)) => admin::serve(listener, router).await,
                None => std::future::pending().await,
            }
        };
        let serve = async {
            let shared = self.handle.registry().shared().clone();
            let listening = self.listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect();
            let router = require_known_host(self.router, shared.clone(), listening);
            let acceptor = Acceptor {
                router: require_valid_head(router),
                shared,
                #[cfg(feature = "tls")]
                tls: self.tls,
            };
            join_all(self.listeners.into_iter().map(|listener| acceptor.clone().run(listener))).await;
            self.handle.shutdown().await;
        };
        tokio::select! {
            () = serve => {}
            () = admin => {}
        }
        Ok(())
    }

    /// Serves until `shutdown` completes, then shuts down as [`ServerHandle::shutdown`] does.
    ///
    /// # Errors
    ///
    /// As [`run`](BoundServer::run).
    ///
    /// # Cancel safety
    ///
    /// As [`run`](BoundServer::run) until `shutdown` completes, then as [`ServerHandle::shutdown`].
    ///
    /// ```no_run
    /// # async fn serve(server: stateroom_server::BoundServer) -> std::io::Result<()> {
    /// server.run_until(async { drop(tokio::signal::ctrl_c().await) }).await
    /// # }
    /// ```
    pub async fn run_until(self, shutdown: impl Future<Output = ()> + Send) -> io::Result<()> {
        let handle = self.handle();
        let mut run = pin!(self.run());
        tokio::select! {
            // Shut down by a handle.
            result = run.as_mut() => result,
            () = shutdown => tokio::join!(run, handle.shutdown()).0,
        }
    }
}
