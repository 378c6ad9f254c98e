//! Guests and their host, from the well-behaved to the hostile. Guests are WebAssembly text, in `tests/guests`.
mod abi;
mod common;
mod hostile;
mod limits;
mod refusals;
mod threads;
