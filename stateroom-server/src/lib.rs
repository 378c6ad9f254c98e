//! Serves Stateroom services over WebSockets: standalone, or nested in an Axum app.
//!
//! ```no_run
//! use stateroom::{ClientId, DefaultStateroomFactory, MessagePayload, StateroomContext, StateroomService};
//! use stateroom_server::Server;
//!
//! #[derive(Default)]
//! struct Echo;
//!
//! impl StateroomService for Echo {
//!     fn message(&mut self, client: ClientId, message: MessagePayload, context: &impl StateroomContext) {
//!         context.send_message(client, message);
//!     }
//! }
//!
//! fn main() -> std::io::Result<()> {
//!     // Clients connect to ws://localhost:8080/ws/any-room
//!     Server::new().serve(DefaultStateroomFactory::<Echo>::default())
//! }
//! ```
#![forbid(unsafe_code)]

mod admin;
mod admission;
mod broken;
mod clock;
mod connection;
mod durable;
mod http;
mod http1;
#[cfg(any(feature = "jwt", feature = "tls"))]
mod key_file;
mod memory;
mod metrics;
mod outbound;
mod permits;
mod rate_limit;
mod room;
mod rooms;
mod server;
mod settings;
mod shared;
mod socket_options;
mod tasks;
mod timeout_socket;
mod websocket;

#[cfg(feature = "jwt")]
pub use admission::jwt::{Jwt, KeyError};
pub use admission::{
    Access, Admission, AdmissionRequest, Denied, Hosts, Origins, ParseHostsError, ParseOriginsError, ParseProxiesError,
    TrustedProxies,
};

pub use broken::BrokenRoom;
#[doc(hidden)]
pub use http::guard::OriginGuard;
pub use http::{is_hidden_file, is_reserved_response_header};
#[doc(hidden)]
pub use http1::http1_builder;
pub use room::{
    handle::RoomHandle,
    reply::{CallError, RoomEnded},
};
pub use rooms::{OnSwap, Refusal, RoomInfo};
pub use server::{BoundServer, Server, ServerHandle};
#[cfg(feature = "tls")]
pub use server::{Tls, TlsError};
pub use stateroom_memory::MemoryBudget;
pub use stateroom_store as store;

pub use settings::{
    Limit, Limits, ParseRoomStrategyError, ParseShutdownPolicyError, RoomStrategy, ShortLength, ShutdownPolicy,
};

/// The code of the README, compiled like the rest of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod root_readme {}
