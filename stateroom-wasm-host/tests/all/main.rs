//! Guests and their host, from well-behaved to hostile. The guests are WebAssembly text in `tests/guests`.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod abi;
mod batches;
mod cache;
mod common;
#[cfg(unix)]
mod compiler;
mod cpu_time;
mod durable;
mod hostile;
mod limits;
mod limits_exceeded;
mod module_kinds;
mod refusals;
mod served;
mod simulated;
#[cfg(unix)]
mod stored;
mod threads;
