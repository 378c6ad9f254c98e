//! The handle by which a program controls a running server.
//!
//! *Invariant:* a handle owns nothing: the server runs on without any, and all handles refer to the same server.
use std::{fmt, sync::Arc};

use axum::Router;
use stateroom::StateroomServiceFactory;

#[cfg(feature = "jwt")]
use crate::admission::jwt::Jwt;
use crate::{
    admin,
    room::handle::RoomHandle,
    rooms::{Maker, OnSwap, Refusal, RoomInfo, registry::RoomRegistry},
};

/// A handle to a running server: lists, creates and finds rooms, and shuts the server down. Clones refer to the same server.
///
/// ```no_run
/// # #[derive(Default)]
/// # struct Echo;
/// # impl stateroom::StateroomService for Echo {}
/// use stateroom::DefaultStateroomFactory;
/// use stateroom_server::Server;
///
/// # async fn run() -> std::io::Result<()> {
/// let server = Server::new().bind(DefaultStateroomFactory::<Echo>::default()).await?;
/// let handle = server.handle();
/// tokio::spawn(server.run());
/// for room in handle.rooms().await {
///     println!("{}: {} connections", room.id, room.connections);
/// }
/// handle.shutdown().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ServerHandle {
    rooms: Arc<RoomRegistry>,
}

impl ServerHandle {
    pub(super) fn new(rooms: Arc<RoomRegistry>) -> Self {
        ServerHandle { rooms }
    }

    /// Returns the registry of rooms.
    pub(super) fn registry(&self) -> &Arc<RoomRegistry> {
        &self.rooms
    }

    /// Shuts the server down: refuses new connections and rooms, and closes clients with 1012 within
    /// [`drain_time`](crate::Server::drain_time). Each service gets `shutdown` and the `disconnect` of each client. A second
    /// call closes the remaining clients at once. Completes when everything has ended; what takes longer than
    /// [`Limits::shutdown_time`](crate::Limits::shutdown_time) is aborted. Only a native service that blocks its thread
    /// cannot be aborted: it is left running, with a warning in the log.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not stop the shutdown, except that nothing is aborted after the timeout.
    ///
    /// ```
    /// # async fn stop(handle: stateroom_server::ServerHandle) {
    /// handle.shutdown().await;
    /// # }
    /// ```
    pub async fn shutdown(&self) {
        self.rooms.stop().await;
    }

    /// Replaces the factory of services: for new rooms, and with [`OnSwap::Restart`] for existing ones. Their clients stay
    /// connected. A room that restarts first handles the events queued before; its new service gets `init`, then `connect`
    /// for each client under its current ID, then the events that follow. The state of the old service and its timer are
    /// discarded. Returns at once; each room restarts when its queue is handled.
    ///
    /// Durable rooms ([`Server::with_store`](crate::Server::with_store)) never restart: each stays on the module that it began with.
    ///
    /// ```
    /// # fn replace(handle: stateroom_server::ServerHandle, factory: impl stateroom::StateroomServiceFactory) {
    /// handle.swap(factory, stateroom_server::OnSwap::Restart);
    /// # }
    /// ```
    pub fn swap(&self, factory: impl StateroomServiceFactory, on_swap: OnSwap) {
        self.rooms.swap(factory, on_swap);
    }

    /// Replaces the keys that verify clients' tokens, as for a key rotation. Connected clients stay connected.
    ///
    /// ```
    /// # fn rotate(handle: stateroom_server::ServerHandle) -> Result<(), stateroom_server::KeyError> {
    /// handle.set_jwt(stateroom_server::Jwt::from_secret(b"a secret of at least 32 bytes, new")?);
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "jwt")]
    pub fn set_jwt(&self, jwt: Jwt) {
        self.rooms.shared().set_jwt(jwt);
    }

    /// Returns the number of connections to this process: all of them for a server with its own port, WebSockets only for a
    /// nested router.
    ///
    /// ```
    /// # fn log(handle: stateroom_server::ServerHandle) {
    /// println!("{} connections", handle.local_connections());
    /// # }
    /// ```
    #[must_use]
    pub fn local_connections(&self) -> usize {
        self.rooms.shared().connections().count()
    }

    /// Returns a snapshot of all rooms, in no particular order.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe.
    ///
    /// ```
    /// # async fn busiest(handle: stateroom_server::ServerHandle) -> Option<String> {
    /// let rooms = handle.rooms().await;
    /// rooms.into_iter().max_by_key(|room| room.connections).map(|room| room.id)
    /// # }
    /// ```
    pub async fn rooms(&self) -> Vec<RoomInfo> {
        self.local_rooms()
    }

    /// Returns a snapshot of the rooms of this process, in no particular order.
    ///
    /// ```
    /// # fn log(handle: stateroom_server::ServerHandle) {
    /// println!("{} rooms", handle.local_rooms().len());
    /// # }
    /// ```
    #[must_use]
    pub fn local_rooms(&self) -> Vec<RoomInfo> {
        self.rooms.list()
    }

    /// Completes when the server closes its rooms: once [`drain_time`](crate::Server::drain_time) has passed. Responses
    /// that have no end of their own, such as feeds, end then.
    #[doc(hidden)]
    pub fn stopping(&self) -> impl Future<Output = ()> + Send + use<> {
        self.rooms.shared().stopping().clone().cancelled_owned()
    }

    /// Returns a handle to the room with the given ID, if it exists. Never creates a room, but wakes one that sleeps in the
    /// [store](crate::Server::store).
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe.
    ///
    /// ```
    /// # use stateroom::MessageRecipient;
    /// # async fn announce(handle: stateroom_server::ServerHandle) -> Result<(), stateroom_server::RoomEnded> {
    /// if let Some(room) = handle.room("lobby").await {
    ///     room.send(MessageRecipient::Broadcast, "maintenance in five minutes").await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn room(&self, id: &str) -> Option<RoomHandle> {
        match self.local_room(id) {
            None if self.rooms.shared().settings().store.is_some() => {
                // Without the right to begin one: a room in the store has begun.
                self.rooms.room_for_request(id, Maker::Program, false).await.ok()
            }
            room => room,
        }
    }

    /// Returns a handle to the room with the given ID, if it exists in this process. Never creates a room.
    ///
    /// ```
    /// # fn restart(handle: stateroom_server::ServerHandle) {
    /// if let Some(room) = handle.local_room("lobby") {
    ///     room.restart();
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn local_room(&self, id: &str) -> Option<RoomHandle> {
        self.rooms.get(id)
    }

    /// Returns the administration routes. Serve them on an address that only you can reach: there is no authentication.
    ///
    /// | route | what it does |
    /// |-|-|
    /// | `GET /healthz` | 200 while the server answers requests |
    /// | `GET /readyz` | 200; 503 once the server begins to shut down |
    /// | `GET /rooms` | a JSON list of the rooms: `id`, `connections`, `age_seconds`, `events`, `cpu_seconds`, `memory_bytes`; of a durable room that cannot be restored `broken`: `record`, `reason`, and the hashes of effects `expected` and `found` if a replay differs |
    /// | `GET /rooms?stored=1` | a JSON list of the rooms in the store, ordered by name: `id`, `running`, `stored_bytes`, `tail_records`, `timer_due`, and `broken` as above, also of rooms that are found damaged for this list, whose other fields are `null`; at most `most` (100, up to 1,000), beginning after the name `after` |
    /// | `GET /rooms/{id}` | one of them, or 404 |
    /// | `DELETE /rooms/{id}` | closes the room with `?code=` (default 1012: clients reconnect) and `?reason=`; 204 when it has ended |
    ///
    /// [`BoundServer::with_admin`](crate::BoundServer::with_admin) serves them. Metrics are rendered by the recorder of the crate
    /// `metrics` that the program installs.
    ///
    /// ```
    /// # async fn serve(handle: stateroom_server::ServerHandle) -> std::io::Result<()> {
    /// let listener = tokio::net::TcpListener::bind("127.0.0.1:9090").await?;
    /// axum::serve(listener, handle.admin_router()).await
    /// # }
    /// ```
    pub fn admin_router(&self) -> Router {
        admin::guarded(admin::router(self.rooms.clone()), false)
    }

    /// Creates a room, as the HTTP routes do: with an ID as `POST /ws/{room}`, without one as `POST /new_room`. Its service
    /// is created at once.
    ///
    /// # Errors
    ///
    /// If the [strategy](crate::RoomStrategy) does not create rooms this way, the room exists, its ID is too long, the server
    /// has no capacity, the room is backing off after failures, or the server is shutting down.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it completes may leave the room created.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime, on which the room runs.
    ///
    /// ```
    /// # async fn create(handle: stateroom_server::ServerHandle) -> Result<(), stateroom_server::Refusal> {
    /// let room = handle.create_room(Some("lobby")).await?;
    /// assert_eq!(room.id(), "lobby");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn create_room(&self, id: Option<&str>) -> Result<RoomHandle, Refusal> {
        self.rooms.create(id, Maker::Program).await
    }
}

impl fmt::Debug for ServerHandle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ServerHandle").finish_non_exhaustive()
    }
}
