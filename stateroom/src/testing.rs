//! Testing a service without a server: a simulated room, with clients and a clock of its own.
//!
//! ```
//! use stateroom::{testing::{Room, Time}, *};
//!
//! /// Says what it hears to everybody, and a minute later how often it was spoken to.
//! #[derive(Default)]
//! struct Parrot {
//!     heard: u32,
//! }
//!
//! impl StateroomService for Parrot {
//!     fn message(&mut self, _: ClientId, message: MessagePayload, context: &impl StateroomContext) {
//!         self.heard += 1;
//!         context.send_message(MessageRecipient::Broadcast, message);
//!         context.set_timer(60_000);
//!     }
//!
//!     fn timer(&mut self, context: &impl StateroomContext) {
//!         context.send_message(MessageRecipient::Broadcast, self.heard.to_string());
//!     }
//! }
//!
//! let mut room = Room::of(Parrot::default);
//! let ann = room.connect();
//! let bob = room.connect();
//! room.send(ann, "hello");
//! room.expect(bob, ["hello"]);
//! room.advance(1.minute());
//! room.expect(bob, ["1"]);
//! room.expect(ann, ["hello", "1"]);
//! ```
//!
//! What is done to a [`Room`] is recorded: its [`Script`] can be run again, and printed as a test. With the feature
//! `proptest`, `Interleavings` throws random scripts at a service and shows the shortest one that breaks it.
//! [`TestContext`] is for calling a service's methods one by one.
//!
//! *Invariant:* nothing here sleeps, and what a service asks for takes effect as in a server's room.
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

/// What a [`TestContext`] records.
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
