//! Rooms: small, single-threaded, stateful services that talk to their clients over WebSockets.
//!
//! This crate holds what a service is written against and nothing else: no runtime, no sockets. A service implements
//! [`StateroomService`]; it is told what happens (a client connects, says something, leaves, a timer fires) and answers
//! through a [`StateroomContext`]. The same service runs natively inside `stateroom-server` or, marked with
//! `#[stateroom_wasm]` from `stateroom-wasm`, as a sandboxed WebAssembly module.
//!
//! ```
//! use stateroom::*;
//!
//! /// Counts, for everybody in the room.
//! #[derive(Default)]
//! struct Counter {
//!     value: i64,
//! }
//!
//! impl StateroomService for Counter {
//!     fn connect(&mut self, client: ClientId, context: &impl StateroomContext) {
//!         // The newcomer learns where we are.
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
//! # What a room promises its service
//!
//! - Events are handled one at a time: `init` first, then the events of each client in the order in which it caused
//!   them, `connect` before its messages and `disconnect` last.
//! - What an event asks for (messages, a timer, a closed client) takes effect when its method has returned. A method
//!   that panics has no effect at all, and ends the room.
//! - A message to a client that has left is dropped quietly.
//!
//! # Features
//!
//! | feature | what it adds |
//! |-|-|
//! | `serde` | `Serialize` and `Deserialize` for the message types |
//! | `wire` | `wire`: the encodings between a host and a WebAssembly guest |
//! | `testing` | `testing`: a simulated room, and a context that records, to test a service without a server |
//! | `proptest` | `testing::Interleavings`: random tests in that room; needs Rust 1.88 |
#![forbid(unsafe_code)]

mod client_id;
mod context;
pub mod details;
#[doc(hidden)]
pub mod dispatch;
#[doc(hidden)]
pub mod event_batch;
mod factory;
pub mod fault;
pub mod http;
pub mod messages;
mod payload;
mod recipient;
#[cfg(feature = "room")]
#[doc(hidden)]
pub mod room;
mod service;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "wire")]
pub mod wire;

// Only these names come with `use stateroom::*`: the ones of 0.4.4, so that no service finds one of its own ambiguous.
pub use client_id::ClientId;
pub use context::StateroomContext;
pub use factory::{DefaultStateroomFactory, StateroomServiceFactory};
pub use messages::{MessageFromProcess, MessageToProcess};
pub use payload::MessagePayload;
pub use recipient::MessageRecipient;
pub use service::StateroomService;

/// The code of the README, compiled and run as the rest of the documentation is.
#[cfg(all(doctest, feature = "proptest"))]
#[doc = include_str!("../README.md")]
mod readme {}
