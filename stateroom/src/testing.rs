//! A simulated room, with its own clients and clock, to test a service without a server.
//!
//! ```
//! use stateroom::{testing::{Room, Time}, *};
//!
//! /// Broadcasts every message, and the number of messages once the room has been quiet for a minute.
//! #[derive(Default)]
//! struct Chat {
//!     messages: u32,
//! }
//!
//! impl StateroomService for Chat {
//!     fn message(&mut self, _: ClientId, message: MessagePayload, context: &impl StateroomContext) {
//!         self.messages += 1;
//!         context.send_message(MessageRecipient::Broadcast, message);
//!         context.set_timer(60_000);
//!     }
//!
//!     fn timer(&mut self, context: &impl StateroomContext) {
//!         context.send_message(MessageRecipient::Broadcast, self.messages.to_string());
//!     }
//! }
//!
//! let mut room = Room::of(Chat::default);
//! let ann = room.connect();
//! let bob = room.connect();
//! room.send(ann, "hello");
//! room.expect(bob, ["hello"]);
//! room.advance(1.minute());
//! room.expect(bob, ["1"]);
//! room.expect(ann, ["hello", "1"]);
//! ```
//!
//! A [`Room`] records its inputs as a [`Script`], which can be replayed and printed as a test. With the feature
//! `proptest`, `Interleavings` runs random scripts against a service and reports the shortest one that fails. Use a
//! [`TestContext`] to call the methods of a service directly.
//!
//! *Invariant:* nothing here sleeps, and effects are applied as in a server's room.
mod block_on;
mod clock;
mod closed;
#[cfg(feature = "proptest")]
mod interleavings;
mod mismatch;
mod room;
mod script;
mod test_context;
mod time;

/// The effects that a [`TestContext`] records.
pub use crate::messages::Effect;
pub use clock::RoomClock;
pub use closed::Closed;
#[cfg(feature = "proptest")]
pub use interleavings::{Failure, Interleavings, Verdict};
pub use mismatch::Mismatch;
pub use room::Room;
pub use script::{Script, Step};
pub use test_context::TestContext;
pub use time::Time;
