//! The simulated room: has the service work through what happens, and does what it asks for.
//!
//! *Invariant:* a service that fails ends, and its clients are closed; the test goes on.
mod expect;
mod heard;
mod life;
mod steps;

use std::sync::Arc;

use life::{Change, Life, Outside};

use super::{Closed, RoomClock, Script, block_on::block_on, clock::Clock, context::RoomContext};
use crate::{StateroomContext, StateroomService, StateroomServiceFactory, fault::Fault, messages::Event};

/// A room without a server: its clients are numbers, its time passes when [`advance`](Room::advance) says so, and all that
/// happens has happened when a method returns.
///
/// It keeps the rules of a server's room: numbers and tokens, the order of events, effects that are released when their
/// event is over, what closes a client and with which code. When its service fails, everybody is closed with 1011, and the
/// next who connects finds a fresh room, in which numbers begin at 1 again and nothing is known of the one before.
///
/// What it leaves out: limits, a room that ends for being empty, the rest that one takes which keeps failing. Clocks that a
/// service reads by itself are the real ones.
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
    life: Option<Life<S>>,
    fault: Option<Fault>,
    /// How often a service has failed.
    faults: u32,
    outside: Outside,
    script: Script,
}

type Create<S> = dyn Fn(&str, Arc<RoomContext>) -> Result<S, Fault> + Send + Sync;

impl<S: StateroomService> Room<S> {
    /// A room of the id `room`, with the service that `make` makes: `Room::of(Counter::default)`.
    pub fn of(make: impl Fn() -> S + Send + Sync + 'static) -> Self {
        Self::named("room", make)
    }

    /// The same, of that id.
    pub fn named(room_id: &str, make: impl Fn() -> S + Send + Sync + 'static) -> Self {
        Self::from_factory(room_id, Made(make))
    }

    /// A room of that id, with the service that a factory makes: a compiled module, for one.
    pub fn from_factory<F: StateroomServiceFactory<Service = S>>(room_id: &str, factory: F) -> Self {
        Self::from_factory_with_clock(room_id, factory, RoomClock::default())
    }

    /// The same, and the time in the room can be read by this clock.
    pub fn from_factory_with_clock<F>(room_id: &str, factory: F, clock: RoomClock) -> Self
    where
        F: StateroomServiceFactory<Service = S>,
    {
        let mut room = Room {
            id: room_id.into(),
            create: Box::new(move |room_id, context| block_on(factory.create(room_id, context))),
            life: None,
            fault: None,
            faults: 0,
            outside: Outside { clock: Clock::shown_by(clock), ..Outside::default() },
            script: Script::default(),
        };
        room.begin();
        room
    }

    /// A service begins, in a room that has none.
    fn begin(&mut self) {
        self.fault = None;
        self.outside.heard.clear();
        let context = Arc::new(RoomContext::new(self.id.clone()));
        match (self.create)(&self.id, context.clone()) {
            Ok(service) => {
                self.life.insert(Life::new(service, context)).push(Event::Init, Change::Nothing);
                self.settle();
            }
            Err(fault) => self.fail(fault),
        }
    }

    /// Has everything happen that is to happen now.
    fn settle(&mut self) {
        loop {
            if let Err(fault) = self.run_turn() {
                return self.fail(fault);
            }
            let Some(life) = &mut self.life else { return };
            let asked = life.context.take_outside();
            if asked.is_empty() {
                if !self.outside.clock.go_to_timer(self.outside.clock.now()) {
                    return;
                }
                life.push(Event::Timer, Change::Nothing);
            }
            asked.into_iter().for_each(|effect| life.apply(effect, &mut self.outside));
        }
    }

    /// Has the service work through the turn.
    fn run_turn(&mut self) -> Result<(), Fault> {
        let Some(life) = &mut self.life else { return Ok(()) };
        while !life.turn.is_empty() {
            let outcome = block_on(life.service.deliver(&life.turn, &*life.context));
            life.apply_finished(&mut self.outside);
            outcome.map_err(|fault| fault.in_event(life.turn.in_progress_label()))?;
        }
        Ok(())
    }

    /// The service has failed: everybody is closed.
    fn fail(&mut self, fault: Fault) {
        if let Some(life) = self.life.take() {
            for client in life.seats.everybody() {
                self.outside.heard_by(client).close(Closed::failed(&fault));
            }
            life.end(&mut self.outside);
        }
        self.fault = Some(fault);
        self.faults += 1;
    }
}

/// Makes services by a function.
struct Made<F>(F);

impl<S: StateroomService, F: Fn() -> S + Send + Sync + 'static> StateroomServiceFactory for Made<F> {
    type Service = S;
    type Error = std::convert::Infallible;

    fn build(&self, _: &str, _: Arc<impl StateroomContext>) -> Result<S, Self::Error> {
        Ok((self.0)())
    }
}
