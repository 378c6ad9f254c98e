//! Integration tests of `stateroom-server`: its public API, with native services.
//!
//! A single test binary with one module per topic; `common` holds the shared helpers.
//! Tests that depend on time run with paused time and connect over in-memory pipes.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test panics when an expectation does not hold"
)]

mod admin;
mod admission;
mod attacks;
mod capacity;
mod closing;
mod common;
mod contexts;
mod cookies;
mod cors;
mod drain;
mod dropped_connections;
mod durable;
mod embed;
mod fan_out;
mod faults;
mod files;
mod handle;
mod heartbeat;
mod hosts;
mod http;
#[cfg(feature = "jwt")]
mod jwt;
mod lifecycle;
mod limits;
mod memory;
mod metrics;
mod model;
mod paths;
mod policies;
mod requests;
mod response_headers;
mod room_places;
mod rooms;
mod shutdown;
mod simulated;
mod slow_clients;
mod strategies;
mod swap;
mod timers;
#[cfg(feature = "tls")]
mod tls;
mod tokens;
