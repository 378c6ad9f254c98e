#![doc = include_str!("../README.md")]
//!
//! # How it works
//!
//! The attribute adds the module's exports, and each of them forwards to this crate: `memory` turns pointers into bytes,
//! `guest` bytes into an event for the one service, `context` what that asks for into bytes again. The first is the only
//! one with `unsafe` code, and exists on `wasm32` and in tests alone; the others are ordinary code, tested natively.
//!
//! *Invariant:* a module imports `env.stateroom_send` and WASI preview 1, and nothing else.

mod context;
mod guest;
#[cfg(any(target_arch = "wasm32", test))]
#[expect(unsafe_code, reason = "the border to the host: pointers, the import, the linker's constructors")]
mod memory;

// Only names of the service API come with `use stateroom_wasm::*`, what is newer by its module, so that no service finds one of its own ambiguous.
#[cfg(feature = "testing")]
pub use stateroom::testing;
pub use stateroom::{
    ClientId, DefaultStateroomFactory, MessageFromProcess, MessagePayload, MessageRecipient, MessageToProcess,
    StateroomContext, StateroomService, StateroomServiceFactory, details, http,
};
pub use stateroom_wasm_macro::stateroom_wasm;

/// What the attribute's code calls. No part of the interface: it changes with the attribute.
#[doc(hidden)]
pub mod __guest {
    pub use crate::guest::{API_PROTOCOL, API_VERSION, Guest};
    #[cfg(any(target_arch = "wasm32", test))]
    pub use crate::memory::{Effects, batch, free, hello, initialize, malloc, recv};
}
