//! The way from a service to its room.
use crate::{ClientId, MessagePayload, MessageRecipient, messages::Effect};

/// What a service asks its room through.
///
/// A context may be cloned and kept: the clone works in later events too, for any client. A native service may use it
/// outside of events, in a thread or a task of its own; the room then takes what was asked at once, as an event of its
/// own. When too much of that waits, more of it is dropped, with a warning in the log. After the room's end a
/// context does nothing, and a clone does not keep the room alive.
pub trait StateroomContext: Send + Sync + Clone + 'static {
    /// Sends a message to a client, to everybody, or to everyone but one.
    ///
    /// Messages reach a client in the order in which they were sent. One to a client that has left is dropped.
    fn send_message(&self, recipient: impl Into<MessageRecipient>, message: impl Into<MessagePayload>);

    /// Has the room call [`timer`](crate::StateroomService::timer) in `ms_delay` milliseconds; 0 is as soon as possible.
    ///
    /// A room has one timer. Setting it again replaces it, and one that was replaced never fires.
    fn set_timer(&self, ms_delay: u32);

    /// The id of the room, as in the address by which its clients came.
    ///
    /// Empty where the host does not tell: Stateroom 0.4.4 does not tell a WebAssembly guest.
    fn room_id(&self) -> &str {
        ""
    }

    /// Closes a client's connection, after what was sent to it before. Its `disconnect` comes as it always does.
    ///
    /// `code` is 1000 for a normal end, or a number of your own from 3000 to 4999; any other is sent as 1000, with a
    /// warning in the log. `reason` is cut at 123 bytes. Does nothing where the host knows no such thing: Stateroom
    /// 0.4.4 offers a WebAssembly guest no way to close a client.
    fn close_client(&self, client: ClientId, code: u16, reason: &str) {
        let _ = (client, code, reason);
    }

    /// Runs `call`, an event of the room, and puts what it asks for through this context into `effects`, for the host
    /// to release when the event is over. A context that has no such moment (a recording one) just runs it.
    #[doc(hidden)]
    fn collect_effects<R>(&self, effects: &mut Vec<Effect>, call: impl FnOnce() -> R) -> R {
        let _ = effects;
        call()
    }
}
