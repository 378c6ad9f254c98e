//! The simulated room: drives a [`RoomCore`] without a server.
//!
//! *Invariant:* a service that fails ends, and its clients are closed; the test continues.
mod expect;
mod output;
mod received;
mod steps;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use self::output::{OutsideEffects, SimulatedOutput};
use super::{RoomClock, Script, block_on::block_on};
use crate::{
    StateroomContext, StateroomService, StateroomServiceFactory,
    fault::Fault,
    room::{CloseReason, ConnectionId, Phase, RoomConfig, RoomContext, RoomCore},
};

/// A simulated room, without a server. Its clients are IDs, its time passes when [`advance`](Room::advance) is called,
/// and each method returns after all of its consequences.
///
/// It behaves like a server's room in client IDs and tokens, the order of events, effects that are released when their
/// event returns, and close codes and reasons. When the service fails, all clients are closed with 1011, and the next
/// client to connect gets a fresh room, in which client IDs start at 1 and no token is remembered. When it [ends the
/// room](StateroomContext::end_room), they are closed with 1000, and a fresh room follows, too.
///
/// Not simulated are limits, the end of empty rooms, and the backoff of failing rooms. [`StateroomContext::now`] is
/// the room's time; a clock that the service reads itself, such as `Instant::now()`, is the real clock.
///
/// ```
/// use stateroom::{testing::Room, *};
///
/// #[derive(Default)]
/// struct Greeter;
///
/// impl StateroomService for Greeter {
///     fn connect(&mut self, client: ClientId, context: &impl StateroomContext) {
///         context.send_message(MessageRecipient::EveryoneExcept(client), format!("welcome {}", client.0));
///     }
/// }
///
/// let mut room = Room::of(Greeter::default);
/// let ann = room.connect();
/// let bob = room.connect_with_token("bob's");
/// room.expect(ann, ["welcome 2"]);
/// room.disconnect(bob);
/// assert_eq!(room.connect_with_token("bob's"), bob);
/// room.expect(ann, ["welcome 2"]);
/// ```
pub struct Room<S> {
    id: Arc<str>,
    create: Box<Create<S>>,
    live: Option<Live<S>>,
    fault: Option<Fault>,
    /// Number of services that have failed.
    faults: u32,
    output: SimulatedOutput,
    last_connection: u64,
    script: Script,
}

type Context = RoomContext<OutsideEffects>;
type Create<S> = dyn Fn(&str, Arc<Context>) -> Result<S, Fault> + Send + Sync;

/// A service that has not failed, and the core of its room.
struct Live<S> {
    service: S,
    context: Arc<Context>,
    outside: Arc<OutsideEffects>,
    core: RoomCore<SimulatedOutput>,
}

impl<S: StateroomService> Room<S> {
    /// Creates a room with the ID `room`, and the services that `create` returns: `Room::of(Counter::default)`.
    pub fn of(create: impl Fn() -> S + Send + Sync + 'static) -> Self {
        Self::named("room", create)
    }

    /// Like [`of`](Self::of), with this room ID.
    pub fn named(room_id: &str, create: impl Fn() -> S + Send + Sync + 'static) -> Self {
        Self::from_factory(room_id, FnFactory(create))
    }

    /// Creates a room with the services of a factory, such as the factory of a compiled module.
    pub fn from_factory<F: StateroomServiceFactory<Service = S>>(room_id: &str, factory: F) -> Self {
        Self::from_factory_with_clock(room_id, factory, RoomClock::default())
    }

    /// Like [`from_factory`](Self::from_factory); the time in the room can be read from `clock`.
    pub fn from_factory_with_clock<F>(room_id: &str, factory: F, clock: RoomClock) -> Self
    where
        F: StateroomServiceFactory<Service = S>,
    {
        let mut room = Room {
            id: room_id.into(),
            create: Box::new(move |room_id, context| block_on(factory.create(room_id, context))),
            live: None,
            fault: None,
            faults: 0,
            output: SimulatedOutput::new(clock),
            last_connection: 0,
            script: Script::default(),
        };
        room.begin();
        room
    }

    /// Starts a service in a room without one.
    fn begin(&mut self) {
        self.fault = None;
        self.output.received.clear();
        let outside = Arc::new(OutsideEffects::new(self.output.clock.clone()));
        let context = Arc::new(RoomContext::new(self.id.clone(), outside.clone()));
        match (self.create)(&self.id, context.clone()) {
            Ok(service) => {
                let mut core = RoomCore::new(RoomConfig::default());
                core.begin();
                self.live = Some(Live { service, context, outside, core });
                self.settle();
            }
            Err(fault) => self.fail(fault),
        }
    }

    /// Handles all pending events, effects from outside of events, and the timer if it is due.
    fn settle(&mut self) {
        loop {
            if let Err(fault) = self.run_batch() {
                return self.fail(fault);
            }
            let Some(live) = &mut self.live else { return };
            if let Phase::Stopping(reason) = live.core.phase() {
                let reason = reason.clone();
                return self.end(&reason);
            }
            let effects = live.outside.take();
            if effects.is_empty() && !live.core.fire_due_timer(&self.output) {
                return;
            }
            effects.into_iter().for_each(|effect| live.core.apply(effect, &mut self.output));
        }
    }

    /// Lets the service handle its pending events.
    fn run_batch(&mut self) -> Result<(), Fault> {
        let Some(Live { service, context, core, .. }) = &mut self.live else { return Ok(()) };
        while !core.is_idle() {
            let batch = core.pending().clone();
            let outcome = block_on(service.deliver(&batch, &**context));
            core.apply_finished(&mut self.output);
            outcome.map_err(|fault| fault.in_event(batch.in_progress_label()))?;
        }
        Ok(())
    }

    /// Ends the service with a fault, and closes all clients.
    fn fail(&mut self, fault: Fault) {
        self.end(&CloseReason::from(&fault));
        self.fault = Some(fault);
        self.faults += 1;
    }

    /// Ends the service. A panic in its `Drop` is ignored.
    fn end(&mut self, reason: &CloseReason) {
        if let Some(mut live) = self.live.take() {
            live.core.close(reason, &mut self.output);
            let _ = catch_unwind(AssertUnwindSafe(|| drop(live)));
        }
    }

    fn next_connection(&mut self) -> ConnectionId {
        self.last_connection += 1;
        ConnectionId(self.last_connection)
    }
}

/// A factory that calls a function.
struct FnFactory<F>(F);

impl<S: StateroomService, F: Fn() -> S + Send + Sync + 'static> StateroomServiceFactory for FnFactory<F> {
    type Service = S;
    type Error = std::convert::Infallible;

    fn build(&self, _: &str, _: Arc<impl StateroomContext>) -> Result<S, Self::Error> {
        Ok((self.0)())
    }
}
