//! What `stateroom-server` promises, shown through its public API with native services.
//!
//! One program, built once, whose tests run in parallel: a file for each topic, and `common` for all.
//! Where time plays a part it is paused, and the server is reached over pipes in memory.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects, and fails where that is not so"
)]

mod admin;
mod admission;
mod attacks;
mod closing;
mod common;
mod contexts;
mod drain;
mod dropped_connections;
mod embed;
mod faults;
mod handle;
mod heartbeat;
mod http;
#[cfg(feature = "jwt")]
mod jwt;
mod lifecycle;
mod limits;
mod metrics;
mod model;
mod policies;
mod requests;
mod rooms;
mod shutdown;
mod simulated;
mod slow_clients;
mod space;
mod strategies;
mod swap;
mod timers;
#[cfg(feature = "tls")]
mod tls;
mod tokens;
