//! What an author implements.
use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use crate::{
    ClientId, MessagePayload, StateroomContext,
    details::ClientDetails,
    dispatch::dispatch,
    event_batch::EventBatch,
    fault::{Fault, FaultKind},
    http::{Request, Response},
    messages::Effect,
};

/// After so many bytes of effects, the host gets to write them before the next event.
const BYTES_IN_ONE_GO: usize = 256 << 10;
/// After so long, others get the thread before the next event.
const TIME_IN_ONE_GO: Duration = Duration::from_millis(1);

/// A room's service: its state, and what it does when something happens. One value serves one room.
///
/// Every method has an empty default. They are called one at a time, and what they ask of the context takes effect when
/// they have returned.
pub trait StateroomService: Send + Sync + 'static {
    /// The room begins; nobody has joined yet.
    fn init(&mut self, context: &impl StateroomContext) {
        let _ = context;
    }

    /// A client has joined. A broadcast sent here reaches it.
    fn connect(&mut self, client: ClientId, context: &impl StateroomContext) {
        let _ = (client, context);
    }

    /// A client has joined, and this is known of it: who it is, what it asked for in its address. Implement this instead
    /// of [`connect`](Self::connect) where that matters; it is what a host calls, and by default it calls the other.
    fn connect_with(&mut self, client: ClientId, details: &ClientDetails, context: &impl StateroomContext) {
        let _ = details;
        self.connect(client, context);
    }

    /// A client has left, by whatever way: comes exactly once a connection. A broadcast sent here does not reach it.
    ///
    /// Not called where the room ends with it: by the shutdown policy `immediate`, or by a failure of the service.
    fn disconnect(&mut self, client: ClientId, context: &impl StateroomContext) {
        let _ = (client, context);
    }

    /// A client says something.
    fn message(&mut self, client: ClientId, message: MessagePayload, context: &impl StateroomContext) {
        let _ = (client, message, context);
    }

    /// The time set with [`StateroomContext::set_timer`] has come.
    fn timer(&mut self, context: &impl StateroomContext) {
        let _ = context;
    }

    /// The program around the rooms asks something, by the server's handle to the room. What is returned is the answer;
    /// `None`, the default, is that there is none. What is asked of the context takes effect before the answer is out.
    fn call(&mut self, message: MessagePayload, context: &impl StateroomContext) -> Option<MessagePayload> {
        let _ = (message, context);
        None
    }

    /// Somebody asks something over HTTP, at `/http/{room}/...`. What is returned is the answer; `None`, the default, is a
    /// 404. What is asked of the context takes effect before the answer is out.
    fn request(&mut self, request: Request, context: &impl StateroomContext) -> Option<Response> {
        let _ = (request, context);
        None
    }

    /// The room is about to end, as the server stops or the program around it has it end: time to say goodbye. Each
    /// `disconnect` comes after it. Not called where a room ends for being empty, or by a failure.
    fn shutdown(&mut self, context: &impl StateroomContext) {
        let _ = context;
    }

    /// How much memory the service has, in bytes, where that is known.
    #[doc(hidden)]
    fn memory_bytes(&mut self) -> Option<usize> {
        None
    }

    /// Works through the events of a turn: the way by which hosts drive any service, whatever it is made of.
    ///
    /// May return before the turn is empty; then it is called again. Must have finished at least one event by then.
    #[doc(hidden)]
    fn deliver(
        &mut self,
        turn: &EventBatch,
        context: &impl StateroomContext,
    ) -> impl Future<Output = Result<(), Fault>> + Send {
        async move {
            let mut effects = Vec::new();
            let mut bytes = 0;
            let begun = Instant::now();
            while let Some(event) = turn.next_event() {
                // After a panic the service is dropped: nobody sees what state it is in.
                let call = AssertUnwindSafe(|| dispatch(self, event, context));
                let answer = context
                    .collect_effects(&mut effects, || catch_unwind(call))
                    .map_err(|panic| Fault::from_panic(FaultKind::Panic, &*panic))?;
                effects.extend(answer);
                bytes += effects.iter().map(Effect::size).sum::<usize>();
                turn.finish_event(&mut effects);
                if bytes >= BYTES_IN_ONE_GO || begun.elapsed() >= TIME_IN_ONE_GO {
                    break;
                }
            }
            Ok(())
        }
    }
}
