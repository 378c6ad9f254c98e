//! Rooms: small, single-threaded, stateful services that talk to their clients over WebSockets.
//!
//! This crate contains the traits and types a service is written against, and nothing else: no runtime, no sockets. A
//! service implements [`StateroomService`]. Its methods are called when a client connects, sends a message or
//! disconnects, and when a timer fires; it responds through a [`StateroomContext`]. The same service runs natively in
//! `stateroom-server` or, with the attribute `#[stateroom_wasm]` of `stateroom-wasm`, as a sandboxed WebAssembly
//! module.
//!
//! ```
//! use stateroom::*;
//!
//! /// A counter shared by all clients of the room.
//! #[derive(Default)]
//! struct Counter {
//!     value: i64,
//! }
//!
//! impl StateroomService for Counter {
//!     fn connect(&mut self, client: ClientId, context: &impl StateroomContext) {
//!         // Send the current value to the new client.
//!         context.send_message(client, self.value.to_string());
//!     }
//!
//!     fn message(&mut self, _: ClientId, message: MessagePayload, context: &impl StateroomContext) {
//!         match message.text() {
//!             Some("up") => self.value += 1,
//!             Some("down") => self.value -= 1,
//!             _ => return,
//!         }
//!         context.send_message(MessageRecipient::Broadcast, self.value.to_string());
//!     }
//! }
//! ```
//!
//! # Guarantees
//!
//! - Events are handled one at a time. `init` is the first event. The events of a client keep their order: `connect`,
//!   its messages in the order in which it sent them, `disconnect`.
//! - Effects (messages, timers, closed clients) are released when the method that requested them returns. A method that
//!   panics releases none, and ends the room.
//! - A message to a client that has left is dropped without an error.
//!
//! # Features
//!
//! | feature | description |
//! |-|-|
//! | `serde` | `Serialize` and `Deserialize` for the message types |
//! | `wire` | `wire`: the encodings used between a host and a WebAssembly guest |
//! | `testing` | `testing`: a simulated room and a recording context, to test a service without a server |
//! | `proptest` | `testing::Interleavings`: randomized tests in the simulated room; requires Rust 1.88 |
#![forbid(unsafe_code)]

mod client_id;
mod context;
pub mod details;
#[doc(hidden)]
pub mod dispatch;
#[doc(hidden)]
pub mod durable;
#[doc(hidden)]
pub mod event_batch;
mod factory;
pub mod fault;
pub mod http;
pub mod messages;
mod payload;
#[doc(hidden)]
pub mod printable;
mod recipient;
#[cfg(feature = "room")]
#[doc(hidden)]
pub mod room;
mod service;
#[doc(hidden)]
pub mod system_time;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "wire")]
pub mod wire;

// `use stateroom::*` imports only the names of 0.4.4, so a newer release never makes a name in a service ambiguous.
pub use client_id::ClientId;
pub use context::StateroomContext;
pub use factory::{DefaultStateroomFactory, StateroomServiceFactory};
pub use messages::{MessageFromProcess, MessageToProcess};
pub use payload::MessagePayload;
pub use recipient::MessageRecipient;
pub use service::StateroomService;

/// Compiles and runs the code of the README as doctests.
#[cfg(all(doctest, feature = "proptest"))]
#[doc = include_str!("../README.md")]
mod readme {}
