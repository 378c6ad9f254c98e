//! What a program has hold of a running server by.
//!
//! *Invariant:* a handle owns nothing: the server goes on without any, and all are handles to the same one.
use std::{fmt, sync::Arc, time::Duration};

use axum::Router;
use stateroom::StateroomServiceFactory;

#[cfg(feature = "jwt")]
use crate::admission::jwt::Jwt;
use crate::{
    admin,
    room::handle::RoomHandle,
    rooms::{Refusal, Rooms},
};

/// A handle to a server: tells what rooms there are, creates them, gives handles to them, and stops it all. Clones are handles to the same server.
#[derive(Clone)]
pub struct ServerHandle {
    rooms: Arc<Rooms>,
}

impl ServerHandle {
    pub(super) fn new(rooms: Arc<Rooms>) -> Self {
        ServerHandle { rooms }
    }

    /// The rooms themselves.
    pub(super) fn inner(&self) -> &Arc<Rooms> {
        &self.rooms
    }

    /// Stops the server: nobody is let in any more, each room hears `shutdown`, and, within
    /// [`drain_time`](crate::Server::drain_time), the `disconnect` of each of its clients, and they are closed with 1012.
    /// Asked again meanwhile, it closes them at once. Ready when all has ended; what takes longer than [`Limits::shutdown_time`](crate::Limits::shutdown_time) is dropped. Only a
    /// native service that keeps its thread cannot be dropped: it is left behind, with a warning in the log.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, rooms and clients have been told, and nothing is dropped that takes longer.
    pub async fn shutdown(&self) {
        self.rooms.stop().await;
    }

    /// Has services made by another factory from now on: in new rooms, and, with [`OnSwap::Restart`], in those that there are.
    /// Their clients stay connected. A room that begins again has handled what was there before; its new service hears `init`,
    /// then `connect` for each client that is there, with the numbers that they have, and then what comes next. What the
    /// old one knew is gone, and so is its timer. Returns at once; rooms begin again as they come to it.
    pub fn swap(&self, factory: impl StateroomServiceFactory, on_swap: OnSwap) {
        self.rooms.swap(factory, on_swap);
    }

    /// Has clients' tokens checked by other keys from now on, as when keys are rotated. Who is in stays in.
    #[cfg(feature = "jwt")]
    pub fn set_jwt(&self, jwt: Jwt) {
        self.rooms.set_jwt(jwt);
    }

    /// How many connections there are: of a server with a port of its own all, whatever they are for; else those that are
    /// WebSockets.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.rooms.connections().count()
    }

    /// What rooms there are, in no particular order.
    #[must_use]
    pub fn rooms(&self) -> Vec<RoomInfo> {
        self.rooms.list()
    }

    /// Completes when the server closes its rooms: once [`drain_time`](crate::Server::drain_time) has passed. Responses
    /// that have no end of their own, such as feeds, end then.
    #[doc(hidden)]
    pub fn stopping(&self) -> impl Future<Output = ()> + Send + use<> {
        self.rooms.stopping().clone().cancelled_owned()
    }

    /// The room of this id, if there is one now. None is created.
    #[must_use]
    pub fn room(&self, id: &str) -> Option<RoomHandle> {
        self.rooms.room(id)
    }

    /// Routes for whoever runs the server, to be served on an address that is nobody else's:
    ///
    /// | route | what it does |
    /// |-|-|
    /// | `GET /healthz` | 200, as long as anything is answered |
    /// | `GET /readyz` | 200; 503 from when the server begins to stop |
    /// | `GET /rooms` | a JSON list of the rooms: `id`, `clients`, `age_seconds`, `events`, `cpu_seconds`, `memory_bytes` |
    /// | `GET /rooms/{id}` | one of them, or 404 |
    /// | `DELETE /rooms/{id}` | closes it, with `?code=` (1012, after which clients come back) and `?reason=`; 204 when it has ended |
    ///
    /// [`BoundServer::with_admin`](crate::BoundServer::with_admin) serves them. What is measured is rendered by the recorder of
    /// the crate `metrics` that your program installs: put that beside them.
    pub fn admin_router(&self) -> Router {
        admin::guarded(admin::router(self.rooms.clone()), false)
    }

    /// Creates a room, as the HTTP routes do: with an id as `POST /ws/{room}`, without as `POST /new_room`. It begins
    /// before anybody joins; its service is built then.
    ///
    /// # Errors
    ///
    /// Where the [strategy](crate::RoomStrategy) does not create rooms in this way, there is one of this id, the id is too long,
    /// there is no place, the room keeps failing, or the server stops.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, as the room is a task of it.
    pub fn create_room(&self, id: Option<&str>) -> Result<RoomHandle, Refusal> {
        match id {
            Some(id) => self.rooms.create(id),
            None => self.rooms.create_named(),
        }
    }
}

impl fmt::Debug for ServerHandle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ServerHandle").finish_non_exhaustive()
    }
}

/// What becomes of the rooms that there are when their services are [swapped](ServerHandle::swap).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnSwap {
    /// They go on as they are, until they end.
    Drain,
    /// They begin again with a new service, and their clients stay.
    #[default]
    Restart,
}

/// A room, as seen from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoomInfo {
    /// Its id.
    pub id: String,
    /// How many connections it has.
    pub connections: usize,
    /// How long ago it began.
    pub age: Duration,
    /// How many events its service has handled.
    pub events: u64,
    /// How long its service has computed for them.
    pub computed: Duration,
    /// How much memory its service has, in bytes, where that is known: of a WebAssembly guest it is.
    pub memory_bytes: Option<usize>,
}
