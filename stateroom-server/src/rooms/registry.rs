//! The registry of rooms: existing rooms, the start of new ones, and the memory of ended ones.
//!
//! *Invariant:* the lock is held to look up or insert a room, never while one starts, runs or ends. A room that has ended
//! is never joined: the next join replaces it with a fresh one.
use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Once, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::{Mutex, MutexGuard};
use stateroom::{StateroomServiceFactory, details::ClientDetails};
use stateroom_memory::Relief;
use tokio::{
    runtime::Handle,
    sync::oneshot,
    time::{Instant, timeout},
};
use tracing::{Instrument, instrument::Instrumented};

use super::{
    Maker, OnSwap, Refusal, RoomInfo,
    decide::{Decision, Facts, Want, decide},
    factory::ErasedFactory,
    fault_log::log_end,
    relief::ROOM_BYTES,
    state::{RegistryState, RoomEntry},
};
use crate::{
    metrics::{GaugeGuard, Metrics},
    outbound::Outbound,
    room::{
        actor::{Ending, Room, sleep::PLACE_TIME},
        command::JoinRequest,
        egress::Egress,
        handle::RoomHandle,
        inbox::Inbox,
        places::Places,
        seat::Seat,
    },
    settings::{Limit, RoomStrategy, ShutdownPolicy},
    shared::Shared,
};

/// How long a new room waits for an empty one to end, or for another to sleep.
const EVICTION_TIME: Duration = Duration::from_secs(1);
/// How many empty rooms are ended for a new one, if others take their places.
const MAX_EVICTIONS: usize = 4;

/// The rooms of a server.
pub(crate) struct RoomRegistry {
    shared: Arc<Shared>,
    state: Mutex<RegistryState>,
    /// The factory of the services of new rooms.
    factory: Mutex<Arc<ErasedFactory>>,
    /// The number of rooms that sleep, and need no place for a service.
    asleep: AtomicUsize,
    places: Arc<Places>,
    /// Whether the task that wakes sleeping rooms was started.
    pub(super) waker: Once,
}

/// The future that runs a room.
type RoomRun = Instrumented<Pin<Box<dyn Future<Output = ()> + Send>>>;

/// A room in the registry.
struct RegisteredRoom {
    id: Arc<str>,
    inbox: Arc<Inbox>,
}

/// The answer to a caller that is not refused.
enum Placement {
    Existing(RegisteredRoom),
    MayBegin,
    NeedsPlace(Limit),
}

impl RoomRegistry {
    pub(crate) fn new(shared: Arc<Shared>, factory: impl StateroomServiceFactory) -> Arc<Self> {
        let settings = shared.settings();
        let state = RegistryState::new(settings);
        let factory = Mutex::new(Arc::new(ErasedFactory::new(factory, &shared)));
        let registry = Arc::new(RoomRegistry {
            shared,
            state: Mutex::new(state),
            factory,
            asleep: AtomicUsize::new(0),
            places: Arc::default(),
            waker: Once::new(),
        });
        if Handle::try_current().is_ok() {
            registry.start_waker();
        }
        let relief: Weak<dyn Relief> = Arc::downgrade(&(registry.clone() as Arc<dyn Relief>));
        registry.shared.memory().budget().add_relief(relief);
        registry
    }

    /// Returns the shared state of the server.
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Decides about a caller without acting on the decision: for refusals before a WebSocket's 101.
    pub(crate) async fn check(&self, room_id: &str, want: Want, maker: Maker) -> Result<(), Refusal> {
        self.settle_memory();
        let is_stored = self.is_stored(room_id).await?;
        self.decide(&self.lock(), room_id, is_stored, want, maker).map(drop)
    }

    /// Joins a room, and starts it if necessary.
    pub(crate) async fn join(
        self: &Arc<Self>,
        room_id: &str,
        maker: Maker,
        token: Option<String>,
        mut details: ClientDetails,
        outbound: &Arc<Outbound>,
    ) -> Result<Seat, Refusal> {
        let want = Want::Join { has_token: token.is_some() };
        if self.shared.settings().store.is_some() {
            details.token.clone_from(&token);
        }
        let details = (!details.is_empty()).then(|| Box::new(details));
        let request = JoinRequest { token, details, egress: Egress::new(outbound.clone()) };
        loop {
            let seat = match self.find_or_start(Some(room_id), want, maker, "join").await? {
                (RegisteredRoom { inbox, .. }, Some(run)) => {
                    // The client whose join starts the room is in it before it can fail.
                    let seat = Seat::take_first(inbox, request.clone());
                    self.spawn_room(run);
                    seat
                }
                (RegisteredRoom { inbox, .. }, None) => Seat::take(inbox, request.clone()).await,
            };
            // A room that ended in the meantime is replaced in the next round.
            if let Ok(seat) = seat {
                return Ok(seat);
            }
        }
    }

    /// Returns the room that a request goes to, and starts it if `may_begin` and necessary.
    pub(crate) async fn room_for_request(
        self: &Arc<Self>,
        room_id: &str,
        maker: Maker,
        may_begin: bool,
    ) -> Result<RoomHandle, Refusal> {
        let cause = if maker == Maker::Program { "call" } else { "request" };
        self.find_or_spawn(Some(room_id), Want::Request { may_begin }, maker, cause).await
    }

    /// Starts a room that sleeps in the store, because its timer is due.
    pub(super) async fn wake_for_timer(self: &Arc<Self>, room_id: &str) -> Result<RoomHandle, Refusal> {
        self.find_or_spawn(Some(room_id), Want::Request { may_begin: true }, Maker::Unknown, "timer").await
    }

    /// Creates a room with the given ID, or a generated one.
    pub(crate) async fn create(self: &Arc<Self>, room_id: Option<&str>, maker: Maker) -> Result<RoomHandle, Refusal> {
        let want = if room_id.is_some() { Want::Create } else { Want::CreateUnnamed };
        self.find_or_spawn(room_id, want, maker, "call").await
    }

    /// Returns the room with the given ID, if it exists.
    pub(crate) fn get(&self, room_id: &str) -> Option<RoomHandle> {
        let state = self.lock();
        let (id, inbox) = state.live(room_id)?;
        Some(RoomHandle::new(id.clone(), inbox.clone()))
    }

    /// Returns a snapshot of all rooms, and of those that are broken.
    pub(crate) fn list(&self) -> Vec<RoomInfo> {
        let state = self.lock();
        state
            .rooms
            .iter()
            .map(|(id, entry)| (id, &entry.inbox))
            .filter(|(_, inbox)| !inbox.has_ended())
            .map(RoomInfo::of_room)
            .chain(self.shared.broken().list().into_iter().map(RoomInfo::of_broken))
            .collect()
    }

    /// Returns a snapshot of one room, if it exists.
    pub(crate) fn info(&self, room_id: &str) -> Option<RoomInfo> {
        let info = self.lock().live(room_id).map(RoomInfo::of_room);
        info.or_else(|| Some(RoomInfo::of_broken((room_id.into(), self.shared.broken().get(room_id)?))))
    }

    /// Returns whether the server has begun to shut down.
    pub(crate) fn is_stopping(&self) -> bool {
        self.lock().stopping
    }

    /// Replaces the factory: for new rooms, and with [`OnSwap::Restart`] for existing ones.
    pub(crate) fn swap(&self, factory: impl StateroomServiceFactory, on_swap: OnSwap) {
        *self.factory.lock() = Arc::new(ErasedFactory::new(factory, &self.shared));
        if self.shared.settings().store.is_some() {
            tracing::info!("durable rooms keep the module that they began with: the new one is for new rooms");
            return;
        }
        if on_swap == OnSwap::Restart {
            self.lock().rooms.values().for_each(|entry| entry.inbox.restart());
        }
    }

    async fn find_or_spawn(
        self: &Arc<Self>,
        room_id: Option<&str>,
        want: Want,
        maker: Maker,
        cause: &'static str,
    ) -> Result<RoomHandle, Refusal> {
        let (room, run) = self.find_or_start(room_id, want, maker, cause).await?;
        if let Some(run) = run {
            self.spawn_room(run);
        }
        Ok(RoomHandle::new(room.id, room.inbox))
    }

    /// Returns the room, and the future that runs it if the room is new, or woken for this cause. Ends an empty room if there is no place for it.
    async fn find_or_start(
        self: &Arc<Self>,
        room_id: Option<&str>,
        want: Want,
        maker: Maker,
        cause: &'static str,
    ) -> Result<(RegisteredRoom, Option<RoomRun>), Refusal> {
        let (settings, started, mut evictions) = (self.shared.settings(), Instant::now(), 0);
        while evictions < MAX_EVICTIONS {
            self.settle_memory();
            self.start_waker();
            let is_stored = self.is_stored(room_id.unwrap_or_default()).await?;
            let ended = {
                let mut state = self.lock();
                match self.decide(&state, room_id.unwrap_or_default(), is_stored, want, maker)? {
                    Placement::Existing(room) => return Ok((room, None)),
                    Placement::MayBegin => {
                        let id = match room_id {
                            Some(room_id) => room_id.into(),
                            None => state.generate_name().ok_or(Refusal::Full)?,
                        };
                        if is_stored {
                            Metrics::woken(cause);
                        }
                        let (room, run) = self.start(state, id, maker);
                        return Ok((room, Some(run)));
                    }
                    Placement::NeedsPlace(Limit::Instances) if settings.keeps_rooms() => {
                        if started.elapsed() >= PLACE_TIME {
                            Limit::Instances.exceeded();
                            return Err(Refusal::Full);
                        }
                        state.rest()
                    }
                    Placement::NeedsPlace(limit) => {
                        limit.exceeded();
                        evictions += 1;
                        Some(match limit {
                            Limit::AddressRooms => state.evict_of(maker).ok_or(Refusal::AddressFull)?,
                            _ => state.evict().ok_or(Refusal::Full)?,
                        })
                    }
                }
            };
            self.wait_for_place(ended).await;
        }
        Err(Refusal::Full)
    }

    /// Waits until this room has ended, or sleeps, or else until one that offers its place does, for a while.
    async fn wait_for_place(&self, ended: Option<oneshot::Receiver<()>>) {
        let ended = match ended {
            None => self.places.wait().await,
            ended => ended,
        };
        if let Some(ended) = ended {
            let _ = timeout(EVICTION_TIME, ended).await;
        }
    }

    /// Applies [`decide`] to the registry's state.
    fn decide(
        &self,
        state: &RegistryState,
        room_id: &str,
        is_stored: bool,
        want: Want,
        maker: Maker,
    ) -> Result<Placement, Refusal> {
        let settings = self.shared.settings();
        let entry = state.rooms.get_key_value(room_id);
        let other_rooms = state.rooms.len() - usize::from(entry.is_some());
        let services = other_rooms.saturating_sub(self.asleep.load(Ordering::Relaxed));
        let now = Instant::now();
        let facts = Facts {
            strategy: settings.room_strategy,
            limits: &settings.limits,
            stopping: state.stopping,
            connections: entry.and_then(|(_, entry)| entry.inbox.live_connections()),
            other_rooms,
            existed: entry.is_some() || state.ended.contains(room_id),
            is_stored,
            is_broken: is_stored && self.shared.broken().contains(room_id),
            memory_is_short: self.shared.memory().budget().is_short(),
            rest: &|| state.backoff.rest(room_id, now),
            may_make: &|| state.makers.check(maker, now),
            may_evict_own: &|| {
                settings.shutdown_policy != ShutdownPolicy::Never && state.first_vacant_of(maker).is_some()
            },
            may_evict: &|| settings.shutdown_policy != ShutdownPolicy::Never && state.evictions.may_succeed(now),
            may_rest: &|| settings.keeps_rooms(),
            has_space: &|| self.factory().has_space(services),
        };
        match decide(&facts, room_id, want) {
            Decision::Existing => entry.map(Placement::existing).ok_or(Refusal::NotFound),
            Decision::MayBegin => Ok(Placement::MayBegin),
            Decision::NeedsPlace { limit } => Ok(Placement::NeedsPlace(limit)),
            Decision::Refused { refusal, limit } => {
                limit.into_iter().for_each(Limit::exceeded);
                Err(refusal)
            }
        }
    }

    fn start(
        self: &Arc<Self>,
        mut state: MutexGuard<'_, RegistryState>,
        id: Arc<str>,
        maker: Maker,
    ) -> (RegisteredRoom, RoomRun) {
        let inbox = Arc::new(Inbox::new(&self.shared.settings().limits));
        state.ended.forget(&id);
        state.add(id.clone(), RoomEntry { inbox: inbox.clone(), maker });
        drop(state);
        tracing::debug!(room = &*id, "room started");
        let span = tracing::debug_span!("room", room = &*id);
        let run: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(self.clone().run(id.clone(), inbox.clone()));
        (RegisteredRoom { id, inbox }, run.instrument(span))
    }

    /// Runs a room to its end, with one service after the other if the factory is replaced.
    async fn run(self: Arc<Self>, room_id: Arc<str>, inbox: Arc<Inbox>) {
        let (settings, metrics) = (self.shared.settings(), self.shared.metrics());
        let _gauge = GaugeGuard::of(&metrics.rooms);
        let mut next = Some(Room::boxed(room_id, inbox, settings, metrics.clone(), self.places.clone()));
        let mut factory = self.factory();
        while let Some(mut room) = next {
            let (registry, room_id, inbox) = (self.clone(), room.id().clone(), room.inbox().clone());
            let on_end = Box::new(move |ending: &Ending| registry.remove(&room_id, &inbox, ending));
            if room.waits_for_place() {
                let rests = self.lock().rest();
                self.wait_for_place(rests).await;
            }
            let asleep = room.is_asleep().then(|| {
                self.shared.memory().budget().freed(ROOM_BYTES);
                Counted::new(&self.asleep)
            });
            let end = room.wake().await;
            drop(asleep);
            next = match end {
                None => {
                    if !room.continues_in_memory() {
                        factory = self.factory();
                    }
                    factory.run(room, on_end).await
                }
                Some(ending) => {
                    room.end(&ending, on_end);
                    None
                }
            };
        }
    }

    /// Has memory given back if it is short: before the lock is taken, which that needs.
    fn settle_memory(&self) {
        self.shared.memory().budget().settle();
    }

    fn factory(&self) -> Arc<ErasedFactory> {
        self.factory.lock().clone()
    }

    fn spawn_room(&self, run: RoomRun) {
        self.shared.spawn_room(run);
    }

    /// Removes a room that has ended.
    fn remove(&self, room_id: &Arc<str>, inbox: &Arc<Inbox>, ending: &Ending) {
        let settings = self.shared.settings();
        let mut state = self.lock();
        if state.rooms.get(room_id).is_some_and(|current| Arc::ptr_eq(&current.inbox, inbox)) {
            state.remove(room_id);
            if settings.room_strategy != RoomStrategy::Implicit {
                state.ended.remember(room_id.clone(), settings.limits.remembered_rooms);
            }
        }
        if let Ending::Failed(_) = ending
            && !self.shared.broken().contains(room_id)
        {
            state.backoff.failed(room_id, Instant::now());
        }
        drop(state);
        log_end(room_id, ending, self.shared.fault_warnings());
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, RegistryState> {
        self.state.lock()
    }
}

/// Adds one to a number until it is dropped.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(number: &'a AtomicUsize) -> Self {
        number.fetch_add(1, Ordering::Relaxed);
        Counted(number)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Placement {
    fn existing((id, entry): (&Arc<str>, &RoomEntry)) -> Self {
        Placement::Existing(RegisteredRoom { id: id.clone(), inbox: entry.inbox.clone() })
    }
}
