//! The trait a service implements.
use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use crate::{
    ClientId, MessagePayload, StateroomContext,
    details::ClientDetails,
    dispatch::dispatch,
    durable::{BatchStart, Fate},
    event_batch::EventBatch,
    fault::{Fault, FaultKind},
    http::{Request, Response},
    messages::Effect,
};

/// Maximum size of effects, in bytes, before `deliver` returns to let the host write them.
const MAX_DELIVER_BYTES: usize = 256 << 10;
/// Maximum duration of one `deliver` call, so other tasks get the thread between two events.
const MAX_DELIVER_DURATION: Duration = Duration::from_millis(1);

/// The service of a room: its state, and its reactions to events.
///
/// Each room has its own service. A [`StateroomServiceFactory`](crate::StateroomServiceFactory) creates it with the
/// room, and it is dropped when the room ends; its state is lost then.
///
/// # Events
///
/// Every method handles one kind of event, and does nothing by default. Implement the ones the service needs.
///
/// | method | called when |
/// |-|-|
/// | [`init`](Self::init) | the room starts |
/// | [`connect`](Self::connect), [`connect_with`](Self::connect_with) | a client joins |
/// | [`message`](Self::message) | a client sends a message |
/// | [`disconnect`](Self::disconnect) | a client leaves |
/// | [`timer`](Self::timer) | the room's timer fires |
/// | [`call`](Self::call) | the program that embeds the server calls the room |
/// | [`request`](Self::request) | an HTTP request for the room arrives |
/// | [`shutdown`](Self::shutdown) | the room is about to be stopped |
///
/// # Guarantees
///
/// - Methods are called one at a time, so a service needs no locks.
/// - `init` is called once, first. `connect` is called before a client's first message. `disconnect` is called once per
///   connection, after its last message.
/// - Messages of one client arrive in the order in which it sent them. There is no order between clients.
/// - Effects requested through the context are released in order when the method returns. If a method panics, its
///   effects are discarded and the room ends: all clients are closed with 1011, and the next client to join gets a new
///   service.
/// - A slow method delays the other events of its room. Other rooms are not delayed by a WebAssembly module; a native
///   service blocks its thread.
///
/// # Examples
///
/// A room in which clients take turns:
///
/// ```
/// use stateroom::*;
///
/// /// Milliseconds before a turn is passed on.
/// const TURN_TIMEOUT: u32 = 30_000;
///
/// #[derive(Default)]
/// struct Turns {
///     players: Vec<ClientId>,
/// }
///
/// impl Turns {
///     fn start_turn(&self, context: &impl StateroomContext) {
///         if let Some(player) = self.players.first() {
///             context.send_message(*player, "your turn");
///             context.set_timer(TURN_TIMEOUT); // Replaces the timer of the previous turn.
///         }
///     }
/// }
///
/// impl StateroomService for Turns {
///     fn connect(&mut self, client: ClientId, context: &impl StateroomContext) {
///         self.players.push(client);
///         if self.players.len() == 1 {
///             self.start_turn(context);
///         }
///     }
///
///     fn message(&mut self, client: ClientId, message: MessagePayload, context: &impl StateroomContext) {
///         if self.players.first() == Some(&client) {
///             context.send_message(MessageRecipient::EveryoneExcept(client), message);
///             self.players.rotate_left(1);
///             self.start_turn(context);
///         }
///     }
///
///     fn disconnect(&mut self, client: ClientId, context: &impl StateroomContext) {
///         let had_turn = self.players.first() == Some(&client);
///         self.players.retain(|player| *player != client);
///         if had_turn {
///             self.start_turn(context);
///         }
///     }
///
///     fn timer(&mut self, context: &impl StateroomContext) {
///         if !self.players.is_empty() {
///             self.players.rotate_left(1);
///             self.start_turn(context);
///         }
///     }
/// }
/// ```
pub trait StateroomService: Send + Sync + 'static {
    /// Handles the start of the room. No client has joined yet.
    fn init(&mut self, context: &impl StateroomContext) {
        let _ = context;
    }

    /// Handles a client that has joined. A broadcast sent here reaches the new client.
    ///
    /// A client that reconnects with the same `token` keeps its ID, so this may be called again for the same client:
    /// after its `disconnect`.
    fn connect(&mut self, client: ClientId, context: &impl StateroomContext) {
        let _ = (client, context);
    }

    /// Handles a client that has joined, with its [details](ClientDetails): its identity, query parameters and headers.
    ///
    /// Hosts call this method for every client. The default implementation calls [`connect`](Self::connect), so
    /// implement only one of the two.
    fn connect_with(&mut self, client: ClientId, details: &ClientDetails, context: &impl StateroomContext) {
        let _ = details;
        self.connect(client, context);
    }

    /// Handles a client that has left: it closed its connection, lost it, was closed by the service, or was replaced by
    /// a connection with the same token. A broadcast sent here does not reach it.
    ///
    /// Called exactly once per connection, with two exceptions: when the service fails, and for the last client of a
    /// room with the shutdown policy `immediate`, which ends the room.
    fn disconnect(&mut self, client: ClientId, context: &impl StateroomContext) {
        let _ = (client, context);
    }

    /// Handles a message from a client.
    fn message(&mut self, client: ClientId, message: MessagePayload, context: &impl StateroomContext) {
        let _ = (client, message, context);
    }

    /// Handles the timer set with [`StateroomContext::set_timer`]. The timer fires once; set it again to repeat.
    fn timer(&mut self, context: &impl StateroomContext) {
        let _ = context;
    }

    /// Handles a call from the program that embeds the server, made through its handle to the room. Returns the answer,
    /// or `None` (the default) if there is none.
    ///
    /// Effects requested here are applied before the answer is delivered.
    fn call(&mut self, message: MessagePayload, context: &impl StateroomContext) -> Option<MessagePayload> {
        let _ = (message, context);
        None
    }

    /// Handles an HTTP request to `/http/{room}/...`. Returns the response; `None` (the default) becomes a 404.
    ///
    /// Effects requested here are applied before the response is sent.
    ///
    /// ```
    /// use stateroom::{http::{Request, Response}, *};
    ///
    /// #[derive(Default)]
    /// struct Scores {
    ///     best: u32,
    /// }
    ///
    /// impl StateroomService for Scores {
    ///     fn request(&mut self, request: Request, context: &impl StateroomContext) -> Option<Response> {
    ///         match (request.method.as_str(), request.path.as_str()) {
    ///             ("GET", "/best") => Some(self.best.to_string().into()),
    ///             ("POST", "/reset") => {
    ///                 self.best = 0;
    ///                 context.send_message(MessageRecipient::Broadcast, "reset");
    ///                 Some(Response::new(204, ""))
    ///             }
    ///             _ => None,
    ///         }
    ///     }
    /// }
    /// ```
    fn request(&mut self, request: Request, context: &impl StateroomContext) -> Option<Response> {
        let _ = (request, context);
        None
    }

    /// Handles the end of the room, requested by a stopping server or by the program that embeds it. Messages sent here
    /// still reach the clients.
    ///
    /// [`disconnect`](Self::disconnect) follows for every client. Not called when an empty room ends, or when the
    /// service fails.
    fn shutdown(&mut self, context: &impl StateroomContext) {
        let _ = context;
    }

    /// Returns the memory used by the service, in bytes, if it is known.
    #[doc(hidden)]
    fn memory_bytes(&mut self) -> Option<usize> {
        None
    }

    /// Charges the service for time that the host spent on its effects, such as writing a broadcast to many clients.
    ///
    /// Hosts that give services a share of the CPU count it as if the service itself had computed. Called between two calls of
    /// [`deliver`](Self::deliver), and only for times that are worth it: it takes a lock and reads a clock.
    #[doc(hidden)]
    fn charge(&mut self, host_time: Duration) {
        let _ = host_time;
    }

    /// Begins a batch of events of a durable room: the service reads this time in them.
    #[doc(hidden)]
    fn begin_batch(&mut self, start: BatchStart) {
        let _ = start;
    }

    /// Returns an image of the state of a durable service between two batches.
    ///
    /// # Errors
    ///
    /// If there is none: the service has failed, or cannot be durable.
    #[doc(hidden)]
    fn image(&mut self) -> Result<Vec<u8>, Fault> {
        Err(Fault::new(FaultKind::Build, "the service cannot be durable"))
    }

    /// Ends the service of a durable room, for good or until a later one continues it.
    #[doc(hidden)]
    fn put_away(&mut self, fate: Fate) -> impl Future<Output = ()> + Send {
        let _ = fate;
        async {}
    }

    /// Handles the events of a batch. Hosts drive every service through this method.
    ///
    /// May return before the batch is empty, but not before it has finished at least one event; it is then called
    /// again.
    #[doc(hidden)]
    fn deliver(
        &mut self,
        batch: &EventBatch,
        context: &impl StateroomContext,
    ) -> impl Future<Output = Result<(), Fault>> + Send {
        async move {
            let mut effects = Vec::new();
            let mut bytes = 0;
            let started = Instant::now();
            while let Some(event) = batch.next_event() {
                // The service is dropped after a panic, so its state is never observed.
                let call = AssertUnwindSafe(|| dispatch(self, event, context));
                let answer = context
                    .collect_effects(&mut effects, || catch_unwind(call))
                    .map_err(|panic| Fault::from_panic(FaultKind::Panic, &*panic))?;
                effects.extend(answer);
                bytes += effects.iter().map(Effect::size).sum::<usize>();
                batch.finish_event(&mut effects);
                if bytes >= MAX_DELIVER_BYTES || started.elapsed() >= MAX_DELIVER_DURATION {
                    break;
                }
            }
            Ok(())
        }
    }
}
