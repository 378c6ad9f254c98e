//! The trait through which a service acts on its room.
use std::time::Duration;

use crate::{ClientId, MessagePayload, MessageRecipient, messages::Effect, system_time};

/// A service's interface to its room.
///
/// Effects requested during an event are released when its method returns.
///
/// A context may be cloned and kept. The clone works in later events, for any client, and does not keep the room alive.
/// A native service may also use it outside of events, from its own threads and tasks: the room applies such an effect
/// as soon as it can. The number and size of waiting effects are bounded; further ones are dropped, with a warning in
/// the log. After the room has ended, a context does nothing.
pub trait StateroomContext: Send + Sync + Clone + 'static {
    /// Sends a message to one client, to all clients, or to all but one.
    ///
    /// Messages reach a client in the order in which they were sent. A message to a client that has left is dropped.
    ///
    /// ```
    /// use stateroom::*;
    ///
    /// fn welcome(client: ClientId, context: &impl StateroomContext) {
    ///     context.send_message(client, "welcome");
    ///     context.send_message(MessageRecipient::EveryoneExcept(client), format!("client {} joined", client.0));
    ///     context.send_message(MessageRecipient::Broadcast, vec![0x01, 0x02]);
    /// }
    /// ```
    fn send_message(&self, recipient: impl Into<MessageRecipient>, message: impl Into<MessagePayload>);

    /// Sets the room's timer: [`timer`](crate::StateroomService::timer) is called in `ms_delay` milliseconds. With 0,
    /// it is called as soon as possible.
    ///
    /// A room has one timer. Setting it replaces the previous one, which then never fires. While no client is in the room, two
    /// timer events are at least a second apart, unless the host is configured otherwise.
    fn set_timer(&self, ms_delay: u32);

    /// Returns the ID of the room, as in the URL that its clients connect to.
    ///
    /// Empty if the host does not provide it: Stateroom 0.4.4 does not pass it to a WebAssembly guest.
    fn room_id(&self) -> &str {
        ""
    }

    /// Closes a client's connection, after the messages sent to it before. Its `disconnect` is delivered as usual.
    ///
    /// `code` is 1000 for a normal closure, or an application code from 3000 to 4999. Any other code is replaced with
    /// 1000, with a warning in the log. `reason` is truncated to 123 bytes. Does nothing if the host does not support
    /// it: Stateroom 0.4.4 does not for a WebAssembly guest.
    fn close_client(&self, client: ClientId, code: u16, reason: &str) {
        let _ = (client, code, reason);
    }

    /// Ends the room: its clients are closed with 1000, after the messages sent to them before, and the service receives the
    /// [`disconnect`](crate::StateroomService::disconnect) of each. What a host has stored of the room is deleted.
    ///
    /// From then on, nobody can join this room; the next client to join gets a new one. Messages that arrived before are still
    /// handled. `shutdown` is not called. Does nothing if the host does not support it: Stateroom 0.4.4 does not.
    ///
    /// ```
    /// use stateroom::{testing::Room, *};
    ///
    /// #[derive(Default)]
    /// struct Duel;
    ///
    /// impl StateroomService for Duel {
    ///     fn message(&mut self, winner: ClientId, _: MessagePayload, context: &impl StateroomContext) {
    ///         context.send_message(MessageRecipient::Broadcast, format!("{} wins", winner.0));
    ///         context.end_room();
    ///     }
    /// }
    ///
    /// let mut room = Room::of(Duel::default);
    /// let ann = room.connect();
    /// room.send(ann, "checkmate");
    /// room.expect(ann, ["1 wins"]);
    /// assert_eq!(room.closed(ann).map(|closed| closed.code), Some(1000));
    /// ```
    fn end_room(&self) {}

    /// Returns the wall-clock time of the event, since January 1, 1970, in UTC. It is the same throughout the event.
    ///
    /// Use it for deadlines and time stamps, so that they can be tested and replayed: in a simulated room, it begins on
    /// January 1, 2026, and advances with the room; in a replay, it is the recorded time. It follows the system's clock,
    /// which may be adjusted; to measure how long something takes, use [`Instant`](std::time::Instant).
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use stateroom::*;
    ///
    /// fn minute(context: &impl StateroomContext) -> u64 {
    ///     context.now().as_secs() / 60
    /// }
    /// # assert_eq!(minute(&testing::TestContext::new("a")) % (24 * 60), 0);
    /// ```
    fn now(&self) -> Duration {
        system_time::now()
    }

    /// Returns the time that has been set for the event, if it is not the system's.
    #[doc(hidden)]
    fn event_time(&self) -> Option<Duration> {
        None
    }

    /// Runs `call`, which handles an event, and moves the effects requested through this context into `effects`. A
    /// context that does not collect effects by event, such as a recording one, only runs `call`.
    #[doc(hidden)]
    fn collect_effects<R>(&self, effects: &mut Vec<Effect>, call: impl FnOnce() -> R) -> R {
        let _ = effects;
        call()
    }
}
