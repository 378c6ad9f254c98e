//! The task of a room: takes the commands that have arrived, has the service handle the events, writes to the clients.
//!
//! *Invariant:* the rules of the room are its core's. The actor decides only when something happens.
mod delivery;
pub(crate) mod sleep;

use std::{
    future::{Future, poll_fn},
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::FutureExt;
use stateroom::{
    StateroomService,
    durable::Fate,
    fault::{Fault, FaultKind},
    room::{self, CloseReason, Phase, Rejected, RoomContext, RoomCore, RoomOutput, RosterSnapshot},
};
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::oneshot,
    task::yield_now,
    time::Instant,
};

use self::sleep::Sleep;
use super::{
    clock::Alarm,
    command::{JoinRequest, RoomCommand},
    drain::Drain,
    inbox::Inbox,
    output::Output,
    places::Places,
    start::ServiceSource,
    turn::Turn,
};
use crate::{
    durable::{Keep, StallReport},
    metrics::Metrics,
    settings::Settings,
};

/// Number of commands an idle room keeps memory for.
const KEPT_COMMANDS: usize = 512;

/// How a room ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// It was empty for as long as the policy allows.
    Empty,
    /// The server or the program around the rooms stopped it.
    Stopped(CloseReason),
    /// The host had no capacity for its service.
    NoSpace(Fault),
    /// Its service failed.
    Failed(Fault),
}

impl Ending {
    /// Returns what happens to the state of the room: nothing if its service failed.
    fn fate(&self, is_durable: bool) -> Option<Fate> {
        match self {
            Ending::Empty | Ending::Stopped(CloseReason::Stopping) if is_durable => Some(Fate::Sleeps),
            Ending::Empty | Ending::Stopped(_) => Some(Fate::Ends),
            Ending::NoSpace(_) | Ending::Failed(_) => None,
        }
    }
}

/// How a service ended.
enum ServiceEnd {
    /// The room ended with it.
    Room(Ending),
    /// Another service replaces it.
    Restart,
    /// Nothing has happened for a while, and another service continues when something does.
    Asleep,
}

/// Runs a room with a service from this source. `on_end` is called when the room has ended, before its clients are closed.
/// Returns the room if it continues with another service.
pub(crate) async fn run(
    source: &impl ServiceSource,
    mut room: Box<Room>,
    on_end: impl FnOnce(&Ending),
) -> Option<Box<Room>> {
    let room_id = room.id.clone();
    let context = Arc::new(RoomContext::new(room_id.clone(), room.inbox.clone()));
    let (keep, stall) = (room.keep.clone(), room.stall.clone());
    let created =
        room.watch(Box::pin(contain(source.create(&room_id, &context, keep.as_ref(), &stall))).as_mut()).await;
    let end = match created {
        Ok((mut service, resumed)) => {
            let outcome = contain(room.serve(&mut service, resumed, &context)).await;
            let fate = match &outcome {
                Ok(ServiceEnd::Room(ending)) => ending.fate(room.is_durable()),
                Ok(ServiceEnd::Asleep) => Some(Fate::Sleeps),
                Ok(ServiceEnd::Restart) => Some(Fate::Ends),
                Err(_) => None,
            };
            if let Some(fate) = fate {
                room.watch(pin!(service.put_away(fate))).await;
            }
            // A panic in the service's `Drop` does not concern the room.
            if catch_unwind(AssertUnwindSafe(|| drop(service))).is_err() {
                tracing::warn!(room = &*room_id, "the service panicked while it was dropped");
            }
            outcome.unwrap_or_else(|fault| ServiceEnd::Room(Ending::Failed(fault)))
        }
        Err(fault) if fault.kind() == FaultKind::NoSpace => {
            if room.may_wait_for_place() {
                return Some(room);
            }
            ServiceEnd::Room(Ending::NoSpace(fault))
        }
        Err(fault) if fault.kind() == FaultKind::DiskFull => ServiceEnd::Room(Ending::NoSpace(fault)),
        Err(fault) => ServiceEnd::Room(Ending::Failed(fault)),
    };
    match end {
        ServiceEnd::Room(ending) => room.end(&ending, on_end),
        ServiceEnd::Restart => {
            room.has_begun = false;
            return Some(room);
        }
        ServiceEnd::Asleep => {
            room.sleep = Sleep::Asleep;
            room.rest = None;
            room.inbox.stats().set_memory(None);
            return Some(room);
        }
    }
    None
}

/// Runs a future, and turns a panic in it into a fault.
async fn contain<T>(future: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let outcome = AssertUnwindSafe(future).catch_unwind().await;
    outcome.unwrap_or_else(|panic| Err(Fault::from_panic(FaultKind::Panic, &*panic)))
}

/// A room without its service.
pub(crate) struct Room {
    id: Arc<str>,
    inbox: Arc<Inbox>,
    core: RoomCore<Output>,
    output: Output,
    alarm: Alarm,
    metrics: Arc<Metrics>,
    /// CPU time of events that have not returned.
    cpu_time: Duration,
    /// Time spent on messages to many clients that the service is not charged for yet.
    host_time: Duration,
    /// The schedule that closes the clients while the room drains.
    drain: Option<Drain>,
    /// Asks the room to end if it is empty.
    eviction: Option<oneshot::Sender<()>>,
    /// The place where the room is kept while it has no service, if it may be without one.
    keep: Option<Keep>,
    /// The time without an event after which it sleeps then.
    sleep_after: Duration,
    sleep: Sleep,
    /// Whether the service knows who is in the room.
    has_begun: bool,
    /// The places that rooms wait for, among which it offers its own while it is idle.
    places: Arc<Places>,
    /// Asks the room to sleep.
    rest: Option<oneshot::Sender<()>>,
    /// Whether the service waits for a disk that does not answer.
    stall: Arc<StallReport>,
    /// Dropping these reports the room's end.
    waiting_for_end: Vec<oneshot::Sender<()>>,
}

impl Room {
    pub(crate) fn id(&self) -> &Arc<str> {
        &self.id
    }

    pub(crate) fn inbox(&self) -> &Arc<Inbox> {
        &self.inbox
    }

    /// Creates a room. Boxed, because the futures that pass it on would each have space for it.
    pub(crate) fn boxed(
        id: Arc<str>,
        inbox: Arc<Inbox>,
        settings: &Settings,
        metrics: Arc<Metrics>,
        places: Arc<Places>,
    ) -> Box<Self> {
        let config = settings.shutdown_policy.room_config(&settings.limits, settings.store.is_some());
        Box::new(Room {
            core: RoomCore::new(config),
            output: Output::new(id.clone(), metrics.clone()),
            id,
            inbox,
            alarm: Alarm::default(),
            metrics,
            cpu_time: Duration::ZERO,
            host_time: Duration::ZERO,
            drain: None,
            eviction: None,
            keep: Keep::new(settings),
            sleep_after: settings.sleep_after,
            sleep: Sleep::Awake,
            has_begun: false,
            places,
            rest: None,
            stall: Arc::default(),
            waiting_for_end: Vec::new(),
        })
    }

    /// Runs the room with this service, until the room or the service ends.
    async fn serve<S: StateroomService>(
        &mut self,
        service: &mut S,
        resumed: Option<RosterSnapshot>,
        context: &RoomContext<Inbox>,
    ) -> Result<ServiceEnd, Fault> {
        let flavor = Handle::current().runtime_flavor();
        let mut commands = Vec::new();
        self.sleep = Sleep::Awake;
        // The clients of a room that has slept are still here, and the service knows it.
        if !mem::replace(&mut self.has_begun, true) {
            match resumed {
                Some(roster) => self.core.resume(&roster),
                None => self.core.begin(),
            }
        }
        let mut last_event = Instant::now();
        self.run_batch(service, context).await?;
        loop {
            if self.output.members.is_clean() && self.core.is_idle() {
                self.core.update_empty_deadline(&self.output);
                let may_sleep = self.keep.is_some() && self.drain.is_none();
                let sleeps_at = may_sleep.then(|| last_event + self.sleep_after);
                if sleeps_at.is_some() {
                    // A room to which something has happened since it was asked stays awake.
                    self.rest.take_if(|_| !self.inbox.is_empty());
                    if self.rest.is_some() {
                        return Ok(self.fall_asleep());
                    }
                    self.inbox.idle_since(last_event);
                    self.places.offer(&self.inbox);
                }
                if !poll_fn(|context| self.poll_work(sleeps_at, context)).await {
                    return Ok(self.fall_asleep());
                }
                if self.keep.is_some() {
                    last_event = Instant::now();
                }
                // Commands that arrive in the same turn of the runtime are then handled and written together.
                for _ in 0..yields_to_gather(&flavor, self.output.members.len()) {
                    yield_now().await;
                }
            } else {
                yield_now().await;
            }
            // Slow clients leave before the timer fires, as a `disconnect` may replace it.
            self.core.fire_due_timer(&self.output);
            self.close_due();
            if !self.is_restarting() {
                self.inbox.take(&mut commands);
            }
            if !commands.is_empty() {
                self.metrics.batch_events.record(commands.len() as f64);
            }
            self.handle(&mut commands, service, context).await?;
            self.end_drain();
            self.inbox.stats().set_memory(service.memory_bytes());
            self.write();
            self.charge(service);
            self.remove_slow();
            match self.core.phase() {
                Phase::Stopping(reason) => return Ok(ServiceEnd::Room(Ending::Stopped(reason.clone()))),
                // This service still receives the `disconnect` of a client that has just left for being slow.
                Phase::Restarting { .. } if self.core.is_idle() => {
                    self.core.end_service(&mut self.output);
                    return Ok(ServiceEnd::Restart);
                }
                Phase::Running | Phase::Draining | Phase::Restarting { .. } => {}
            }
            self.core.update_empty_deadline(&self.output);
            let eviction = self.eviction.take();
            let is_evicted = eviction.is_some() && self.core.is_empty() && self.core.is_idle();
            if (is_evicted || self.core.is_expired(&self.output)) && self.inbox.end_if_empty() {
                self.waiting_for_end.extend(eviction);
                return Ok(ServiceEnd::Room(Ending::Empty));
            }
            // The memory of a room's busiest moment is given back.
            commands.shrink_to(KEPT_COMMANDS);
            self.core.shrink();
        }
    }

    /// Ready with `true` when a command has arrived, or a deadline has passed, and else with `false` at the time to sleep.
    fn poll_work(&mut self, sleeps_at: Option<Instant>, context: &mut Context<'_>) -> Poll<bool> {
        if self.inbox.poll_commands(context).is_ready() {
            return Poll::Ready(true);
        }
        let wake = self.core.next_wake().and_then(|at| self.output.clock.instant(at));
        let drain = self.drain.as_ref().and_then(Drain::next);
        let deadline = wake.into_iter().chain(drain).min();
        let next = deadline.into_iter().chain(sleeps_at).min();
        self.alarm.poll(next, context).map(|()| deadline == next)
    }

    /// Ends the room, and closes its clients.
    pub(crate) fn end(&mut self, ending: &Ending, on_end: impl FnOnce(&Ending)) {
        let late = self.inbox.end();
        on_end(ending);
        self.close(ending, late);
    }

    fn is_durable(&self) -> bool {
        self.keep.as_ref().is_some_and(Keep::is_durable)
    }

    fn is_restarting(&self) -> bool {
        matches!(self.core.phase(), Phase::Restarting { .. })
    }

    async fn handle<S: StateroomService>(
        &mut self,
        commands: &mut Vec<RoomCommand>,
        service: &mut S,
        context: &RoomContext<Inbox>,
    ) -> Result<(), Fault> {
        let mut result = Ok(());
        // Commands behind a restart are for the next service.
        let is_restart = |command: &RoomCommand| matches!(command, RoomCommand::Restart) && !self.is_durable();
        if let Some(restart) = commands.iter().position(is_restart) {
            self.inbox.put_back(commands.split_off(restart + 1));
        }
        // The room has waited since the last one.
        self.output.turn = Turn::default();
        for command in commands.drain(..) {
            if matches!(command, RoomCommand::Effect(_)) {
                // In order with the events before it.
                if result.is_ok() {
                    result = self.run_batch(service, context).await;
                }
                // After a fault, only joins matter: their clients are closed with the others.
                if result.is_err() {
                    continue;
                }
            }
            self.pass_on(command);
            if self.output.pauses_between_events() {
                self.rest().await;
            }
        }
        result?;
        self.close_due();
        self.run_batch(service, context).await
    }

    /// Passes a command to the core.
    fn pass_on(&mut self, command: RoomCommand) {
        let is_durable = self.is_durable();
        let core = &mut self.core;
        match command {
            RoomCommand::Join { connection, request } => {
                let JoinRequest { token, details, egress } = request;
                let request = room::JoinRequest { connection, token, details, egress };
                if let Err(Rejected { egress, reason }) = core.join(request, &mut self.output) {
                    egress.close(reason.into());
                }
            }
            RoomCommand::Leave { connection, close } => core.leave(connection, close),
            RoomCommand::Message { connection, message } => core.message(connection, message),
            RoomCommand::InjectMessage { client, message } => {
                core.inject_message(client, message);
            }
            RoomCommand::Effect(effect) => core.apply(effect, &mut self.output),
            RoomCommand::Call { message, reply } => core.call(message, reply),
            RoomCommand::Request { request, reply } => core.request(request, reply),
            RoomCommand::FireTimer => core.fire_timer(),
            RoomCommand::Restart if is_durable => {
                tracing::warn!(
                    room = &*self.id,
                    "a durable room is not restarted with a fresh service: it would lose its state"
                );
            }
            RoomCommand::Restart => core.restart(),
            RoomCommand::Drain { time, done } => {
                core.drain();
                self.drain = Some(Drain::new(core.connections(), time, done));
            }
            RoomCommand::Rest { slept } => self.rest = Some(slept),
            RoomCommand::Evict { ended } => self.eviction = Some(ended),
            RoomCommand::Stop { reason, ended } => {
                self.waiting_for_end.extend(ended);
                core.stop(reason);
            }
        }
    }

    /// Closes the clients that are due while the room drains.
    fn close_due(&mut self) {
        let Some(drain) = &mut self.drain else { return };
        for connection in drain.take_due() {
            self.core.leave(connection, Some(CloseReason::Stopping.into()));
        }
    }

    /// Reports that the room is drained, once it is empty.
    fn end_drain(&mut self) {
        if self.core.is_empty() && self.core.is_idle() {
            self.drain = None;
        }
    }

    /// Runs a future of the service, and closes the clients that wait while the disk does not answer.
    async fn watch<T>(&mut self, mut future: Pin<&mut impl Future<Output = T>>) -> T {
        poll_fn(|context| {
            let poll = future.as_mut().poll(context);
            self.close_waiting();
            poll
        })
        .await
    }

    /// Closes the clients of which something waits for a disk that does not answer. They leave when it does.
    fn close_waiting(&mut self) {
        if self.stall.take() {
            let waiting = self.output.members.waiting().chain(self.core.joining());
            waiting
                .cloned()
                .chain(self.inbox.joining())
                .for_each(|egress| egress.close(CloseReason::DiskStalled.into()));
        }
    }

    /// Removes the clients that did not keep up.
    fn remove_slow(&mut self) {
        for (client, connection) in self.output.take_slow() {
            self.core.lose(client, connection);
        }
    }

    /// Closes all clients that are in the room or about to be.
    fn close(&mut self, ending: &Ending, late: Vec<RoomCommand>) {
        let reason = match ending {
            Ending::Empty => CloseReason::Stopping,
            Ending::Stopped(reason) => reason.clone(),
            Ending::NoSpace(_) => CloseReason::NoCapacity,
            Ending::Failed(fault) => CloseReason::ServiceFailed(fault.public_reason()),
        };
        self.core.close(&reason, &mut self.output);
        for command in late {
            if let RoomCommand::Join { request, .. } = command {
                request.egress.close(reason.clone().into());
            }
        }
    }
}

impl Drop for Room {
    /// Closes the clients if the room's task is aborted.
    fn drop(&mut self) {
        let late = self.inbox.end();
        self.close(&Ending::Stopped(CloseReason::Stopping), late);
    }
}

/// Number of times to yield, so that whatever the readers of this runtime have at hand arrives first. Measured: once on a
/// current-thread runtime, and there not at all for one client, whose messages arrive together anyway. On several threads,
/// the first yield only queues behind the tasks of this thread. It also lets another thread look after the sockets before
/// a service may block this one.
fn yields_to_gather(flavor: &RuntimeFlavor, members: usize) -> usize {
    match flavor {
        RuntimeFlavor::CurrentThread => usize::from(members > 1),
        _ => 2,
    }
}
