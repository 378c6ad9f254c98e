//! The state that all parts of a server use: its settings, metrics, connection permits, keys, rate limits and tasks.
//!
//! *Invariant:* it knows nothing about rooms.
use std::{future::Future, sync::Arc};

#[cfg(feature = "jwt")]
use parking_lot::Mutex;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

#[cfg(feature = "jwt")]
use crate::admission::jwt::Jwt;
use crate::{
    broken::BrokenRooms,
    memory::ClientMemory,
    metrics::Metrics,
    permits::ConnectionLimiter,
    rate_limit::{bucket::Rate, networks::NetworkRateLimiter, warnings::WarningLimiter},
    settings::Settings,
    tasks::TaskGroup,
};

/// The state that all parts of a server use.
pub(crate) struct Shared {
    settings: Settings,
    metrics: Arc<Metrics>,
    memory: Arc<ClientMemory>,
    broken: BrokenRooms,
    connections: Arc<ConnectionLimiter>,
    /// The secret by which rooms remember clients' tokens: that of the store, or one of this process.
    token_key: [u8; 32],
    /// The keys that verify clients' tokens. They can be replaced while the server runs.
    #[cfg(feature = "jwt")]
    jwt: Mutex<Option<Arc<Jwt>>>,
    request_rate: NetworkRateLimiter<2>,
    origin_warnings: WarningLimiter,
    memory_warnings: WarningLimiter,
    fault_warnings: WarningLimiter,
    host_warnings: WarningLimiter,
    /// All tasks of the server: those of both groups.
    tasks: TaskTracker,
    room_tasks: TaskGroup,
    connection_tasks: TaskGroup,
    /// Canceled when connections have to close.
    stopping: CancellationToken,
}

impl Shared {
    pub(crate) fn new(settings: Settings) -> Arc<Self> {
        let tasks = TaskTracker::new();
        let metrics = Arc::new(Metrics::new());
        Arc::new(Shared {
            memory: ClientMemory::new(settings.memory_budget.clone(), &metrics),
            broken: BrokenRooms::new(metrics.rooms_broken.clone()),
            metrics,
            connections: ConnectionLimiter::new(&settings.limits),
            #[cfg(feature = "jwt")]
            jwt: Mutex::new(settings.admission.jwt.clone().map(Arc::new)),
            token_key: settings.store.as_ref().map_or_else(rand::random, |store| store.key()),
            request_rate: NetworkRateLimiter::new(Rate::of_client(&settings.limits)),
            origin_warnings: WarningLimiter::default(),
            host_warnings: WarningLimiter::default(),
            memory_warnings: WarningLimiter::default(),
            fault_warnings: WarningLimiter::frequent(),
            settings,
            room_tasks: TaskGroup::new(&tasks),
            connection_tasks: TaskGroup::new(&tasks),
            tasks,
            stopping: CancellationToken::new(),
        })
    }

    /// Returns the settings.
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns the metrics.
    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Returns the memory that clients hold.
    pub(crate) fn memory(&self) -> &Arc<ClientMemory> {
        &self.memory
    }

    /// Returns the durable rooms that cannot be restored.
    pub(crate) fn broken(&self) -> &BrokenRooms {
        &self.broken
    }

    /// Returns the rate limiter of warnings about a shortage of memory.
    pub(crate) fn memory_warnings(&self) -> &WarningLimiter {
        &self.memory_warnings
    }

    /// Returns the secret by which rooms remember clients' tokens.
    pub(crate) fn token_key(&self) -> &[u8; 32] {
        &self.token_key
    }

    /// Returns the limiter of open connections.
    pub(crate) fn connections(&self) -> &Arc<ConnectionLimiter> {
        &self.connections
    }

    /// Returns the keys that verify clients' tokens, if clients need tokens.
    #[cfg(feature = "jwt")]
    pub(crate) fn jwt(&self) -> Option<Arc<Jwt>> {
        self.jwt.lock().clone()
    }

    /// Returns the name of the cookie that may contain an access token.
    pub(crate) fn jwt_cookie(&self) -> Option<String> {
        #[cfg(feature = "jwt")]
        let cookie = self.jwt().and_then(|jwt| jwt.cookie().map(str::to_owned));
        #[cfg(not(feature = "jwt"))]
        let cookie = None;
        cookie
    }

    /// Replaces the keys that verify clients' tokens.
    #[cfg(feature = "jwt")]
    pub(crate) fn set_jwt(&self, jwt: Jwt) {
        *self.jwt.lock() = Some(Arc::new(jwt));
    }

    /// Returns the rate limiter of HTTP requests to rooms, and of their bodies' bytes: the rates of one client.
    pub(crate) fn request_rate(&self) -> &NetworkRateLimiter<2> {
        &self.request_rate
    }

    /// Returns the rate limiter of warnings about refused origins.
    pub(crate) fn origin_warnings(&self) -> &WarningLimiter {
        &self.origin_warnings
    }

    /// Returns the rate limiter of the log of failed rooms.
    pub(crate) fn fault_warnings(&self) -> &WarningLimiter {
        &self.fault_warnings
    }

    /// Returns the rate limiter of warnings about refused hosts.
    pub(crate) fn host_warnings(&self) -> &WarningLimiter {
        &self.host_warnings
    }

    /// Returns the token that is canceled when connections have to close.
    pub(crate) fn stopping(&self) -> &CancellationToken {
        &self.stopping
    }

    /// Returns the tracker of all tasks.
    pub(crate) fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    /// Spawns the task of a connection. Shutdown waits for it, and aborts it after a timeout.
    pub(crate) fn spawn_connection(&self, connection: impl Future<Output = ()> + Send + 'static) {
        self.connection_tasks.spawn(connection);
    }

    /// Spawns a task that looks after sleeping rooms. Shutdown does not wait for it.
    pub(crate) fn spawn_waker(&self, waker: impl Future<Output = ()> + Send + 'static) {
        let stopping = self.stopping.clone();
        tokio::spawn(async move { stopping.run_until_cancelled(waker).await });
    }

    /// Spawns the task of a room. Shutdown waits for it, and aborts it after a timeout.
    pub(crate) fn spawn_room(&self, room: impl Future<Output = ()> + Send + 'static) {
        self.room_tasks.spawn(room);
    }

    /// Aborts the tasks of all rooms. Returns whether this is the first call.
    pub(crate) fn abort_rooms(&self) -> bool {
        self.room_tasks.abort_all()
    }

    /// Aborts the tasks of all connections.
    pub(crate) fn abort_connections(&self) {
        self.connection_tasks.abort_all();
    }
}
