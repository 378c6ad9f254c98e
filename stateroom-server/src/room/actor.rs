//! The room at work: takes what has arrived, hands it to the service, applies what the service asks for, writes.
//!
//! *Invariant:* the steps stand beside the turn's events, one for one. A membership changes when its event has returned,
//! just before that event's effects: a broadcast in `connect` reaches the newcomer, one in `disconnect` not the leaver.
use std::{
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use stateroom::{
    StateroomService, StateroomServiceFactory,
    event_batch::{EventBatch, FinishedEvents},
    fault::{Fault, FaultKind},
    messages::{Effect, Event},
};
use tokio::{runtime::RuntimeFlavor, task::yield_now};

use super::{
    caller::Caller,
    context::RoomContext,
    drain::Drain,
    inbox::{ConnectionId, Inbox, Post},
    members::Members,
    schedule::{Schedule, Step},
    timer::Timer,
};
use crate::{
    metrics::{EventCounts, EventKind, Metrics},
    settings::{Limits, ShutdownPolicy},
    websocket::close::CloseCause,
};

/// For how many events and effects an idle room keeps memory.
const KEPT: usize = 512;

/// How a room ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// Nobody was in it for as long as the policy says.
    Empty,
    /// It was told to end: by the server, which stops, or by the program around it.
    Stopped(CloseCause),
    /// Its service found no space: others had taken it in the meantime.
    NoSpace(Fault),
    /// Its service failed.
    Failed(Fault),
    /// It has not: another service takes the place of its own.
    Restart,
}

/// Lives a room's life, from its service's creation to its end. `ended` is called when the inbox has ended and nobody
/// knows yet; then each who was in the room is closed. Where another service is to take over, the room comes back.
pub(crate) async fn run<F: StateroomServiceFactory>(
    factory: &F,
    mut room: Room,
    ended: impl FnOnce(&Ending),
) -> Option<Room> {
    let room_id = room.id.clone();
    let context = Arc::new(RoomContext::new(room_id.clone(), room.inbox.clone()));
    let ending = match contained(factory.create(&room_id, context.clone())).await {
        Ok(mut service) => {
            let ending = contained(room.live(&mut service, &context)).await.unwrap_or_else(Ending::Failed);
            // What a service does in its `Drop` is its own affair.
            if catch_unwind(AssertUnwindSafe(|| drop(service))).is_err() {
                tracing::warn!(room = &*room_id, "the service panicked while it was dropped");
            }
            ending
        }
        Err(fault) if fault.kind() == FaultKind::NoSpace => Ending::NoSpace(fault),
        Err(fault) => Ending::Failed(fault),
    };
    if let Ending::Restart = ending {
        return Some(room);
    }
    let late = room.inbox.end();
    ended(&ending);
    room.close(&ending, late);
    None
}

/// Runs a future in which a panic is a fault of the room's, not the end of its task.
async fn contained<T>(future: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let outcome = AssertUnwindSafe(future).catch_unwind().await;
    outcome.unwrap_or_else(|panic| Err(Fault::from_panic(FaultKind::Panic, &*panic)))
}

/// A room without its service.
pub(crate) struct Room {
    id: Arc<str>,
    inbox: Arc<Inbox>,
    members: Members,
    timer: Timer,
    schedule: Schedule,
    policy: ShutdownPolicy,
    /// Empty between events; kept for its memory.
    finished: FinishedEvents,
    metrics: Arc<Metrics>,
    /// How long the service has computed for events that have not returned.
    computed: Duration,
    /// The closing of its clients, while the server is about to stop.
    drain: Option<Drain>,
    /// Whether another service is to take over.
    restart: bool,
}

impl Room {
    pub(crate) fn id(&self) -> &Arc<str> {
        &self.id
    }

    pub(crate) fn inbox(&self) -> &Arc<Inbox> {
        &self.inbox
    }

    pub(crate) fn new(
        id: Arc<str>,
        inbox: Arc<Inbox>,
        limits: &Limits,
        policy: ShutdownPolicy,
        metrics: Arc<Metrics>,
    ) -> Self {
        Room {
            id,
            inbox,
            members: Members::new(metrics.clone()),
            timer: Timer::new(limits.timer_interval),
            schedule: Schedule::new(limits, policy),
            policy,
            finished: FinishedEvents::default(),
            metrics,
            computed: Duration::ZERO,
            drain: None,
            restart: false,
        }
    }

    async fn live<S: StateroomService>(&mut self, service: &mut S, context: &RoomContext) -> Result<Ending, Fault> {
        let flavor = tokio::runtime::Handle::current().runtime_flavor();
        let mut posts = Vec::new();
        self.schedule.begin();
        self.run_turn(service, context).await?;
        loop {
            if self.members.is_clean() && self.schedule.turn.is_empty() {
                self.set_empty_time();
                poll_fn(|context| self.poll_work(context)).await;
                // What arrives in the same turn of the runtime is then handled and written together.
                for _ in 0..yields_to_gather(&flavor, self.members.len()) {
                    yield_now().await;
                }
            } else {
                yield_now().await;
            }
            // Who leaves for being slow goes before the timer, as its `disconnect` may replace it.
            if self.schedule.turn.is_empty() && self.timer.take_due() {
                self.schedule.push(Event::Timer, Step::Other(EventKind::Timer));
            }
            self.close_due();
            // What comes behind a restart is the next service's.
            if !self.restart {
                self.inbox.take(&mut posts);
            }
            if !posts.is_empty() {
                self.metrics.turn_events.record(posts.len() as f64);
            }
            self.handle(&mut posts, service, context).await?;
            self.end_drain();
            self.inbox.vitals().takes(service.memory_bytes());
            self.write();
            if let Some(cause) = self.schedule.stopped() {
                return Ok(Ending::Stopped(cause.clone()));
            }
            // Who left just now, for being slow, is still this service's to hear of.
            if self.restart && self.schedule.turn.is_empty() {
                self.restart = false;
                self.settle_last_leave();
                self.timer.clear();
                return Ok(Ending::Restart);
            }
            self.set_empty_time();
            let nothing_waits = self.schedule.is_empty() && self.schedule.turn.is_empty();
            if nothing_waits && self.timer.is_empty_over() && self.inbox.end_if_empty() {
                return Ok(Ending::Empty);
            }
            // The memory of a room's busiest moment is given back.
            posts.shrink_to(KEPT);
            self.schedule.steps.shrink_to(KEPT);
            self.schedule.turn.shrink_to(KEPT);
        }
    }

    /// Ready when something has arrived, or a time has come.
    fn poll_work(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.inbox.poll_posts(context).is_ready() {
            return Poll::Ready(());
        }
        self.timer.poll(context)
    }

    fn set_empty_time(&mut self) {
        if self.schedule.is_empty() {
            self.timer.start_empty(self.policy.empty_time(self.schedule.was_joined()));
        } else {
            self.timer.stop_empty();
        }
    }

    async fn handle<S: StateroomService>(
        &mut self,
        posts: &mut Vec<Post>,
        service: &mut S,
        context: &RoomContext,
    ) -> Result<(), Fault> {
        let mut result = Ok(());
        if let Some(restart) = posts.iter().position(|post| matches!(post, Post::Restart)) {
            self.inbox.put_back(posts.split_off(restart + 1));
        }
        for post in posts.drain(..) {
            match post {
                // After a fault the rest is only scheduled: who was about to join is closed with the others.
                Post::Effect(_) if result.is_err() => {}
                Post::Effect(effect) => {
                    // In order with what came before it.
                    result = self.run_turn(service, context).await;
                    if result.is_ok() {
                        self.apply(effect);
                    }
                }
                Post::Drain { time, done } => {
                    self.schedule.drain();
                    self.drain = Some(Drain::new(self.schedule.connections(), time, done));
                }
                Post::FireTimer => self.schedule.push(Event::Timer, Step::Fire),
                Post::Restart => self.restart = true,
                post => {
                    if matches!(post, Post::Join { .. }) {
                        // Even if it leaves at once: from then on, the room is empty anew.
                        self.timer.stop_empty();
                    }
                    if let Some((outbound, cause)) = self.schedule.post(post) {
                        outbound.close(cause);
                    }
                }
            }
        }
        result?;
        self.close_due();
        self.run_turn(service, context).await
    }

    /// Closes those whose time has come, as the server is about to stop.
    fn close_due(&mut self) {
        let Some(drain) = &mut self.drain else { return };
        for connection in drain.take_due() {
            self.schedule.leave(connection, Some(CloseCause::Stopping));
        }
        self.timer.set_drain(drain.next());
    }

    /// Whoever waits until nobody is in the room any more hears of it.
    fn end_drain(&mut self) {
        let nobody_is_left = self.schedule.is_empty() && self.schedule.turn.is_empty();
        if self.drain.take_if(|_| nobody_is_left).is_some() {
            self.timer.set_drain(None);
        }
    }

    /// The last client has left, which the service has not heard: it is gone all the same.
    fn settle_last_leave(&mut self) {
        if let Some(Step::Leave { client, connection, close }) = self.schedule.take_last_leave()
            && let (Some(outbound), Some(cause)) = (self.members.remove(client, connection), close)
        {
            outbound.close(cause);
        }
    }

    /// Has the service work through the turn, and applies what it asks for as its events return.
    async fn run_turn<S: StateroomService>(&mut self, service: &mut S, context: &RoomContext) -> Result<(), Fault> {
        let turn = self.schedule.turn.clone();
        while !turn.is_empty() {
            let mut deliver = pin!(service.deliver(&turn, context));
            poll_fn(|context| {
                let begun = Instant::now();
                let span = tracing::trace_span!("events", first = turn.next_label());
                let poll = span.in_scope(|| deliver.as_mut().poll(context));
                self.computed += begun.elapsed();
                self.apply_finished(&turn);
                if poll.is_pending() {
                    // An event takes its time; what came out of those before it does not wait for it.
                    self.write_all();
                }
                poll
            })
            .await
            .map_err(|fault| fault.in_event(turn.in_progress_label()))?;
            if !turn.is_empty() {
                // Enough for one go: others want the thread, and the members what there is for them.
                self.write_all();
                yield_now().await;
            }
        }
        Ok(())
    }

    fn apply_finished(&mut self, turn: &EventBatch) {
        let mut finished = std::mem::take(&mut self.finished);
        turn.take_finished(&mut finished);
        let mut effects = finished.effects.drain(..);
        let mut taken = 0;
        let mut counts = EventCounts::default();
        for end in &finished.ends {
            if let Some(step) = self.schedule.steps.front() {
                counts.add(step.kind());
            }
            let mut caller = self.apply_step();
            for effect in effects.by_ref().take(end - taken) {
                match effect {
                    Effect::Answer { message } => caller.answer(message),
                    Effect::Respond { response } => caller.respond(*response),
                    effect => self.apply(effect),
                }
            }
            caller.has_no_answer();
            taken = *end;
            if self.members.is_full() {
                self.write_all();
            }
        }
        drop(effects);
        finished.clear(KEPT);
        self.finished = finished;
        if counts.total() > 0 {
            let computed = std::mem::take(&mut self.computed);
            self.metrics.handled(&counts, computed);
            self.inbox.vitals().handled(counts.total(), computed);
        }
    }

    /// Changes what the event that has returned changes. The result is who waits for its answer.
    fn apply_step(&mut self) -> Caller {
        match self.schedule.steps.pop_front() {
            Some(Step::Join { client, connection, outbound }) => {
                tracing::debug!(room = &*self.id, client = client.0, "a client joins");
                self.members.insert(client, connection, outbound);
            }
            Some(Step::Leave { client, connection, close }) => {
                tracing::debug!(room = &*self.id, client = client.0, "a client leaves");
                let outbound = self.members.remove(client, connection);
                if let (Some(outbound), Some(cause)) = (outbound, close) {
                    outbound.close(cause);
                }
            }
            Some(Step::Said { client, connection, load }) => self.members.handled(client, connection, load),
            Some(Step::Answer(caller)) => return Caller::Program(caller),
            Some(Step::Respond(caller)) => return Caller::Http(caller),
            Some(Step::Fire) => self.timer.fire(),
            Some(Step::Other(_)) | None => {}
        }
        Caller::Nobody
    }

    fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::Message { recipient, message } => self.members.send(recipient, &message),
            Effect::SetTimer { ms_delay } => self.timer.set(Duration::from_millis(ms_delay.into())),
            Effect::CloseClient { client, code, reason } => {
                let Some(connection) = self.members.get(client).map(|member| member.connection) else { return };
                if let Some(outbound) = self.members.remove(client, connection) {
                    outbound.close(CloseCause::service(&self.id, client, code, reason));
                }
                self.schedule.leave(connection, None);
            }
            effect => tracing::debug!(?effect, "an effect that this server does not know is skipped"),
        }
    }

    /// Writes to the next few. Who does not keep up is being closed, and leaves.
    fn write(&mut self) {
        let mut slow: Vec<(_, ConnectionId)> = Vec::new();
        self.members.write_some(&mut slow);
        for (client, connection) in slow {
            self.members.remove(client, connection);
            self.schedule.leave(connection, None);
        }
    }

    fn write_all(&mut self) {
        while !self.members.is_clean() {
            self.write();
        }
    }

    /// Closes everybody who is here, or was about to be.
    fn close(&mut self, ending: &Ending, late: Vec<Post>) {
        let cause = match ending {
            Ending::Empty | Ending::Restart => CloseCause::Stopping,
            Ending::Stopped(cause) => cause.clone(),
            Ending::NoSpace(_) => CloseCause::RoomsFull,
            Ending::Failed(fault) => CloseCause::Failed(fault.public_reason()),
        };
        // Its last client leaves for its own reason.
        self.settle_last_leave();
        for outbound in self.members.drain() {
            outbound.close(cause.clone());
        }
        for step in self.schedule.steps.drain(..) {
            if let Step::Join { outbound, .. } = step {
                outbound.close(cause.clone());
            }
        }
        for post in late {
            if let Post::Join { joins, .. } = post {
                joins.outbound.close(cause.clone());
            }
        }
    }
}

impl Drop for Room {
    /// Has nothing left to do but where the room's task is dropped, as it did not stop in time.
    fn drop(&mut self) {
        let late = self.inbox.end();
        self.close(&Ending::Stopped(CloseCause::Stopping), late);
    }
}

/// How often to yield so that what the readers of this runtime have at hand arrives first. Measured: once where one
/// thread runs all, and there not at all for one client, as what that says is together already; on several, the first yield
/// only gets behind what this thread has queued. (There it also has another thread look after the sockets, before a service
/// may block this one.)
fn yields_to_gather(flavor: &RuntimeFlavor, members: usize) -> usize {
    match flavor {
        RuntimeFlavor::CurrentThread => usize::from(members > 1),
        _ => 2,
    }
}
