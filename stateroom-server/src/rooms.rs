//! All the rooms of a server: which there are, how new ones come to be, and how they end.
//!
//! *Invariant:* the lock is held to look up or insert a room, never while one begins, works or ends. A room that has ended
//! is never joined: whoever finds one puts a fresh one in its place.
mod backoff;
mod ended;
mod factory;
mod names;
mod refusal;
mod stop;

use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
};

use stateroom::{StateroomServiceFactory, details::ClientDetails};
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{Instrument, instrument::Instrumented};
use uuid::Uuid;

pub use self::refusal::Refusal;
use self::{backoff::Backoff, ended::EndedRooms, factory::ErasedFactory, names::ShortNames};
#[cfg(feature = "jwt")]
use crate::admission::jwt::Jwt;
use crate::{
    Server, limits, lock,
    metrics::{GaugeGuard, Metrics},
    outbound::Outbound,
    permits::ConnectionLimiter,
    rate_limit::requests::RequestRateLimiter,
    room::{
        actor::{Ending, Room},
        handle::RoomHandle,
        inbox::{Inbox, Joins},
        seat::Seat,
    },
    server::{OnSwap, RoomInfo},
    settings::{Limits, RoomStrategy},
    tasks::TaskGroup,
    websocket::close::CloseCause,
};

/// All the rooms of a server.
pub(crate) struct Rooms {
    settings: Server,
    metrics: Arc<Metrics>,
    connections: Arc<ConnectionLimiter>,
    /// The keys by which tokens are checked, now.
    #[cfg(feature = "jwt")]
    jwt: Mutex<Option<Arc<Jwt>>>,
    pace: RequestRateLimiter,
    state: Mutex<RegistryState>,
    /// What makes the services of rooms, now.
    generation: Mutex<Arc<ErasedFactory>>,
    /// All tasks of the server, of both kinds.
    tasks: TaskTracker,
    room_tasks: TaskGroup,
    connection_tasks: TaskGroup,
    /// Said when the server begins to stop.
    stopping: CancellationToken,
}

type RoomLife = Instrumented<Pin<Box<dyn Future<Output = ()> + Send>>>;

#[derive(Default)]
struct RegistryState {
    rooms: HashMap<Arc<str>, Arc<Inbox>>,
    /// Rooms that were created through the API and have ended: they may be joined again.
    ended: EndedRooms,
    short_names: Option<ShortNames>,
    backoff: Backoff,
    stopped: bool,
}

impl Rooms {
    pub(crate) fn new(mut settings: Server, factory: impl StateroomServiceFactory) -> Arc<Self> {
        settings.limits.clamp();
        settings.drain_time = settings.drain_time.min(Limits::LONGEST);
        let (interval, timeout) = (settings.heartbeat_interval, settings.heartbeat_timeout);
        if !timeout.is_zero() && timeout <= interval {
            tracing::warn!(?interval, ?timeout, "clients that say nothing are closed before they are pinged");
        }
        let short_names = match settings.room_strategy {
            RoomStrategy::Short(length) => Some(ShortNames::new(length)),
            _ => None,
        };
        let tasks = TaskTracker::new();
        Arc::new(Rooms {
            connections: ConnectionLimiter::new(&settings.limits),
            #[cfg(feature = "jwt")]
            jwt: Mutex::new(settings.admission.jwt.clone().map(Arc::new)),
            pace: RequestRateLimiter::new(&settings.limits),
            metrics: Arc::new(Metrics::new()),
            settings,
            state: Mutex::new(RegistryState { short_names, ..RegistryState::default() }),
            generation: Mutex::new(ErasedFactory::of(factory)),
            room_tasks: TaskGroup::new(&tasks),
            connection_tasks: TaskGroup::new(&tasks),
            tasks,
            stopping: CancellationToken::new(),
        })
    }

    /// What the server is set to.
    pub(crate) fn settings(&self) -> &Server {
        &self.settings
    }

    /// What is measured.
    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// How many connections there are, whatever they are for.
    pub(crate) fn connections(&self) -> &Arc<ConnectionLimiter> {
        &self.connections
    }

    /// The keys by which tokens are checked, if clients need tokens.
    #[cfg(feature = "jwt")]
    pub(crate) fn jwt(&self) -> Option<Arc<Jwt>> {
        lock(&self.jwt).clone()
    }

    #[cfg(feature = "jwt")]
    pub(crate) fn set_jwt(&self, jwt: Jwt) {
        *lock(&self.jwt) = Some(Arc::new(jwt));
    }

    /// How often rooms may be asked over HTTP.
    pub(crate) fn pace(&self) -> &RequestRateLimiter {
        &self.pace
    }

    /// Said when the server begins to stop.
    pub(crate) fn stopping(&self) -> &CancellationToken {
        &self.stopping
    }

    /// Runs a connection's task: it is waited for when the server stops, and dropped when that takes too long.
    pub(crate) fn spawn(&self, connection: impl Future<Output = ()> + Send + 'static) {
        self.connection_tasks.spawn(connection);
    }

    /// Whether a client may join a room, as far as can be known before it does.
    pub(crate) fn may_join(&self, room_id: &str, has_token: bool) -> Result<(), Refusal> {
        let state = self.lock();
        if state.stopped {
            return Err(Refusal::Stopping);
        }
        self.check_id(room_id)?;
        match state.rooms.get(room_id) {
            // Who comes back with its token may take the place of its old connection: that only the room knows.
            Some(inbox) if !has_token && self.is_full(inbox) => Err(Refusal::RoomFull),
            Some(_) => Ok(()),
            None => self.may_begin(&state, room_id),
        }
    }

    fn is_full(&self, inbox: &Inbox) -> bool {
        let is_full = inbox.connections() >= self.settings.limits.room_connections && !inbox.has_ended();
        if is_full {
            limits::exceeded("room_connections");
        }
        is_full
    }

    /// Takes a place in a room, which begins with it if it has to.
    pub(crate) async fn join(
        self: &Arc<Self>,
        room_id: &str,
        token: Option<String>,
        details: ClientDetails,
        outbound: &Arc<Outbound>,
    ) -> Result<Seat, CloseCause> {
        let details = (!details.is_empty()).then(|| Box::new(details));
        let joins = Joins { token, details, outbound: outbound.clone() };
        loop {
            let (inbox, life) = self.find_or_begin(room_id)?;
            let seat = match life {
                Some(life) => {
                    // Whoever has a room begin is in it before it can fail. Nothing is waited for before it begins.
                    let seat = Seat::take_first(inbox, joins.clone());
                    self.spawn_room(life);
                    seat
                }
                None => Seat::take(inbox, joins.clone()).await,
            };
            // A room that ends just now is found again as ended, and replaced.
            if let Ok(seat) = seat {
                return Ok(seat);
            }
        }
    }

    /// Whether a room may be asked something, as far as can be known before it is.
    pub(crate) fn may_be_asked(&self, room_id: &str, may_begin: bool) -> Result<(), Refusal> {
        let state = self.lock();
        if state.stopped {
            return Err(Refusal::Stopping);
        }
        self.check_id(room_id)?;
        match state.rooms.get(room_id) {
            Some(inbox) if !inbox.has_ended() => Ok(()),
            _ if may_begin => self.may_begin(&state, room_id),
            _ => Err(Refusal::NotFound),
        }
    }

    /// The room that is to be asked something. It begins, if it may and has to.
    pub(crate) fn room_to_ask(self: &Arc<Self>, room_id: &str, may_begin: bool) -> Result<RoomHandle, Refusal> {
        let state = self.lock();
        let live = state.rooms.get_key_value(room_id).filter(|(_, inbox)| !inbox.has_ended());
        if let Some((id, inbox)) = live {
            return Ok(RoomHandle::new(id.clone(), inbox.clone()));
        }
        if !may_begin {
            return Err(Refusal::NotFound);
        }
        self.may_begin(&state, room_id)?;
        self.insert(state, room_id.into())
    }

    /// Creates the room of this name.
    pub(crate) fn create(self: &Arc<Self>, room_id: &str) -> Result<RoomHandle, Refusal> {
        self.check_id(room_id)?;
        match self.settings.room_strategy {
            RoomStrategy::Implicit | RoomStrategy::Api => self.insert(self.lock(), room_id.into()),
            RoomStrategy::Uuid | RoomStrategy::Short(_) => Err(Refusal::CreatedUnnamed),
        }
    }

    /// Creates a room, and names it.
    pub(crate) fn create_named(self: &Arc<Self>) -> Result<RoomHandle, Refusal> {
        if self.settings.room_strategy == RoomStrategy::Api {
            return Err(Refusal::CreatedByName);
        }
        let mut state = self.lock();
        // Before a name is used up for nothing.
        self.may_insert(&state)?;
        let name = match &mut state.short_names {
            None => Uuid::new_v4().to_string(),
            Some(_) => state.next_short_name().ok_or(Refusal::Full)?,
        };
        self.insert(state, name.into())
    }

    /// The room of this name, if there is one.
    pub(crate) fn room(&self, room_id: &str) -> Option<RoomHandle> {
        let state = self.lock();
        let (id, inbox) = state.rooms.get_key_value(room_id).filter(|(_, inbox)| !inbox.has_ended())?;
        Some(RoomHandle::new(id.clone(), inbox.clone()))
    }

    /// What rooms there are.
    pub(crate) fn list(&self) -> Vec<RoomInfo> {
        let state = self.lock();
        state.rooms.iter().filter(|(_, inbox)| !inbox.has_ended()).map(info).collect()
    }

    /// What is seen of a room, if there is one of this name.
    pub(crate) fn info(&self, room_id: &str) -> Option<RoomInfo> {
        self.lock().rooms.get_key_value(room_id).filter(|(_, inbox)| !inbox.has_ended()).map(info)
    }

    /// Whether the server has begun to stop.
    pub(crate) fn is_stopping(&self) -> bool {
        self.lock().stopped
    }

    /// The room, and its life, if that has yet to begin.
    fn find_or_begin(self: &Arc<Self>, room_id: &str) -> Result<(Arc<Inbox>, Option<RoomLife>), CloseCause> {
        let state = self.lock();
        if let Some(inbox) = state.rooms.get(room_id)
            && !inbox.has_ended()
        {
            return Ok((inbox.clone(), None));
        }
        if state.stopped {
            return Err(CloseCause::Stopping);
        }
        if let Some(rest) = state.backoff.rest(room_id, Instant::now()) {
            return Err(CloseCause::BackingOff(rest));
        }
        if !state.rooms.contains_key(room_id) {
            self.may_begin(&state, room_id).map_err(|refusal| match refusal {
                Refusal::NotFound => CloseCause::NotFound,
                _ => CloseCause::RoomsFull,
            })?;
        }
        let (inbox, life) = self.begin(state, room_id.into());
        Ok((inbox, Some(life)))
    }

    /// Whether a room that is not there may begin because somebody joins it.
    fn may_begin(&self, state: &RegistryState, room_id: &str) -> Result<(), Refusal> {
        if self.settings.room_strategy != RoomStrategy::Implicit && !state.ended.contains(room_id) {
            Err(Refusal::NotFound)
        } else {
            self.may_insert(state)
        }
    }

    fn check_id(&self, room_id: &str) -> Result<(), Refusal> {
        let limit = self.settings.limits.room_id_bytes;
        match room_id.len() {
            0 => Err(Refusal::IdEmpty),
            length if length > limit => {
                limits::exceeded("room_id_bytes");
                Err(Refusal::IdTooLong { limit })
            }
            _ => Ok(()),
        }
    }

    fn insert(
        self: &Arc<Self>,
        state: MutexGuard<'_, RegistryState>,
        room_id: Arc<str>,
    ) -> Result<RoomHandle, Refusal> {
        if state.rooms.get(&room_id).is_some_and(|inbox| !inbox.has_ended()) {
            return Err(Refusal::Exists);
        }
        self.may_insert(&state)?;
        if state.backoff.rest(&room_id, Instant::now()).is_some() {
            return Err(Refusal::BackingOff);
        }
        let (inbox, life) = self.begin(state, room_id.clone());
        self.spawn_room(life);
        Ok(RoomHandle::new(room_id, inbox))
    }

    fn may_insert(&self, state: &RegistryState) -> Result<(), Refusal> {
        let rooms = state.rooms.len();
        if state.stopped {
            Err(Refusal::Stopping)
        } else if rooms >= self.settings.limits.rooms {
            limits::exceeded("rooms");
            Err(Refusal::Full)
        } else if !(self.generation().has_space)(rooms) {
            limits::exceeded("instances");
            Err(Refusal::Full)
        } else {
            Ok(())
        }
    }

    fn begin(self: &Arc<Self>, mut state: MutexGuard<'_, RegistryState>, room_id: Arc<str>) -> (Arc<Inbox>, RoomLife) {
        let inbox = Arc::new(Inbox::new(&self.settings.limits));
        state.ended.forget(&room_id);
        state.rooms.insert(room_id.clone(), inbox.clone());
        drop(state);
        tracing::debug!(room = &*room_id, "a room begins");
        let span = tracing::debug_span!("room", room = &*room_id);
        let life: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(self.clone().live(room_id, inbox.clone()));
        (inbox, life.instrument(span))
    }

    /// A room's life, with whatever services it has one after the other.
    async fn live(self: Arc<Self>, room_id: Arc<str>, inbox: Arc<Inbox>) {
        let _gauge = GaugeGuard::of(&self.metrics.rooms);
        let (limits, policy) = (&self.settings.limits, self.settings.shutdown_policy);
        let mut next = Some(Room::new(room_id, inbox, limits, policy, self.metrics.clone()));
        while let Some(room) = next {
            next = (self.generation().live)(self.clone(), room).await;
        }
    }

    fn generation(&self) -> Arc<ErasedFactory> {
        lock(&self.generation).clone()
    }

    /// From now on, services of another factory: in new rooms, and, if they are to begin again, in those there are.
    pub(crate) fn swap(&self, factory: impl StateroomServiceFactory, on_swap: OnSwap) {
        *lock(&self.generation) = ErasedFactory::of(factory);
        if on_swap == OnSwap::Restart {
            self.lock().rooms.values().for_each(|inbox| inbox.restart());
        }
    }

    fn spawn_room(&self, life: RoomLife) {
        self.room_tasks.spawn(life);
    }

    /// A room has ended; what follows for its name.
    fn ended(&self, room_id: &Arc<str>, inbox: &Arc<Inbox>, ending: &Ending) {
        let mut state = self.lock();
        if state.rooms.get(room_id).is_some_and(|current| Arc::ptr_eq(current, inbox)) {
            state.rooms.remove(room_id);
            if self.settings.room_strategy != RoomStrategy::Implicit {
                state.ended.remember(room_id.clone(), self.settings.limits.remembered_rooms);
            }
        }
        if let Ending::Failed(_) = ending {
            state.backoff.failed(room_id, Instant::now());
        }
        drop(state);
        match ending {
            Ending::Failed(fault) => {
                let (room, event, reason) = (&**room_id, fault.event(), fault.kind().label());
                ::metrics::counter!("stateroom_faults_total", "reason" => reason).increment(1);
                // One line. Quoted as a field, as the names in a backtrace are the guest's.
                tracing::error!(
                    room,
                    event,
                    reason,
                    backtrace = fault.backtrace(),
                    "a room's service failed: {}",
                    fault.message()
                );
            }
            Ending::NoSpace(fault) => {
                tracing::warn!(room = &**room_id, "a room cannot begin: {}", fault.message());
            }
            ending => tracing::debug!(room = &**room_id, ?ending, "a room ends"),
        }
    }

    fn lock(&self) -> MutexGuard<'_, RegistryState> {
        lock(&self.state)
    }
}

fn info((id, inbox): (&Arc<str>, &Arc<Inbox>)) -> RoomInfo {
    let vitals = inbox.vitals();
    RoomInfo {
        id: id.to_string(),
        connections: inbox.connections(),
        age: vitals.age(),
        events: vitals.events(),
        computed: vitals.computed(),
        memory_bytes: vitals.memory_bytes(),
    }
}

impl RegistryState {
    /// The next short name that no room has. Of one more name than there are rooms, one is free.
    fn next_short_name(&mut self) -> Option<String> {
        let names = self.short_names.as_mut()?;
        let tries = names.count().min(self.rooms.len() as u64 + 1);
        (0..tries).map(|_| names.next_name()).find(|name| !self.rooms.contains_key(name.as_str()))
    }
}
